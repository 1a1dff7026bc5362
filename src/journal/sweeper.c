/* sweeper.c - see sweeper.h. One page is under way at a time. */
#include "journal/sweeper.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "io/pg.h"
#include "io/pg_value.h"
#include "journal/statements.h"

enum { PAGE = 500, TICK_MS = 20, KEYS_PAGE = 1000, KEYS_EVERY_MS = 3600 * 1000 };

struct sweeper {
  struct sweeper_options options;
  struct queue *queue;
  struct relay *relay;
  struct pg_conn *conn;
  uv_timer_t timer;
  struct ulid after;       /* the page under way begins behind it */
  struct ulid begin, upto; /* what the page under way covers: behind begin, up to upto */
  bool asking, enqueuing, full, asked, forgetting;
  int64_t paged_ms, forget_ms, asked_ms;
  int64_t living, died; /* worker sessions */
  struct queue_item items[PAGE];
  struct ulid behind[PAGE]; /* those of the items that wait for others of their groups */
  size_t n_items, n_behind, n_rows;
  int parts;
  void (*on_destroyed)(void *arg);
  void *destroyed_arg;
};

/* Start over from the first page. A full run begins here too: what was passed may have been lost.
 */
static void rewind_page(struct sweeper *s)
{
  memset(&s->after, 0, sizeof s->after);
  s->full = s->asked;
  s->asked = false;
  if (s->full) s->asked_ms = 0; /* what else Redis may have lost */
}

/* Nobody runs it: it has no owner, or one that is dead, or it is ours and we do not know. */
static bool is_free(const struct sweeper *s, const PGresult *r, int i)
{
  if (pg_get_bool(r, i, 1)) return true;
  return pg_get_bool(r, i, 4) && !s->options.has(s->options.arg, &s->after);
}

static void on_page(void *arg, const PGresult *r)
{
  struct sweeper *s = arg;
  s->n_rows = (size_t)PQntuples(r);
  s->n_items = s->n_behind = 0;
  for (int i = 0; i < PQntuples(r) && i < PAGE; i++) {
    s->after = pg_get_ulid(r, i, 0);
    if (!is_free(s, r, i)) continue;
    struct queue_item *item = &s->items[s->n_items++];
    item->id = s->after;
    item->token[0] = '\0';
    item->delay_ms = pg_is_null(r, i, 2) ? 0 : pg_get_int8(r, i, 2);
    if (pg_get_bool(r, i, 3)) continue;
    item->delay_ms = QUEUE_BEHIND;
    s->behind[s->n_behind++] = s->after;
  }
  if (s->n_rows == PAGE) s->upto = s->after;
}

static void on_enqueued(void *arg, enum status status)
{
  struct sweeper *s = arg;
  s->enqueuing = false;
  if (status != ST_OK) sweeper_run(s);
}

static void on_page_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct sweeper *s = arg;
  s->asking = false;
  if (outcome != PG_COMMITTED) {
    if (outcome == PG_ROLLED_BACK) LOG_WARN("sweep refused", LOG_STR("sqlstate", sqlstate));
    return;
  }
  if (s->n_items)
    s->enqueuing = queue_enqueue(s->queue, s->items, s->n_items, on_enqueued, s) == ST_OK;
  if (s->n_items && !s->enqueuing) s->asked = true; /* Redis is away: once more from the start */
  if (queue_tidy(s->queue, &s->begin, &s->upto, s->behind, s->n_behind, NULL, NULL) != ST_OK)
    LOG_DEBUG("who waits for others is not tidied");
  if (s->n_rows < PAGE) rewind_page(s);
}

static void ask_page(struct sweeper *s)
{
  unsigned char lease[8], limit[8];
  pg_put_int8(lease, s->options.lease_ms);
  pg_put_int8(limit, PAGE);
  s->begin = s->after;
  s->upto = ulid_make(); /* unless the page is full: all that has been accepted */
  const struct ulid *own = s->options.session ? s->options.session(s->options.arg) : NULL;
  struct pg_param params[] = {{s->after.bytes, 16},
                              {lease, sizeof lease},
                              {limit, sizeof limit},
                              {own ? own->bytes : NULL, own ? 16 : 0}};
  s->asking = pg_run(s->conn, "page", params, 4, on_page, on_page_end, s) == ST_OK;
  s->paged_ms = clock_mono_ms();
}

static void on_sessions(void *arg, const PGresult *r)
{
  struct sweeper *s = arg;
  if (PQntuples(r) != 1) return;
  s->living = pg_get_int8(r, 0, 0);
  int64_t died = pg_get_int8(r, 0, 1);
  if (died > s->died) sweeper_run(s);
  s->died = died;
  if (queue_pause(s->queue, pg_get_bool(r, 0, 2), pg_get_int8(r, 0, 3), NULL, NULL) != ST_OK)
    LOG_DEBUG("Redis is not told whether the queue is paused");
}

static void ask_sessions(struct sweeper *s, int64_t now)
{
  if (s->asked_ms && now - s->asked_ms < s->options.interval_ms) return;
  unsigned char lease[8];
  pg_put_int8(lease, s->options.lease_ms);
  struct pg_param params[] = {{lease, sizeof lease}};
  if (pg_run(s->conn, "sessions", params, 1, on_sessions, NULL, s) == ST_OK) s->asked_ms = now;
}

/* A page that comes back full has more behind it: the next one follows with the next tick. */
static void on_forgotten(void *arg, const PGresult *r)
{
  struct sweeper *s = arg;
  if (PQntuples(r) == 1 && pg_get_int8(r, 0, 0) < KEYS_PAGE)
    s->forget_ms = clock_mono_ms() + s->options.keys_interval_ms;
}

static void on_forgotten_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct sweeper *s = arg;
  s->forgetting = false;
  if (outcome == PG_COMMITTED) return;
  LOG_WARN("idempotency keys not tidied", LOG_STR("sqlstate", sqlstate));
  s->forget_ms = clock_mono_ms() + s->options.keys_interval_ms;
}

/* Idempotency keys whose time is over, a bounded page at a time. */
static void forget_keys(struct sweeper *s, int64_t now)
{
  if (s->forgetting || now < s->forget_ms) return;
  unsigned char limit[8];
  pg_put_int8(limit, KEYS_PAGE);
  struct pg_param params[] = {{limit, sizeof limit}};
  s->forgetting = pg_run(s->conn, "keys", params, 1, on_forgotten, on_forgotten_end, s) == ST_OK;
}

static void on_timer(uv_timer_t *timer)
{
  struct sweeper *s = timer->data;
  int64_t now = clock_mono_ms();
  if (relay_let_go(s->relay)) sweeper_run(s);
  if (!pg_up(s->conn)) return;
  ask_sessions(s, now);
  forget_keys(s, now);
  if (s->asking || s->enqueuing || !queue_up(s->queue)) return;
  if (s->asked && !s->full) rewind_page(s);
  if (s->full || now - s->paged_ms >= s->options.interval_ms) ask_page(s);
}

static void on_up(void *arg)
{
  struct sweeper *s = arg;
  if (pg_run(s->conn, "planner", NULL, 0, NULL, NULL, NULL) == ST_OK) sweeper_run(s);
}

struct sweeper *sweeper_create(uv_loop_t *loop, const struct sweeper_options *options,
                               struct queue *queue, struct relay *relay)
{
  struct sweeper *s = mem_alloc(sizeof *s);
  s->options = *options;
  if (!s->options.interval_ms) s->options.interval_ms = 500;
  if (!s->options.keys_interval_ms) s->options.keys_interval_ms = KEYS_EVERY_MS;
  s->queue = queue;
  s->relay = relay;
  uv_timer_init(loop, &s->timer);
  s->timer.data = s;
  uv_timer_start(&s->timer, on_timer, TICK_MS, TICK_MS);
  struct pg_options pg = {.url = options->database_url,
                          .name = "ox sweeper",
                          .statements = sweeper_statements,
                          .n_statements = n_sweeper_statements,
                          .deadline_ms = 10000,
                          .on_up = on_up,
                          .arg = s};
  s->conn = pg_connect(loop, &pg);
  return s;
}

static void part_closed(struct sweeper *s)
{
  if (--s->parts > 0) return;
  if (s->on_destroyed) s->on_destroyed(s->destroyed_arg);
  free(s);
}

static void on_conn_closed(void *arg)
{
  part_closed(arg);
}

static void on_timer_closed(uv_handle_t *handle)
{
  part_closed(handle->data);
}

void sweeper_destroy(struct sweeper *s, void (*done)(void *arg), void *arg)
{
  s->on_destroyed = done;
  s->destroyed_arg = arg;
  s->parts = 2;
  uv_close((uv_handle_t *)&s->timer, on_timer_closed);
  pg_close(s->conn, on_conn_closed, s);
}

void sweeper_run(struct sweeper *s)
{
  s->asked = true;
}

int64_t sweeper_workers(const struct sweeper *s)
{
  return pg_up(s->conn) ? s->living : 0;
}
