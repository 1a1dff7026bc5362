/* tail.c - see tail.h. An ask belongs to its statement until that has ended. */
#include "store/tail.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "io/pg_value.h"

enum column { XMIN, XID, ID, SEQ, STATUS, PHASE, ATTEMPT, AT, DATA, TYPE, TENANT };

struct ask {
  struct tail_position after;
  size_t limit;
  tail_fn done;
  void *arg;
  bool answered;
};

int tail_compare(const struct tail_position *a, const struct tail_position *b)
{
  if (a->xid != b->xid) return a->xid < b->xid ? -1 : 1;
  return (a->n > b->n) - (a->n < b->n);
}

static struct order_event read_event(const PGresult *r, int row)
{
  return (struct order_event){.order_id = pg_get_ulid(r, row, ID),
                              .seq = pg_get_int4(r, row, SEQ),
                              .attempt = pg_get_int4(r, row, ATTEMPT),
                              .status = pg_get_text(r, row, STATUS),
                              .phase = (enum ox_phase)pg_get_int4(r, row, PHASE),
                              .at_ms = pg_get_time_ms(r, row, AT),
                              .data = pg_get_text(r, row, DATA)};
}

/* The position of each follows from that of the one before it. */
static size_t read_events(const struct ask *a, const PGresult *r, struct tail_event *events)
{
  struct tail_position at = a->after;
  size_t n = 0;
  for (int row = 0; row < PQntuples(r); row++) {
    if (pg_is_null(r, row, XID)) continue;
    uint64_t xid = (uint64_t)pg_get_int8(r, row, XID);
    at = (struct tail_position){xid, xid == at.xid ? at.n + 1 : 1};
    events[n++] = (struct tail_event){at, pg_get_text(r, row, TYPE), pg_get_text(r, row, TENANT),
                                      read_event(r, row)};
  }
  return n;
}

static void on_rows(void *arg, const PGresult *r)
{
  struct ask *a = arg;
  struct tail_event *events = mem_alloc(((size_t)PQntuples(r) + 1) * sizeof *events);
  struct tail_page page = {.events = events, .n = read_events(a, r, events)};
  page.end = (struct tail_position){(uint64_t)pg_get_int8(r, 0, XMIN), 0};
  page.next = page.n == a->limit && a->limit > 0 ? events[page.n - 1].at : page.end;
  a->answered = true;
  a->done(a->arg, ST_OK, &page);
  free(events);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct ask *a = arg;
  (void)outcome, (void)sqlstate;
  if (!a->answered) a->done(a->arg, ST_AWAY, NULL);
  free(a);
}

enum status tail_read(struct reader *r, const struct tail_position *after, size_t limit,
                      tail_fn done, void *arg)
{
  assert(limit <= TAIL_PAGE_MAX);
  struct ask *a = mem_alloc(sizeof *a);
  *a = (struct ask){.after = *after, .limit = limit, .done = done, .arg = arg};
  char xid[24];
  unsigned char skip[8], most[8];
  int len = snprintf(xid, sizeof xid, "%" PRIu64, after->xid);
  pg_put_int8(skip, after->n);
  pg_put_int8(most, (int64_t)limit);
  struct pg_param params[] = {{xid, len}, {skip, sizeof skip}, {most, sizeof most}};
  enum status status = pg_run(reader_conn(r), "tail", params, 3, on_rows, on_end, a);
  if (status != ST_OK) free(a);
  return status;
}
