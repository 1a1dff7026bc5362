/* dead_letters.c - see dead_letters.h. An ask belongs to its statement until that has ended. */
#include "store/dead_letters.h"

#include <assert.h>

#include "base/alloc.h"
#include "io/pg_value.h"

struct ask {
  dead_letters_fn on_page;
  dead_letters_count_fn on_count;
  void *arg;
  size_t limit;
  bool answered;
};

static void on_rows(void *arg, const PGresult *r)
{
  struct ask *a = arg;
  size_t rows = (size_t)PQntuples(r), n = rows < a->limit ? rows : a->limit;
  struct order *orders = mem_alloc((n + 1) * sizeof *orders);
  for (size_t i = 0; i < n; i++) orders[i] = order_row_read(r, (int)i);
  a->answered = true;
  a->on_page(a->arg, ST_OK, orders, n, rows > n);
  free(orders);
}

static void on_count(void *arg, const PGresult *r)
{
  struct ask *a = arg;
  a->answered = true;
  a->on_count(a->arg, ST_OK, PQntuples(r) == 1 ? pg_get_int8(r, 0, 0) : 0);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct ask *a = arg;
  (void)outcome, (void)sqlstate;
  if (!a->answered && a->on_page) a->on_page(a->arg, ST_AWAY, NULL, 0, false);
  if (!a->answered && a->on_count) a->on_count(a->arg, ST_AWAY, 0);
  free(a);
}

/* One row more than is wanted tells whether there are more. */
enum status dead_letters_page(struct reader *r, const struct ulid *after, size_t limit,
                              dead_letters_fn done, void *arg)
{
  assert(limit <= DEAD_LETTERS_MAX);
  struct ask *a = mem_alloc(sizeof *a);
  *a = (struct ask){.on_page = done, .arg = arg, .limit = limit};
  unsigned char most[8];
  pg_put_int8(most, (int64_t)limit + 1);
  struct pg_param params[] = {{after->bytes, 16}, {most, sizeof most}};
  enum status status = pg_run(reader_conn(r), "dead_letters", params, 2, on_rows, on_end, a);
  if (status != ST_OK) free(a);
  return status;
}

enum status dead_letters_count(struct reader *r, dead_letters_count_fn done, void *arg)
{
  struct ask *a = mem_alloc(sizeof *a);
  *a = (struct ask){.on_count = done, .arg = arg};
  unsigned char most[8];
  pg_put_int8(most, DEAD_LETTERS_COUNT_MAX);
  struct pg_param params[] = {{most, sizeof most}};
  enum status status = pg_run(reader_conn(r), "dead_letters_count", params, 1, on_count, on_end, a);
  if (status != ST_OK) free(a);
  return status;
}
