/*
 * purge.c - cancelling all that waits: a page of orders is read, each of them cancelled by the
 * ordinary way if it still waits, then the next page. Loop thread; the purge belongs to the journal
 * until it has answered.
 */
#include <string.h>

#include "base/log.h"
#include "journal/cancel_op.h"

enum { PAGE = BATCH_MAX };

struct purge {
  struct journal *journal;
  struct ulid after, upto; /* orders accepted later are not waited for */
  size_t rows;             /* of the page under way */
  size_t pending;          /* cancels of it */
  bool failed;             /* some of them may not have happened */
  int64_t n;
  journal_purged_fn done;
  void *arg;
};

static bool ask_page(struct purge *p);

static void end(struct purge *p, enum status status)
{
  p->journal->purge = NULL;
  LOG_INFO("purged", LOG_INT("orders", p->n), LOG_STR("result", status_name(status)));
  p->done(p->arg, status, p->n);
  free(p);
}

/* Each part of a page that is done ends here; the last one goes on. */
static void part_done(struct purge *p)
{
  if (--p->pending > 0) return;
  if (p->failed)
    end(p, ST_AWAY);
  else if (p->rows < PAGE)
    end(p, ST_OK);
  else if (!ask_page(p))
    end(p, ST_AWAY);
}

static void on_cancelled(void *arg, enum cancel_result result)
{
  struct purge *p = arg;
  p->n += result == CANCEL_DONE;
  p->failed |= result == CANCEL_AWAY;
  part_done(p);
}

static const struct order_type *type_of(const struct journal *j, const char *name)
{
  for (size_t i = 0; i < j->options.n_types; i++)
    if (strcmp(j->options.types[i]->name, name) == 0) return j->options.types[i];
  return NULL;
}

static void cancel(struct purge *p, const struct ulid *id, const char *type_name)
{
  struct cancel_op op = {.id = *id,
                         .type = type_of(p->journal, type_name),
                         .waiting_only = true,
                         .done = on_cancelled,
                         .arg = p};
  if (!op.type || !order_type_flagged(op.type, OX_STATE_ON_CANCEL)) return;
  if (cancel_add(p->journal, &op) == ST_OK)
    p->pending++;
  else
    p->failed = true;
}

static void on_page(void *arg, const PGresult *r)
{
  struct purge *p = arg;
  p->rows = (size_t)PQntuples(r);
  for (int i = 0; i < PQntuples(r); i++) {
    p->after = pg_get_ulid(r, i, 0);
    cancel(p, &p->after, pg_get_text(r, i, 1));
  }
}

/* The page itself is the first of its parts, so that it is not over before all of it is asked. */
static void on_page_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct purge *p = arg;
  (void)sqlstate;
  p->failed |= outcome != PG_COMMITTED;
  part_done(p);
}

static bool ask_page(struct purge *p)
{
  struct pg_conn *conn = journal_conn(p->journal);
  unsigned char limit[8];
  pg_put_int8(limit, PAGE);
  struct pg_param params[] = {{p->after.bytes, 16}, {p->upto.bytes, 16}, {limit, sizeof limit}};
  p->pending = 1;
  return conn && pg_run(conn, "purge_page", params, 3, on_page, on_page_end, p) == ST_OK;
}

enum status journal_purge(struct journal *j, journal_purged_fn done, void *arg)
{
  if (j->closed || !journal_up(j)) return ST_AWAY;
  if (j->purge) return ST_BUSY;
  struct purge *p = mem_alloc(sizeof *p);
  p->journal = j;
  p->upto = ulid_make();
  p->done = done;
  p->arg = arg;
  if (!ask_page(p)) {
    free(p);
    return ST_AWAY;
  }
  j->purge = p;
  return ST_OK;
}
