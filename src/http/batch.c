/*
 * batch.c - POST /api/orders/batch: many orders, one key, one transaction.
 *
 * DESIGN. A batch goes through these, and each but the first may end it with an answer:
 *
 *   split ─▶ is the key known? ─▶ read, a chunk in a turn of the loop ─▶ are names taken? ─▶ place
 *                   ▲                                                                         │
 *                   └──────────── the key or a name was taken meanwhile ◀────────────────────┘
 *
 * The answer is written before the orders are placed, and stored with them: what a replay gets is
 * these bytes. Reading is what takes time (some 10 us an order), so others get their turns between
 * chunks. The job belongs to its phase: the list of those that read, or a callback's arg.
 */
#include "http/batch.h"

#include <string.h>

#include "base/alloc.h"
#include "base/list.h"
#include "http/accept.h"
#include "http/answer.h"
#include "http/batch_items.h"
#include "http/handlers.h"
#include "journal/batch.h"
#include "store/replay.h"

enum { TRIES_MAX = 3 };

struct batches {
  uv_idle_t turn;      /* while any reads; unlike a timer of 0 ms it lets the loop poll between */
  struct list reading; /* of job */
};

struct job {
  struct list_node node;
  struct call call;
  struct journal_batch *batch; /* ours, but for the time in which it is placed */
  struct batch_items items;
  size_t next;   /* to be read */
  size_t *asked; /* the items whose names were looked up */
  int tries;
  char *key, *body;
  char *answer; /* as it is stored */
  unsigned char hash[JOURNAL_HASH_LEN];
};

/* ── life ───────────────────────────────────────────────────────────────────────────────────── */

static struct job *job_create(const struct call *call, const struct http_request *request,
                              const char *key)
{
  struct job *job = mem_alloc(sizeof *job);
  job->call = *call;
  job->key = mem_strdup(key);
  job->body = mem_strndup(request->body, request->body_len);
  return job;
}

static void job_end(struct job *job)
{
  journal_batch_drop(job->batch);
  batch_items_deinit(&job->items);
  free(job->asked);
  free(job->key);
  free(job->body);
  free(job->answer);
  free(job);
}

static void refuse(struct job *job, enum problem problem)
{
  answer_problem(&job->call, problem, NULL);
  job_end(job);
}

static void answer(struct job *job, const char *text, size_t len, bool replayed)
{
  const struct http_header header = {"Idempotent-Replayed", "true"};
  buf_append(answer_body(&job->call), text, len);
  answer_send(&job->call, 200, &header, replayed ? 1 : 0);
  job_end(job);
}

/* ── placing ────────────────────────────────────────────────────────────────────────────────── */

static void ask_key(struct job *job);

static void on_placed(void *arg, enum status status)
{
  struct job *job = arg;
  if (status != ST_CONFLICT) job->batch = NULL;
  if (status == ST_OK)
    answer(job, job->answer, strlen(job->answer), false);
  else if (status != ST_CONFLICT)
    refuse(job, problem_of(status));
  else if (++job->tries == TRIES_MAX)
    refuse(job, PROBLEM_REQUEST_IN_PROGRESS);
  else
    ask_key(job);
}

static void place(struct job *job)
{
  struct buf *text = answer_body(&job->call);
  batch_items_write(&job->items, (size_t)job->call.api->config->batch_size, text);
  if (text->overflow) {
    refuse(job, PROBLEM_INTERNAL);
    return;
  }
  free(job->answer);
  job->answer = buf_take(text, NULL);
  journal_batch_send(job->batch, job->answer, on_placed, job);
}

/* ── names ──────────────────────────────────────────────────────────────────────────────────── */

static void on_names(void *arg, enum status status, const struct replay_name *taken, size_t n)
{
  struct job *job = arg;
  if (status != ST_OK) {
    refuse(job, problem_of(status));
    return;
  }
  for (size_t k = 0; k < n; k++) {
    size_t i = job->asked[taken[k].at];
    const struct batch_taken by = {taken[k].id, taken[k].hash, taken[k].status};
    journal_batch_remove(job->batch, &job->items.items[i].id);
    batch_items_taken(&job->items, i, &by);
  }
  place(job);
}

static void ask_names(struct job *job)
{
  const struct batch_item *items = job->items.items;
  const char **names = mem_alloc(job->items.n * sizeof *names);
  size_t n = 0;
  if (!job->asked) job->asked = mem_alloc(job->items.n * sizeof *job->asked);
  for (size_t i = 0; i < job->items.n; i++) {
    if (items[i].state != BATCH_NEW || !items[i].own[0]) continue;
    job->asked[n] = i;
    names[n++] = items[i].own;
  }
  const struct replay_names_ask ask = {call_tenant(&job->call), names, n};
  enum status status = n ? replay_names(job->call.api->reader, &ask, on_names, job) : ST_NOT_FOUND;
  free(names);
  if (status == ST_NOT_FOUND)
    place(job);
  else if (status != ST_OK)
    refuse(job, problem_of(status));
}

/* ── reading ────────────────────────────────────────────────────────────────────────────────── */

static enum status read_one(struct job *job, size_t i)
{
  struct batch_item *item = &job->items.items[i];
  struct envelope envelope;
  struct journal_accept order;
  enum status status = batch_items_read(&job->items, i, job->call.api->registry, &envelope);
  if (status == ST_OK) {
    status = accept_fill(&job->call, &envelope, &order);
    order.request_hash = envelope.client_order_id ? item->hash : NULL;
    if (status == ST_OK) item->id = journal_batch_add(job->batch, &order);
  } else if (status != ST_BROKEN) {
    status = ST_OK;
  }
  envelope_deinit(&envelope);
  return status;
}

/* Ends the job, or hands it on, when all is read; true when more is to be read. */
static bool read_chunk(struct job *job)
{
  size_t chunk = (size_t)job->call.api->config->batch_size, to = job->next + chunk;
  if (to > job->items.n) to = job->items.n;
  enum status status = ST_OK;
  while (job->next < to && status == ST_OK) status = read_one(job, job->next++);
  if (status == ST_OK && job->next < job->items.n) return true;
  if (status != ST_OK) {
    refuse(job, problem_of(status));
  } else if (job->items.wrong.n > 0) {
    answer_errors(&job->call, &job->items.wrong);
    job_end(job);
  } else {
    ask_names(job);
  }
  return false;
}

/* Those that read take turns. */
static void on_turn(uv_idle_t *turn)
{
  struct batches *b = turn->data;
  struct job *job = container_of(list_pop(&b->reading), struct job, node);
  if (read_chunk(job)) list_append(&b->reading, &job->node);
  if (list_empty(&b->reading)) uv_idle_stop(turn);
}

static void start_reading(struct job *job)
{
  struct batches *b = job->call.api->batches;
  list_append(&b->reading, &job->node);
  uv_idle_start(&b->turn, on_turn);
}

/* ── the key ────────────────────────────────────────────────────────────────────────────────── */

static void on_key(void *arg, enum status status, const struct replay *found)
{
  struct job *job = arg;
  if (status == ST_OK && found->response)
    answer(job, found->response, found->response_len, true);
  else if (status == ST_OK)
    refuse(job, PROBLEM_IDEMPOTENCY_MISMATCH);
  else if (status != ST_NOT_FOUND)
    refuse(job, problem_of(status));
  else if (job->next < job->items.n)
    start_reading(job);
  else
    ask_names(job);
}

static void ask_key(struct job *job)
{
  const struct replay_ask ask = {
      .tenant = call_tenant(&job->call), .key = job->key, .key_hash = job->hash};
  enum status status = replay_find(job->call.api->reader, &ask, on_key, job);
  if (status != ST_OK) refuse(job, problem_of(status));
}

/* ── coming in ──────────────────────────────────────────────────────────────────────────────── */

static void begin(struct job *job, size_t len)
{
  const struct call *call = &job->call;
  enum status status = batch_items_split(&job->items, job->body, len);
  if (status == ST_FULL) {
    refuse(job, PROBLEM_TOO_MANY_ORDERS);
    return;
  }
  if (status != ST_OK) {
    answer_errors(call, &job->items.wrong);
    job_end(job);
    return;
  }
  status = accept_hash_request(call, job->body, len, job->hash);
  if (status == ST_OK)
    status = journal_batch_begin(call->api->journal, call_tenant(call), job->key, job->hash,
                                 &job->batch);
  if (status == ST_OK)
    ask_key(job);
  else
    refuse(job, problem_of(status));
}

void batch_post(const struct call *call, const struct http_request *request, const char *param)
{
  (void)param;
  const char *key;
  if (accept_key(request, &key) != ST_OK)
    answer_problem(call, PROBLEM_INVALID_IDEMPOTENCY_KEY, NULL);
  else if (!key)
    answer_problem(call, PROBLEM_IDEMPOTENCY_KEY_REQUIRED, NULL);
  else
    begin(job_create(call, request, key), request->body_len);
}

struct batches *batches_open(uv_loop_t *loop)
{
  struct batches *b = mem_alloc(sizeof *b);
  list_init(&b->reading);
  uv_idle_init(loop, &b->turn);
  b->turn.data = b;
  return b;
}

static void on_closed(uv_handle_t *handle)
{
  free(handle->data);
}

void batches_close(struct batches *b)
{
  if (!b) return;
  for (struct list_node *n; (n = list_pop(&b->reading)) != NULL;)
    refuse(container_of(n, struct job, node), PROBLEM_DRAINING);
  uv_close((uv_handle_t *)&b->turn, on_closed);
}
