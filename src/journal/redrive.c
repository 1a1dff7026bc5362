/*
 * redrive.c - see redrive.h. A redrive of one is a page of one; of all, page after page. A lost
 * COMMIT needs no reading back: a dead letter is redriven once, however often it is asked for. Loop
 * thread; a redrive belongs to its transaction until that has ended.
 */
#include "journal/redrive.h"

#include <string.h>

#include "base/log.h"
#include "journal/internal.h"
#include "metrics/metrics.h"

enum { PAGE = 200 };

struct redrive {
  struct journal *journal;
  struct ulid after, upto; /* of all: the page begins behind after */
  struct ulid ids[PAGE];
  size_t n;
  struct journal_redriven made[PAGE]; /* by the transaction under way */
  size_t n_made;
  int64_t redriven, refused;
  enum redrive_result result; /* of the last */
  struct journal_redriven answer;
  journal_redriven_fn done;         /* of one; NULL: of all */
  journal_redriven_all_fn done_all; /* of all */
  void *arg;
};

/* ── a page ─────────────────────────────────────────────────────────────────────────────────── */

static const char *initial_state(const struct order_type *type)
{
  return order_type_flagged(type, OX_STATE_INITIAL)->name;
}

static const char *initial_state_of(const struct journal *j, const char *type)
{
  for (size_t i = 0; i < j->options.n_types; i++)
    if (strcmp(j->options.types[i]->name, type) == 0) return initial_state(j->options.types[i]);
  return NULL;
}

enum column { COL_ID, COL_TYPE, COL_FAILED, COL_MOVED, COL_AS, COL_AT, COL_NEW, COL_GROUPED };

/* Nobody else's transaction made an order under an id of this page: then it is this one's. */
static enum redrive_result read_row(const PGresult *r, int row, const char *state)
{
  if (!pg_is_null(r, row, COL_AS))
    return pg_get_bool(r, row, COL_NEW) ? REDRIVE_DONE : REDRIVE_AGAIN;
  if (!pg_get_bool(r, row, COL_FAILED)) return REDRIVE_NOT_FAILED;
  if (pg_get_bool(r, row, COL_MOVED)) return REDRIVE_MAYBE_LANDED;
  return state ? REDRIVE_AWAY : REDRIVE_UNKNOWN_TYPE;
}

static void on_rows(void *arg, const PGresult *r)
{
  struct redrive *d = arg;
  for (int row = 0; row < PQntuples(r); row++) {
    const char *state = initial_state_of(d->journal, pg_get_text(r, row, COL_TYPE));
    d->result = read_row(r, row, state);
    d->answer = (struct journal_redriven){.id = pg_get_ulid(r, row, COL_AS),
                                          .redrive_of = pg_get_ulid(r, row, COL_ID),
                                          .status = state ? state : "",
                                          .created_at_ms = pg_get_time_ms(r, row, COL_AT),
                                          .grouped = pg_get_bool(r, row, COL_GROUPED)};
    if (d->result == REDRIVE_DONE && d->n_made < PAGE) d->made[d->n_made++] = d->answer;
    d->refused += d->result != REDRIVE_DONE && d->result != REDRIVE_AGAIN;
  }
}

static bool send_page(struct redrive *d, pg_end_fn on_end)
{
  struct journal *j = d->journal;
  struct pg_conn *conn = journal_conn(j);
  struct pg_batch *batch = conn ? pg_batch_begin(conn) : NULL;
  if (!batch) return false;
  struct pg_array ids, new_ids, states;
  struct pg_param params[4];
  pg_array_init(&ids, PG_UUID);
  pg_array_init(&new_ids, PG_UUID);
  pg_array_init(&states, PG_TEXT);
  for (size_t i = 0; i < d->n; i++) {
    struct ulid new_id = ulid_make();
    pg_array_ulid(&ids, &d->ids[i]);
    pg_array_ulid(&new_ids, &new_id);
  }
  for (size_t i = 0; i < j->options.n_types; i++)
    pg_array_text(&states, initial_state(j->options.types[i]));
  params[0].data = pg_array_param(&ids, &params[0].len);
  params[1].data = pg_array_param(&new_ids, &params[1].len);
  params[2].data = pg_array_param(&j->types, &params[2].len);
  params[3].data = pg_array_param(&states, &params[3].len);
  d->n_made = 0;
  d->result = REDRIVE_UNKNOWN_ORDER; /* unless there is a row */
  pg_batch_add(batch, "redrive", params, 3, NULL, NULL);
  pg_batch_add(batch, "redrive_room", params, 2, NULL, NULL);
  pg_batch_add(batch, "redrive_orders", params, 4, NULL, NULL);
  pg_batch_add(batch, "redrive_rows", params, 2, on_rows, d);
  pg_batch_send(batch, on_end, d);
  pg_array_deinit(&ids);
  pg_array_deinit(&new_ids);
  pg_array_deinit(&states);
  return true;
}

/* The new orders are known to Redis, and to whoever watches, from here on. */
static void announce(struct redrive *d)
{
  struct relay *relay = d->journal->relay;
  for (size_t i = 0; i < d->n_made; i++) {
    struct order_event event = {.order_id = d->made[i].id,
                                .seq = 1,
                                .attempt = 1,
                                .status = d->made[i].status,
                                .phase = OX_QUEUED,
                                .at_ms = d->made[i].created_at_ms};
    relay_event(relay, &event);
    if (d->made[i].grouped)
      turn_wait(d->journal, &d->made[i].id);
    else
      relay_enqueue(relay, &d->made[i].id);
  }
  if (d->n_made) relay_flush(relay);
  metric_add(metric_series(METRIC_REDRIVEN, NULL, NULL, NULL), (int64_t)d->n_made);
  d->redriven += (int64_t)d->n_made;
}

/* ── one ────────────────────────────────────────────────────────────────────────────────────── */

static void on_one_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct redrive *d = arg;
  (void)sqlstate;
  if (outcome != PG_COMMITTED) d->result = REDRIVE_AWAY;
  bool answered = d->result == REDRIVE_DONE || d->result == REDRIVE_AGAIN;
  if (outcome == PG_COMMITTED) announce(d);
  d->done(d->arg, d->result, answered ? &d->answer : NULL);
  free(d);
}

enum status journal_redrive(struct journal *j, const struct ulid *id, journal_redriven_fn done,
                            void *arg)
{
  if (j->closed || !journal_up(j)) return ST_AWAY;
  struct redrive *d = mem_alloc(sizeof *d);
  d->journal = j;
  d->ids[0] = *id;
  d->n = 1;
  d->done = done;
  d->arg = arg;
  if (send_page(d, on_one_end)) return ST_OK;
  free(d);
  return ST_AWAY;
}

/* ── all ────────────────────────────────────────────────────────────────────────────────────── */

static bool ask_page(struct redrive *d);

static void end(struct redrive *d, enum status status)
{
  d->journal->redrive = NULL;
  LOG_INFO("dead letters redriven", LOG_INT("orders", d->redriven), LOG_INT("refused", d->refused),
           LOG_STR("result", status_name(status)));
  d->done_all(d->arg, status, d->redriven, d->refused);
  free(d);
}

static void on_page_done(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct redrive *d = arg;
  (void)sqlstate;
  if (outcome == PG_COMMITTED) announce(d);
  if (outcome != PG_COMMITTED || d->journal->closed)
    end(d, ST_AWAY);
  else if (d->n < PAGE)
    end(d, ST_OK);
  else if (!ask_page(d))
    end(d, ST_AWAY);
}

static void on_page(void *arg, const PGresult *r)
{
  struct redrive *d = arg;
  d->n = 0;
  for (int i = 0; i < PQntuples(r) && i < PAGE; i++) d->ids[d->n++] = pg_get_ulid(r, i, 0);
  if (d->n) d->after = d->ids[d->n - 1];
}

static void on_page_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct redrive *d = arg;
  (void)sqlstate;
  if (outcome != PG_COMMITTED || d->journal->closed)
    end(d, ST_AWAY);
  else if (d->n == 0)
    end(d, ST_OK);
  else if (!send_page(d, on_page_done))
    end(d, ST_AWAY);
}

static bool ask_page(struct redrive *d)
{
  struct pg_conn *conn = journal_conn(d->journal);
  unsigned char limit[8];
  pg_put_int8(limit, PAGE);
  struct pg_param params[] = {{d->after.bytes, 16}, {d->upto.bytes, 16}, {limit, sizeof limit}};
  return conn && pg_run(conn, "redrive_page", params, 3, on_page, on_page_end, d) == ST_OK;
}

enum status journal_redrive_all(struct journal *j, journal_redriven_all_fn done, void *arg)
{
  if (j->closed || !journal_up(j)) return ST_AWAY;
  if (j->redrive) return ST_BUSY;
  struct redrive *d = mem_alloc(sizeof *d);
  d->journal = j;
  d->upto = ulid_make();
  d->done_all = done;
  d->arg = arg;
  if (!ask_page(d)) {
    free(d);
    return ST_AWAY;
  }
  j->redrive = d;
  return ST_OK;
}
