/*
 * answer.c - see answer.h. Pure; any thread.
 */
#include "queue/answer.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

static bool get_int(const redisReply *reply, int64_t *out)
{
  if (reply->type != REDIS_REPLY_INTEGER) return false;
  *out = reply->integer;
  return true;
}

static bool get_id(const redisReply *reply, struct ulid *out)
{
  return reply->type == REDIS_REPLY_STRING && ulid_parse(reply->str, (size_t)reply->len, out);
}

enum status answer_ids(const redisReply *reply, struct ulid **ids, size_t *n)
{
  if (reply->type != REDIS_REPLY_ARRAY) return ST_BROKEN;
  if (reply->elements == 0) return ST_OK;
  *ids = mem_resize(*ids, (*n + reply->elements) * sizeof **ids);
  for (size_t i = 0; i < reply->elements; i++)
    if (!get_id(reply->element[i], &(*ids)[*n + i])) return ST_BROKEN;
  *n += reply->elements;
  return ST_OK;
}

/* SESSION:NUMBER. A number that is not negative has one character less than the longest. */
static void write_token(char out[QUEUE_TOKEN_MAX], const char *session, int64_t number)
{
  char digits[BUF_INT_MAX];
  assert(number >= 0);
  size_t n = buf_int_text(digits, number);
  size_t head = strnlen(session, QUEUE_TOKEN_MAX - BUF_INT_MAX - 1);
  memcpy(out, session, head);
  out[head] = ':';
  memcpy(out + head + 1, digits, n);
  out[head + 1 + n] = '\0';
}

enum status answer_claimed(const redisReply *reply, const char *session, int64_t counter,
                           size_t max, struct queue_claimed *claimed)
{
  enum { HEAD = 3 };
  int64_t gate, wait_ms, now_ms;
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements < HEAD || reply->elements - HEAD > max)
    return ST_BROKEN;
  if (!get_int(reply->element[0], &gate) || gate < QUEUE_OPEN || gate > QUEUE_CLOSED ||
      !get_int(reply->element[1], &wait_ms) || !get_int(reply->element[2], &now_ms))
    return ST_BROKEN;

  size_t n = reply->elements - HEAD;
  struct queue_item *items = mem_alloc((n + 1) * sizeof *items);
  for (size_t i = 0; i < n; i++) {
    if (!get_id(reply->element[HEAD + i], &items[i].id)) {
      free(items);
      return ST_BROKEN;
    }
    write_token(items[i].token, session, counter + (int64_t)i);
  }
  *claimed = (struct queue_claimed){items, n, (enum queue_gate)gate, wait_ms, now_ms};
  return ST_OK;
}

static int64_t made_ms(const struct ulid *id)
{
  int64_t ms = 0;
  for (int i = 0; i < 6; i++) ms = ms << 8 | id->bytes[i];
  return ms;
}

enum status answer_counts(const redisReply *reply, int64_t now_unix_ms, struct queue_counts *counts)
{
  enum { N_NUMBERS = 7, N_ALL };
  int64_t number[N_NUMBERS];
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements != N_ALL) return ST_BROKEN;
  for (size_t i = 0; i < N_NUMBERS; i++)
    if (!get_int(reply->element[i], &number[i])) return ST_BROKEN;

  const redisReply *oldest = reply->element[N_NUMBERS];
  struct ulid id;
  int64_t age = 0;
  if (get_id(oldest, &id)) {
    age = now_unix_ms - made_ms(&id);
    if (age < 0) age = 0; /* it was made by another machine's clock */
  } else if (oldest->type != REDIS_REPLY_STRING || oldest->len != 0) {
    return ST_BROKEN;
  }
  *counts = (struct queue_counts){.waiting = number[0],
                                  .active = number[1],
                                  .delayed = number[2],
                                  .completed = number[3],
                                  .failed = number[4],
                                  .used_in_window = number[5],
                                  .paused = number[6] != 0,
                                  .oldest_waiting_ms = age};
  return ST_OK;
}

/* ── reports: numbers, then two lines of JSON ───────────────────────────────────────────────── */

#define REPORT_NUMBERS(r)                                                                          \
  r slots, r busy, r run, r succeeded, r failed, r retried, r other, r busy_ms, r open_ms

void report_write(const struct queue_report *r, struct buf *out)
{
  const int64_t numbers[] = {REPORT_NUMBERS(r->)};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    buf_appendf(out, "%" PRId64 " ", numbers[i]);
  buf_append_char(out, '\n');
  buf_append(out, r->status, r->status_len);
  buf_append_char(out, '\n');
  buf_append(out, r->stats, r->stats_len);
}

static bool read_report(const char *text, size_t len, struct queue_report *out)
{
  const char *end_of_text = text + len;
  const char *status = memchr(text, '\n', len);
  const char *stats = status ? memchr(status + 1, '\n', (size_t)(end_of_text - status - 1)) : NULL;
  int64_t *numbers[] = {REPORT_NUMBERS(&out->)};
  if (!stats) return false;
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    char *end;
    *numbers[i] = strtoll(text, &end, 10);
    if (end == text || end > status) return false;
    text = end;
  }
  out->status = status + 1;
  out->status_len = (size_t)(stats - out->status);
  out->stats = stats + 1;
  out->stats_len = (size_t)(end_of_text - out->stats);
  return true;
}

enum status answer_reports(const redisReply *reply, struct queue_report **reports, size_t *n)
{
  enum { ID, AGE, TEXT, PARTS };
  if (reply->type != REDIS_REPLY_ARRAY || reply->elements % PARTS != 0) return ST_BROKEN;
  *reports = mem_alloc((reply->elements / PARTS + 1) * sizeof **reports);
  *n = 0;
  for (size_t i = 0; i < reply->elements; i += PARTS) {
    redisReply *const *part = &reply->element[i];
    struct queue_report r = {0};
    if (!get_id(part[ID], &r.process) || !get_int(part[AGE], &r.age_ms) ||
        part[TEXT]->type != REDIS_REPLY_STRING)
      continue;
    if (read_report(part[TEXT]->str, (size_t)part[TEXT]->len, &r)) (*reports)[(*n)++] = r;
  }
  return ST_OK;
}
