/*
 * stress.c - POST /api/system/stress-test: orders of this process's own making, through the path
 * that a client's orders take, and how long they took to be durable.
 *
 * DESIGN. One run at a time. A batch is so many orders that are placed one after the other and is
 * over when the last of them has its answer; so many batches are under way. Orders are placed a few
 * in a turn of the loop, as an idle handle gives it, so that others get theirs; the handle rests
 * while as much is under way as may be. What nobody asked for otherwise costs nobody anything: a
 * record is run by nobody and has ended as it is made. Other types are really run.
 */
#include "http/stress.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/json.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/handlers.h"
#include "http/input.h"

enum {
  ORDERS_MAX = 100000,
  BATCH_MAX = 1000,
  CONCURRENT_MAX = 100,
  UNDER_WAY_MAX = 5000, /* orders: half of what the journal lets wait */
  SLICE = 16,           /* orders in a turn */
  TIME_MAX_MS = 60000,
  BODY_MAX = 256,
};

/* What is placed: a body, around the order's own id. */
static const struct kind {
  const char *type, *head, *tail;
} kinds[] = {
    {"record", "{\"type\":\"record\",\"id\":\"", "\",\"amount\":1,\"status\":\"COMPLETED\"}"},
    {"market", "{\"type\":\"market\",\"clientOrderId\":\"",
     "\",\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\",\"amount\":1,\"slippage\":0.1}"},
};

struct run;

struct batch {
  struct run *run;
  int64_t begun_ns, took_us;
  int64_t left; /* orders without an answer */
};

struct run {
  struct stress *owner;
  struct call call;
  const struct kind *kind;
  int64_t orders, batch_size, concurrent; /* as asked */
  char name[ULID_LEN + 1];
  int64_t begun_ms; /* monotonic */
  int64_t placed, accepted, failed;
  const char *first_error; /* NULL: none */
  size_t n_batches, n_begun, n_ended;
  struct batch batches[];
};

struct stress {
  uv_idle_t turn;
  struct run *run; /* NULL: none */
  bool closing;
  int open; /* the handle; the run, once it closes */
};

/* ── the answer ─────────────────────────────────────────────────────────────────────────────── */

static int by_time(const void *a, const void *b)
{
  const struct batch *x = a, *y = b;
  return (x->took_us > y->took_us) - (x->took_us < y->took_us);
}

/* Nearest rank, of those that were begun; they are sorted. */
static double percentile(const struct run *r, size_t percent)
{
  if (r->n_begun == 0) return 0;
  size_t rank = (r->n_begun * percent + 99) / 100;
  return (double)r->batches[rank - 1].took_us / 1000;
}

static void write_result(struct run *r, struct json_writer *w)
{
  int64_t elapsed_ms = clock_mono_ms() - r->begun_ms;
  qsort(r->batches, r->n_begun, sizeof *r->batches, by_time);
  json_begin(w, NULL);
  json_str(w, "type", r->kind->type);
  json_int(w, "orders", r->orders);
  json_int(w, "accepted", r->accepted);
  json_int(w, "failed", r->failed);
  json_str(w, "firstError", r->first_error);
  json_int(w, "batches", (int64_t)r->n_batches);
  json_int(w, "batchSize", r->batch_size);
  json_int(w, "concurrentBatches", r->concurrent);
  json_int(w, "elapsedMs", elapsed_ms);
  json_fixed(w, "ordersPerSecond",
             (double)r->accepted * 1000 / (double)(elapsed_ms > 0 ? elapsed_ms : 1));
  json_begin(w, "batchMs");
  json_fixed(w, "p50", percentile(r, 50));
  json_fixed(w, "p95", percentile(r, 95));
  json_fixed(w, "p99", percentile(r, 99));
  json_fixed(w, "max", percentile(r, 100));
  json_end(w);
  json_end(w);
}

static void let_go(struct stress *s)
{
  if (--s->open == 0) free(s);
}

static void end(struct run *r)
{
  struct stress *s = r->owner;
  s->run = NULL;
  if (!s->closing) {
    struct json_writer w;
    uv_idle_stop(&s->turn);
    json_writer_init(&w, answer_body(&r->call));
    write_result(r, &w);
    answer_send(&r->call, 200, NULL, 0);
  }
  free(r);
  if (s->closing) let_go(s);
}

/* ── orders ─────────────────────────────────────────────────────────────────────────────────── */

static void on_turn(uv_idle_t *turn);

static void fail(struct run *r, int64_t n, enum problem why)
{
  r->failed += n;
  if (!r->first_error) r->first_error = problem_code(why);
}

/* The last answer of a batch makes room for another; the last of all ends the run. */
static void one_ended(struct batch *b)
{
  struct run *r = b->run;
  if (--b->left > 0) return;
  b->took_us = (clock_mono_ns() - b->begun_ns) / 1000;
  r->n_ended++;
  if (r->accepted + r->failed == r->orders && r->n_ended == r->n_begun)
    end(r);
  else if (!r->owner->closing)
    uv_idle_start(&r->owner->turn, on_turn);
}

static void on_accepted(void *arg, enum status status, const struct journal_accepted *accepted)
{
  struct batch *b = arg;
  (void)accepted;
  if (status == ST_OK)
    b->run->accepted++;
  else
    fail(b->run, 1, status == ST_REPLAYED ? PROBLEM_INTERNAL : problem_of(status));
  one_ended(b);
}

/* ST_OK: the answer comes to on_accepted(). */
static enum status place(const struct run *r, struct batch *b)
{
  char body[BODY_MAX];
  struct problem_errors errors;
  struct envelope envelope;
  problem_errors_init(&errors);
  int len = snprintf(body, sizeof body, "%sstress.%s.%lld%s", r->kind->head, r->name,
                     (long long)r->placed, r->kind->tail);
  enum status status =
      envelope_parse(r->call.api->registry, &envelope_any, body, (size_t)len, &envelope, &errors);
  const struct accept_request request = {&envelope, NULL, body, (size_t)len};
  if (status == ST_OK) status = accept_order(&r->call, &request, on_accepted, b);
  envelope_deinit(&envelope);
  problem_errors_deinit(&errors);
  return status;
}

/* Where the next order belongs; NULL: as much is under way as may be. */
static struct batch *batch_for_next(struct run *r)
{
  size_t at = (size_t)(r->placed / r->batch_size);
  struct batch *b = &r->batches[at];
  if (at < r->n_begun) return b;
  int64_t open = (int64_t)(r->n_begun - r->n_ended);
  bool room = open < r->concurrent && (open + 1) * r->batch_size <= UNDER_WAY_MAX;
  if (!room) return NULL;
  int64_t left = r->orders - r->placed;
  *b = (struct batch){r, clock_mono_ns(), 0, left < r->batch_size ? left : r->batch_size};
  r->n_begun++;
  return b;
}

/* What is not placed by now never is. Its batch, if it was begun, ends without it. */
static void give_up(struct run *r)
{
  size_t at = (size_t)(r->placed / r->batch_size);
  int64_t begun = at < r->n_begun ? (int64_t)(at + 1) * r->batch_size : r->placed;
  int64_t missing = (begun < r->orders ? begun : r->orders) - r->placed;
  fail(r, r->orders - r->placed, PROBLEM_REQUEST_TIMEOUT);
  r->placed = r->orders;
  uv_idle_stop(&r->owner->turn);
  if (missing > 0) {
    r->batches[at].left -= missing - 1;
    one_ended(&r->batches[at]);
  } else if (r->n_ended == r->n_begun) {
    end(r);
  }
}

static void on_turn(uv_idle_t *turn)
{
  struct run *r = ((struct stress *)turn->data)->run;
  bool late = clock_mono_ms() - r->begun_ms > TIME_MAX_MS || r->call.api->draining;
  if (late && r->placed < r->orders) {
    give_up(r);
    return;
  }
  for (int i = 0; i < SLICE; i++) {
    struct batch *b = r->placed < r->orders ? batch_for_next(r) : NULL;
    if (!b) {
      uv_idle_stop(turn);
      return;
    }
    enum status status = place(r, b);
    r->placed++;
    if (status == ST_OK) continue;
    bool last = r->placed == r->orders;
    fail(r, 1, problem_of(status));
    one_ended(b);
    if (last) return; /* the run may be gone */
  }
}

/* ── what is asked ──────────────────────────────────────────────────────────────────────────── */

struct wanted {
  const struct kind *kind;
  int64_t numbers[3];
};

static const struct member {
  const char *name, *detail;
  int64_t max;
} members[] = {
    {"orders", "orders must be an integer from 1 to 100000", ORDERS_MAX},
    {"batchSize", "batchSize must be an integer from 1 to 1000", BATCH_MAX},
    {"concurrentBatches", "concurrentBatches must be an integer from 1 to 100", CONCURRENT_MAX},
};
enum { MEMBERS = sizeof members / sizeof *members };

static void read_number(const struct ox_field *f, size_t i, struct wanted *out,
                        struct problem_errors *errors)
{
  int64_t n = 0;
  bool digits =
      f->kind == OX_FIELD_NUMBER && f->len <= 6 && strspn(f->text, "0123456789") == f->len;
  if (digits) n = strtoll(f->text, NULL, 10);
  out->numbers[i] = n;
  if (n < 1 || n > members[i].max)
    problem_errors_add_member(errors, f->name, "OUT_OF_RANGE", members[i].detail);
}

static void read_kind(const struct ox_field *f, struct wanted *out, struct problem_errors *errors)
{
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (f->kind == OX_FIELD_STRING && strcmp(f->text, kinds[i].type) == 0) {
      out->kind = &kinds[i];
      return;
    }
  problem_errors_add(errors, "/type", "UNKNOWN_TYPE", "type must be one of record, market");
}

static void read_member(const struct ox_field *f, struct wanted *out, struct problem_errors *errors)
{
  for (size_t i = 0; i < MEMBERS; i++)
    if (strcmp(f->name, members[i].name) == 0) {
      read_number(f, i, out, errors);
      return;
    }
  if (strcmp(f->name, "type") == 0)
    read_kind(f, out, errors);
  else
    problem_errors_add_member(errors, f->name, "UNKNOWN_FIELD", "is not a member of this");
}

static bool read_wanted(const struct call *call, const struct http_request *request,
                        struct wanted *out, struct problem_errors *errors)
{
  struct json_object body;
  *out = (struct wanted){&kinds[0], {-1, -1, -1}};
  if (input_parse(request->body, request->body_len, &body, errors) != ST_OK) return false;
  for (size_t i = 0; i < body.n_fields; i++) read_member(&body.fields[i], out, errors);
  json_object_deinit(&body);
  for (size_t i = 0; i < MEMBERS; i++)
    if (out->numbers[i] < 0)
      problem_errors_add_member(errors, members[i].name, "REQUIRED", members[i].detail);
  if (!registry_type(call->api->registry, out->kind->type))
    problem_errors_add(errors, "/type", "UNKNOWN_TYPE", "no executor here has this type");
  return errors->n == 0;
}

static void start(struct stress *s, const struct call *call, const struct wanted *wanted)
{
  int64_t orders = wanted->numbers[0], size = wanted->numbers[1];
  size_t batches = (size_t)((orders + size - 1) / size);
  struct run *r = mem_alloc(sizeof *r + batches * sizeof *r->batches);
  const struct ulid id = ulid_make();
  *r = (struct run){.owner = s,
                    .call = *call,
                    .kind = wanted->kind,
                    .orders = orders,
                    .batch_size = size,
                    .concurrent = wanted->numbers[2],
                    .begun_ms = clock_mono_ms(),
                    .n_batches = batches};
  ulid_format(&id, r->name);
  s->run = r;
  uv_idle_start(&s->turn, on_turn);
}

void stress_test_post(const struct call *call, const struct http_request *request,
                      const char *param)
{
  struct stress *s = call->api->stress;
  struct problem_errors errors;
  struct wanted wanted;
  (void)param;
  problem_errors_init(&errors);
  if (!read_wanted(call, request, &wanted, &errors))
    answer_errors(call, &errors);
  else if (s->run)
    answer_problem(call, PROBLEM_STRESS_TEST_RUNNING, NULL);
  else
    start(s, call, &wanted);
  problem_errors_deinit(&errors);
}

/* ── life ───────────────────────────────────────────────────────────────────────────────────── */

struct stress *stress_open(uv_loop_t *loop)
{
  struct stress *s = mem_alloc(sizeof *s);
  uv_idle_init(loop, &s->turn);
  s->turn.data = s;
  return s;
}

static void on_closed(uv_handle_t *handle)
{
  let_go(handle->data);
}

void stress_close(struct stress *s)
{
  if (!s) return;
  struct run *r = s->run;
  s->closing = true;
  s->open = 1 + (r != NULL);
  uv_close((uv_handle_t *)&s->turn, on_closed);
  if (!r) return;
  answer_problem(&r->call, PROBLEM_DRAINING, NULL);
  if (r->placed < r->orders) give_up(r);
}
