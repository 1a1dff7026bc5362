/*
 * turn.c - whose turn it is in a FIFO group. Loop thread.
 *
 * DESIGN. Of a group only its first unfinished order is known to Redis as one that may run; the
 * others are counted there and no more. Whoever makes an order come or end looks, after the commit,
 * who is first now, and enqueues it. When an order comes while the one before it ends, either the
 * look that follows its coming sees that end, or the look that follows the end sees it: no turn is
 * missed. Being first lasts until the end, so no answer is too old. What a process that dies does
 * not ask any more the sweeper finds. The claim's compare-and-set relies on nothing of this.
 */
#include "base/failpoint.h"
#include "base/log.h"
#include "journal/internal.h"

void turn_ask(struct journal *j, const struct ulid *id)
{
  pg_array_ulid(&j->turns, id);
  j->n_turns++;
}

void turn_wait(struct journal *j, const struct ulid *id)
{
  relay_behind(j->relay, id);
  turn_ask(j, id);
}

static void on_turn(void *arg, const PGresult *r)
{
  struct journal *j = arg;
  for (int i = 0; i < PQntuples(r); i++) {
    struct ulid id = pg_get_ulid(r, i, 0);
    relay_turn(j->relay, &id, pg_is_null(r, i, 1) ? 0 : pg_get_int8(r, i, 1));
  }
}

static void on_turn_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct journal *j = arg;
  j->asking_turns = false;
  if (outcome == PG_ROLLED_BACK) LOG_WARN("turns not known", LOG_STR("sqlstate", sqlstate));
  if (outcome != PG_COMMITTED) relay_lose(j->relay);
  relay_flush(j->relay);
}

/* A connection that nothing is under way on answers sooner. */
static struct pg_conn *conn_for(const struct journal *j)
{
  for (int i = 0; i < LANES; i++)
    if (j->lanes[i].ready && !pg_in_flight(j->lanes[i].conn)) return j->lanes[i].conn;
  return journal_conn(j);
}

/* One question is under way at a time; what comes meanwhile is the next. */
void turn_send(struct journal *j)
{
  if (j->n_turns == 0 || j->asking_turns) return;
  struct pg_conn *conn = conn_for(j);
  struct pg_param ids;
  if (!conn) return;
  FAILPOINT("before_turn");
  ids.data = pg_array_param(&j->turns, &ids.len);
  j->asking_turns = pg_run(conn, "turn", &ids, 1, on_turn, on_turn_end, j) == ST_OK;
  if (!j->asking_turns) return;
  pg_array_reset(&j->turns);
  j->n_turns = 0;
}
