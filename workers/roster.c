/* roster.c - see roster.h. */
#include "workers/roster.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json.h"

enum { HOST_MAX = 256 };

static void write_name(struct json_writer *w)
{
  char host[HOST_MAX] = "", name[HOST_MAX + 16];
  gethostname(host, sizeof host - 1);
  snprintf(name, sizeof name, "%s:%ld", host, (long)getpid());
  json_str(w, "worker", name);
}

static void write_order(struct json_writer *w, const struct dispatcher_slot *s)
{
  char id[ULID_ORDER_LEN + 1];
  ulid_format_order(&s->order, id);
  json_str(w, "orderId", s->busy ? id : NULL);
  json_str(w, "type", s->type);
  json_str(w, "stage", s->stage);
  if (s->busy) {
    json_int(w, "attempt", s->attempt);
    json_int(w, "ageMs", s->age_ms);
  } else {
    json_nil(w, "attempt");
    json_nil(w, "ageMs");
  }
}

static void write_status(const struct dispatcher *d, struct json_writer *w)
{
  json_begin(w, NULL);
  write_name(w);
  json_begin_array(w, "slots");
  for (size_t i = 0; i < dispatcher_slots(d); i++) {
    const struct dispatcher_slot s = dispatcher_slot(d, i);
    json_begin(w, NULL);
    json_int(w, "slot", (int64_t)i);
    json_bool(w, "busy", s.busy);
    write_order(w, &s);
    json_end(w);
  }
  json_end_array(w);
  json_end(w);
}

static double share(int64_t part, int64_t whole)
{
  return whole > 0 ? (double)part / (double)whole : 0;
}

static void write_tally(struct json_writer *w, const struct slot_tally *t, int64_t open_ms)
{
  json_int(w, "run", t->succeeded + t->failed + t->retried + t->other);
  json_int(w, "succeeded", t->succeeded);
  json_int(w, "failed", t->failed);
  json_int(w, "retried", t->retried);
  json_int(w, "other", t->other);
  json_fixed(w, "busyShare", share(t->busy_ns / 1000000, open_ms));
}

/* Of all slots. What runs now counts as busy, and not yet as run. */
static struct slot_tally sum_up(const struct dispatcher *d)
{
  struct slot_tally sum = {0};
  for (size_t i = 0; i < dispatcher_slots(d); i++) {
    const struct slot_tally t = dispatcher_slot(d, i).tally;
    sum.succeeded += t.succeeded;
    sum.failed += t.failed;
    sum.retried += t.retried;
    sum.other += t.other;
    sum.busy_ns += t.busy_ns;
  }
  return sum;
}

static void write_stats(const struct dispatcher *d, const struct slot_tally *sum,
                        struct json_writer *w)
{
  int64_t open_ms = dispatcher_open_ms(d);
  json_begin(w, NULL);
  write_name(w);
  json_int(w, "uptimeMs", open_ms);
  write_tally(w, sum, open_ms * (int64_t)dispatcher_slots(d));
  json_begin_array(w, "slots");
  for (size_t i = 0; i < dispatcher_slots(d); i++) {
    const struct dispatcher_slot s = dispatcher_slot(d, i);
    json_begin(w, NULL);
    json_int(w, "slot", (int64_t)i);
    write_tally(w, &s.tally, open_ms);
    json_end(w);
  }
  json_end_array(w);
  json_end(w);
}

void roster_write(const struct dispatcher *d, struct buf *text, struct queue_report *out)
{
  struct json_writer w;
  const struct slot_tally sum = sum_up(d);
  buf_clear(text);
  json_writer_init(&w, text);
  write_status(d, &w);
  size_t status_len = text->len;
  json_writer_init(&w, text);
  write_stats(d, &sum, &w);
  int64_t slots = (int64_t)dispatcher_slots(d);
  *out = (struct queue_report){.process = *dispatcher_process(d),
                               .slots = slots,
                               .busy = (int64_t)dispatcher_busy(d),
                               .run = sum.succeeded + sum.failed + sum.retried + sum.other,
                               .succeeded = sum.succeeded,
                               .failed = sum.failed,
                               .retried = sum.retried,
                               .other = sum.other,
                               .busy_ms = sum.busy_ns / 1000000,
                               .open_ms = slots * dispatcher_open_ms(d),
                               .status = text->data,
                               .status_len = status_len,
                               .stats = text->data + status_len,
                               .stats_len = text->len - status_len};
}
