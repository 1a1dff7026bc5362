/*
 * pause.c - see pause.h. Stopping what is stopped already changes nothing, so a lost answer needs
 * no reading back: whoever asked asks again. Loop thread; an ask belongs to its statement, then to
 * the call to Redis.
 */
#include "journal/pause.h"
#include "journal/internal.h"

struct pause {
  struct journal *journal;
  bool paused;
  int64_t version; /* 0: PostgreSQL did not say */
  int64_t changed_at_ms;
  journal_paused_fn done;
  void *arg;
};

static void end(struct pause *p, enum status status)
{
  p->done(p->arg, status, p->changed_at_ms);
  free(p);
}

/* Redis may be away: the sweepers tell it when it is back. */
static void on_mirrored(void *arg, enum status status)
{
  (void)status;
  end(arg, ST_OK);
}

static void on_row(void *arg, const PGresult *r)
{
  struct pause *p = arg;
  if (PQntuples(r) != 1) return;
  p->version = pg_get_int8(r, 0, 0);
  p->changed_at_ms = pg_get_time_ms(r, 0, 1);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct pause *p = arg;
  (void)sqlstate;
  if (outcome != PG_COMMITTED || p->version == 0)
    end(p, ST_AWAY);
  else if (relay_pause(p->journal->relay, p->paused, p->version, on_mirrored, p) != ST_OK)
    end(p, ST_OK);
}

enum status journal_pause(struct journal *j, bool paused, journal_paused_fn done, void *arg)
{
  struct pg_conn *conn = j->closed ? NULL : journal_conn(j);
  if (!conn || !journal_up(j)) return ST_AWAY;
  unsigned char flag = paused;
  struct pg_param params[] = {{&flag, 1}};
  struct pause *p = mem_alloc(sizeof *p);
  *p = (struct pause){.journal = j, .paused = paused, .done = done, .arg = arg};
  enum status status = pg_run(conn, "pause", params, 1, on_row, on_end, p);
  if (status != ST_OK) free(p);
  return status;
}
