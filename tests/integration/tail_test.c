/* tail_test.c - the one order of all events, in a real PostgreSQL: what is read, what is not yet.
 */
#include "store/tail.h"

#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/migrate.h"
#include "support.h"

struct fixture {
  uv_loop_t loop;
  char url[256];
  struct reader *reader;
  PGconn *writer, *other;
  bool closed;
};

struct answer {
  bool done;
  enum status status;
  size_t n;
  struct tail_position next, end, at[TAIL_PAGE_MAX];
  int seqs[TAIL_PAGE_MAX];
  char first[128];
};

static struct fixture f;

static void on_page(void *arg, enum status status, const struct tail_page *page)
{
  struct answer *a = arg;
  a->done = true;
  a->status = status;
  if (!page) return;
  a->n = page->n;
  a->next = page->next;
  a->end = page->end;
  for (size_t i = 0; i < page->n; i++) {
    a->at[i] = page->events[i].at;
    a->seqs[i] = page->events[i].event.seq;
  }
  if (page->n == 0) return;
  const struct tail_event *e = &page->events[0];
  snprintf(a->first, sizeof a->first, "%s %s %s %s", e->tenant, e->type, e->event.status,
           e->event.data ? e->event.data : "-");
}

static bool is_up(void *arg)
{
  (void)arg;
  return reader_up(f.reader);
}

static void setup(void)
{
  char error[256], name[32];
  signal(SIGPIPE, SIG_IGN);
  log_set_level(LOG_LEVEL_ERROR);
  f = (struct fixture){0};
  snprintf(name, sizeof name, "tail_%d", (int)getpid());
  own_schema(f.url, sizeof f.url, name);
  cr_assert_eq(migrate_run(f.url, error, sizeof error), ST_OK, "%s", error);
  uv_loop_init(&f.loop);
  f.writer = PQconnectdb(f.url);
  f.other = PQconnectdb(f.url);
  f.reader = reader_create(&f.loop, f.url);
  cr_assert(turn_until(&f.loop, WAIT_MS, is_up, NULL));
}

static void teardown(void)
{
  PQfinish(f.writer);
  PQfinish(f.other);
  reader_destroy(f.reader, set_flag, &f.closed);
  wait_for(&f.loop, &f.closed);
  loop_finish(&f.loop);
}

TestSuite(tail, .init = setup, .fini = teardown, .timeout = 60);

static void run(PGconn *conn, const char *text)
{
  PGresult *r = PQexec(conn, text);
  ExecStatusType status = PQresultStatus(r);
  cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
            PQerrorMessage(conn));
  PQclear(r);
}

/* An order and its first n events, as one statement. Of every third the first is in the order's own
 * row, and each other is a step; of the others each is a step if they are odd, else all of them are
 * a single one. */
static void add(PGconn *conn, unsigned order, int n)
{
  static const char order_sql[] =
      "WITH o AS (INSERT INTO orders (order_id, tenant, type, status, payload, created_at,"
      " updated_at, accepted_as) VALUES (lpad(to_hex(%u), 32, '0')::uuid, 'me', 'market',"
      " 'pending', '{}', now(), now(), %s) RETURNING order_id),"
      " a AS (INSERT INTO accepts (order_ids) SELECT array_agg(order_id) FROM o HAVING %s)"
      " INSERT INTO steps (order_id, step, seq, status, phase, attempt, at, data, before)";
  char text[1024];
  bool own = order % 3 == 0;
  int len = snprintf(text, sizeof text, order_sql, order, own ? "'pending'" : "NULL",
                     own ? "true" : "false");
  if (own || order % 2)
    snprintf(text + len, sizeof text - (size_t)len,
             " SELECT order_id, seq - 1, seq, 'pending', 0, 1, now(), '{\"k\":1}', NULL"
             " FROM o, generate_series(%d, %d) seq",
             own ? 2 : 1, n);
  else
    snprintf(text + len, sizeof text - (size_t)len,
             " SELECT order_id, 0, %d, 'pending', 0, 1, now(), '{\"k\":1}', (SELECT json_agg("
             "'{\"status\":\"pending\",\"phase\":0,\"data\":{\"k\":1}}'::json)"
             " FROM generate_series(2, %d)) FROM o",
             n, n);
  run(conn, text);
}

static struct answer ask(struct tail_position after, size_t limit)
{
  struct answer a = {0};
  cr_assert_eq(tail_read(f.reader, &after, limit, on_page, &a), ST_OK);
  cr_assert_not(a.done, "answered inside the call");
  wait_for(&f.loop, &a.done);
  cr_assert_eq(a.status, ST_OK);
  return a;
}

/* Others in the same cluster hold the end up for a moment; this waits until n events can be read.
 */
static struct answer ask_until(struct tail_position after, size_t n)
{
  struct answer a;
  int64_t until = clock_mono_ms() + WAIT_MS;
  do a = ask(after, TAIL_PAGE_MAX);
  while (a.n < n && clock_mono_ms() < until);
  cr_assert_eq(a.n, n);
  return a;
}

static const struct tail_position start = {0, 0};

Test(tail, an_empty_database_has_an_end)
{
  struct answer a = ask(start, 10);
  cr_assert(a.n == 0 && a.end.xid > 0 && a.end.n == 0);
  cr_assert_eq(tail_compare(&a.next, &a.end), 0);
}

Test(tail, events_come_in_the_order_of_their_transactions)
{
  add(f.writer, 8, 2);
  add(f.writer, 3, 1);
  struct answer a = ask_until(start, 3);
  cr_assert_str_eq(a.first, "me market pending {\"k\":1}");
  cr_assert(a.seqs[0] == 1 && a.seqs[1] == 2 && a.seqs[2] == 1);
  cr_assert(a.at[0].xid == a.at[1].xid && a.at[0].n == 1 && a.at[1].n == 2);
  cr_assert(a.at[2].xid > a.at[0].xid && a.at[2].n == 1, "by transaction, not by order");
  cr_assert_eq(tail_compare(&a.next, &a.end), 0);
}

Test(tail, reading_goes_on_behind_any_event)
{
  run(f.writer, "BEGIN");
  for (unsigned i = 1; i <= 4; i++) add(f.writer, i, 2);
  run(f.writer, "COMMIT");
  add(f.writer, 5, 2);
  struct answer all = ask_until(start, 10);
  for (size_t i = 0; i < all.n; i++) {
    struct answer rest = ask(all.at[i], TAIL_PAGE_MAX);
    cr_assert_eq(rest.n, all.n - i - 1);
    for (size_t k = 0; k < rest.n; k++)
      cr_assert_eq(tail_compare(&rest.at[k], &all.at[i + 1 + k]), 0);
  }
}

Test(tail, pages_join_without_a_gap)
{
  for (unsigned i = 1; i <= 7; i++) add(f.writer, i, 3);
  struct answer all = ask_until(start, 21);
  struct tail_position at = start;
  size_t seen = 0;
  for (struct answer page; (page = ask(at, 4)).n > 0; at = page.next)
    for (size_t i = 0; i < page.n; i++, seen++)
      cr_assert_eq(tail_compare(&page.at[i], &all.at[seen]), 0);
  cr_assert_eq(seen, 21);
}

/* The later transaction ends first: nothing of it is shown before the earlier one's end, or whoever
 * reads on from it would miss what that brings. */
Test(tail, what_is_behind_an_open_transaction_waits)
{
  run(f.other, "BEGIN");
  add(f.other, 1, 1);
  add(f.other, 9, 1);
  add(f.writer, 2, 1);
  add(f.writer, 3, 1);
  for (int i = 0; i < 20; i++) cr_assert_eq(ask(start, 10).n, 0);
  run(f.other, "COMMIT");
  struct answer a = ask_until(start, 4);
  cr_assert(a.at[0].xid == a.at[1].xid && a.at[1].xid < a.at[2].xid && a.at[2].xid < a.at[3].xid);
}

Test(tail, what_is_rolled_back_leaves_nothing)
{
  run(f.other, "BEGIN");
  add(f.other, 1, 1);
  add(f.other, 3, 2);
  add(f.writer, 2, 1);
  run(f.other, "ROLLBACK");
  ask_until(start, 1);
}

/* As by whoever keeps no old orders. */
Test(tail, what_was_deleted_is_passed_over)
{
  add(f.writer, 3, 2);
  add(f.writer, 6, 2);
  run(f.writer, "DELETE FROM steps WHERE order_id = lpad('3', 32, '0')::uuid;"
                " DELETE FROM orders WHERE order_id = lpad('3', 32, '0')::uuid");
  struct answer a = ask_until(start, 2), rest = ask(a.at[0], 10);
  cr_assert(a.seqs[0] == 1 && a.seqs[1] == 2);
  cr_assert(rest.n == 1 && rest.seqs[0] == 2);
}

Test(tail, a_limit_of_none_says_where_the_end_is)
{
  add(f.writer, 1, 3);
  struct answer full = ask_until(start, 3), a = ask(start, 0);
  cr_assert(a.n == 0 && a.end.xid >= full.end.xid);
  cr_assert_eq(ask(a.end, 10).n, 0);
}

static bool told(const PGresult *plan, const char *what)
{
  for (int i = 0; i < PQntuples(plan); i++)
    if (strstr(PQgetvalue(plan, i, 0), what)) return true;
  return false;
}

/* However much there is behind it. */
Test(tail, is_read_by_its_indexes)
{
  run(f.writer, "INSERT INTO orders (order_id, tenant, type, status, payload, created_at,"
                " updated_at, accepted_as) SELECT lpad(to_hex(n), 32, '0')::uuid, 'me', 'market',"
                " 'pending', '{}', now(), now(), 'pending' FROM generate_series(1, 20000) n");
  run(f.writer, "INSERT INTO accepts (order_ids) SELECT ARRAY[order_id] FROM orders");
  run(f.writer, "INSERT INTO steps (order_id, step, seq, status, phase, attempt, at) SELECT"
                " order_id, 1, 2, 'routing', 0, 1, now() FROM orders");
  run(f.writer, "ANALYZE orders, accepts, steps");
  add(f.writer, 30000, 1);
  struct answer a = ask_until((struct tail_position){1, 0}, TAIL_PAGE_MAX);
  run(f.other, "SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan;"
               " PREPARE t(text, bigint, bigint) AS " TAIL_SQL);
  char text[128];
  snprintf(text, sizeof text, "EXPLAIN EXECUTE t('%llu', 0, 500)", (unsigned long long)a.end.xid);
  PGresult *plan = PQexec(f.other, text);
  cr_assert(told(plan, "steps_xid") && told(plan, "accepts_xid"));
  cr_assert_not(told(plan, "Seq Scan"));
  PQclear(plan);
}
