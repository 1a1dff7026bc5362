/* Lists on a real PostgreSQL: pages that meet, bounded walks, every filter, and plans by index. */
#include "store/lister.h"

#include "journal_kit.h"

static struct kit k;
static struct lister *lister;

static void open_kit(void)
{
  kit_open(&k);
  lister = lister_create(&k.loop, k.url);
  kit_until(&k, lister_up(lister));
}

static void close_kit(void)
{
  lister_destroy(lister, NULL, NULL);
  kit_close(&k);
}

TestSuite(lister, .init = open_kit, .fini = close_kit, .timeout = 60);

enum { IDS_MAX = 3000 };
static const int64_t first_ms = 1769855400000;

/* Orders number 0 to n-1, one a millisecond; numbers are what follows the time in their ids. */
static void fill(int n)
{
  char sql[1200];
  snprintf(
      sql, sizeof sql,
      "INSERT INTO orders (order_id, tenant, type, status, phase, by_hand, payload, created_at,"
      " updated_at, completed_at)"
      " SELECT (lpad(to_hex(1769855400000 + i), 12, '0') || lpad(to_hex(i), 20, '0'))::uuid,"
      " 'default', 'market', 'confirmed', 2, false, '{\"tokenIn\":\"SOL\",\"tokenOut\":\"USDC\"}',"
      " to_timestamp(0) + (1769855400000 + i) * interval '1 ms', now(), now()"
      " FROM generate_series(0, %d) i",
      n - 1);
  kit_sql(&k, sql);
}

/* Order number i is otherwise. */
static void change(const char *set, const char *which)
{
  char sql[512];
  snprintf(sql, sizeof sql,
           "UPDATE orders SET %s WHERE"
           " ('x' || substr(replace(order_id::text, '-', ''), 25))::bit(32)::int %s",
           set, which);
  kit_sql(&k, sql);
}

struct got {
  int marks;
  char mark[LISTER_MARK_MAX];
  bool stands;
  int ends;
  enum status status;
  size_t n;
  int numbers[IDS_MAX];
  bool more;
  struct ulid next;
};

static int number_of(const struct ulid *id)
{
  int number = 0;
  for (int i = 12; i < 16; i++) number = number << 8 | id->bytes[i];
  return number;
}

static void on_order(void *arg, const struct order *order)
{
  struct got *g = arg;
  cr_assert_lt(g->n, IDS_MAX);
  g->numbers[g->n++] = number_of(&order->id);
}

static void on_end(void *arg, enum status status, const struct ulid *next)
{
  struct got *g = arg;
  g->ends++;
  g->status = status;
  g->more = next != NULL;
  if (next) g->next = *next;
}

static const struct lister_sink sink = {NULL, on_order, on_end};
static const struct lister_filter any = {
    .tenant = "default", .phase = -1, .from_ms = -1, .to_ms = -1};

/* Adds a page to what was got. */
static void page(const struct lister_filter *filter, size_t limit, struct got *g)
{
  g->ends = 0;
  cr_assert_eq(lister_page(lister, filter, limit, &sink, g), ST_OK);
  kit_until(&k, g->ends);
  cr_assert(g->ends == 1 && g->status == ST_OK);
}

/* All pages; returns how many there were. */
static int all_pages(struct lister_filter filter, size_t limit, struct got *g)
{
  int pages = 0;
  *g = (struct got){0};
  do {
    struct ulid behind = g->next;
    if (pages++) filter.behind = &behind;
    page(&filter, limit, g);
    cr_assert_lt(pages, 500);
  } while (g->more);
  return pages;
}

static void expect(struct lister_filter filter, const char *numbers)
{
  static struct got g;
  char text[256] = "";
  all_pages(filter, 2, &g);
  for (size_t i = 0; i < g.n; i++)
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s%d", i ? " " : "", g.numbers[i]);
  cr_assert_str_eq(text, numbers);
}

Test(lister, nothing_there)
{
  struct got g = {0};
  page(&any, 10, &g);
  cr_assert(g.n == 0 && !g.more);
}

Test(lister, pages_meet_without_a_gap_both_ways)
{
  static struct got g;
  fill(2500);
  struct lister_filter filter = any;
  for (int oldest = 0; oldest < 2; oldest++) {
    filter.oldest_first = oldest;
    cr_assert_eq(all_pages(filter, 200, &g), 13);
    cr_assert_eq(g.n, 2500);
    for (int i = 0; i < 2500; i++) cr_assert_eq(g.numbers[i], oldest ? i : 2499 - i);
  }
}

Test(lister, what_comes_meanwhile_moves_no_page)
{
  static struct got g;
  fill(30);
  struct lister_filter filter = any;
  page(&filter, 10, &g);
  kit_accept(&k);
  struct ulid behind = g.next;
  filter.behind = &behind;
  page(&filter, 10, &g);
  for (int i = 0; i < 20; i++) cr_assert_eq(g.numbers[i], 29 - i);
}

/* The only match is further back than one walk goes: the page is empty, and the next goes on. */
Test(lister, a_walk_is_bounded)
{
  enum { N = LISTER_SCAN * LISTER_ROUNDS + 3000 };
  struct got g = {0};
  fill(N);
  change("type = 'limit'", "= 7");
  struct lister_filter filter = any;
  filter.type = "limit";
  page(&filter, 10, &g);
  cr_assert(g.n == 0 && g.more);
  cr_assert_eq(number_of(&g.next), N - LISTER_SCAN * LISTER_ROUNDS);
  struct ulid behind = g.next;
  filter.behind = &behind;
  page(&filter, 10, &g);
  cr_assert(g.n == 1 && g.numbers[0] == 7 && !g.more);
}

Test(lister, a_page_is_filled_from_several_rounds)
{
  static struct got g;
  fill(3 * LISTER_SCAN);
  change("type = 'limit'", "% 1000 = 3");
  struct lister_filter filter = any;
  filter.type = "limit";
  g = (struct got){0};
  page(&filter, 6, &g);
  cr_assert(g.n == 6 && !g.more);
  g = (struct got){0};
  page(&filter, 5, &g);
  cr_assert(g.n == 5 && g.more);
}

Test(lister, filters)
{
  fill(20);
  change("type = 'limit', payload = '{\"tokenIn\":\"USDC\",\"tokenOut\":\"SOL\"}'", "IN (3, 11)");
  change("status = 'routing', phase = 1, completed_at = NULL", "IN (4, 5, 11)");
  change("tenant = 'other'", "IN (5, 6)");
  change("payload = '{}'", "= 9");
  struct lister_filter f = any;
  f.type = "limit";
  expect(f, "11 3");
  f.status = "routing";
  expect(f, "11");
  f = any;
  f.phase = OX_ACTIVE;
  expect(f, "11 4");
  f.oldest_first = true;
  expect(f, "4 11");
  f = any;
  f.token_in = "USDC";
  expect(f, "11 3");
  f.token_out = "USDC";
  expect(f, "");
  f = any;
  f.tenant = "other";
  expect(f, "6 5");
  f = any;
  f.from_ms = first_ms + 16;
  expect(f, "19 18 17 16");
  f.to_ms = first_ms + 17;
  expect(f, "17 16");
  f.from_ms = -1;
  f.to_ms = first_ms + 1;
  expect(f, "1 0");
  f.to_ms = 0;
  expect(f, "");
  f.to_ms = 999999999999999;
  f.phase = OX_ACTIVE;
  expect(f, "11 4");
}

/* ── what is rare ───────────────────────────────────────────────────────────────────────────── */

Test(lister, who_has_not_ended)
{
  fill(30);
  change("status = 'pending', phase = 0, completed_at = NULL", "IN (2, 8, 20)");
  change("status = 'PROCESSING', type = 'record', phase = 1, completed_at = NULL, by_hand = true",
         "IN (5, 8, 28)");
  struct lister_filter f = any;
  f.source = LISTER_OPEN;
  expect(f, "28 20 8 5 2");
  f.oldest_first = true;
  expect(f, "2 5 8 20 28");
  f.phase = OX_ACTIVE;
  expect(f, "5 8 28");
  f.tenant = "other";
  expect(f, "");
}

Test(lister, who_failed_and_who_was_cancelled)
{
  fill(30);
  change("status = 'failed', phase = 3", "IN (2, 8, 20)");
  change("status = 'cancelled', phase = 4", "IN (3, 9)");
  kit_sql(&k, "INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"
              " SELECT order_id, 1, 2, status, phase, 1, now() FROM orders");
  struct lister_filter f = any;
  f.source = LISTER_ENDED;
  f.phase = OX_FAILED;
  expect(f, "20 8 2");
  f.oldest_first = true;
  expect(f, "2 8 20");
  f.phase = OX_CANCELLED;
  expect(f, "3 9");
}

Test(lister, the_deliveries_of_a_user)
{
  fill(30);
  change("type = 'delivery', payload = '{\"user_id\":\"u-1\"}'", "IN (2, 8, 20)");
  change("type = 'delivery', payload = '{\"user_id\":42}'", "IN (3, 9)");
  change("payload = '{\"user_id\":\"u-1\"}'", "= 1");
  struct lister_filter f = any;
  f.source = LISTER_USER;
  f.user_id = "u-1";
  expect(f, "20 8 2");
  f.user_id = "42";
  f.oldest_first = true;
  expect(f, "3 9");
  f.user_id = "4";
  expect(f, "");
}

Test(lister, the_orders_of_one_client_among_many)
{
  fill(30);
  change("tenant = 'cli_a'", "IN (2, 8, 20)");
  change("tenant = 'cli_b'", "IN (3, 9)");
  struct lister_filter f = any;
  f.source = LISTER_CLIENT;
  f.tenant = "cli_a";
  expect(f, "20 8 2");
  f.oldest_first = true;
  f.from_ms = first_ms + 3;
  expect(f, "8 20");
  f.tenant = "cli_c";
  expect(f, "");
}

/* ── marks ──────────────────────────────────────────────────────────────────────────────────── */

static void on_mark(void *arg, const char *mark, bool stands)
{
  struct got *g = arg;
  cr_assert(g->marks++ == 0 && g->n == 0 && g->ends == 0, "once, and first");
  snprintf(g->mark, sizeof g->mark, "%s", mark);
  g->stands = stands;
}

static const struct lister_sink marking = {on_mark, on_order, on_end};

/* A page of tenant with its mark; mark NULL: of none that is there. */
static struct got marked(const char *tenant, const char *mark)
{
  struct lister_filter filter = any;
  struct got g = {0};
  filter.tenant = tenant;
  filter.mark = mark;
  cr_assert_eq(lister_page(lister, &filter, 10, &marking, &g), ST_OK);
  kit_until(&k, g.ends);
  cr_assert(g.ends == 1 && g.status == ST_OK && g.marks == 1 && *g.mark);
  if (g.stands) cr_assert(g.n == 0 && !g.more);
  return g;
}

static bool stands(const char *tenant, const char *mark)
{
  return marked(tenant, mark).stands;
}

/* An order as the journal writes it, its first event too. */
#define NEW_ORDER                                                                                  \
  "WITH o AS (INSERT INTO orders (order_id, tenant, type, status, payload, created_at,"            \
  " updated_at, accepted_as) VALUES (lpad('%d', 32, '0')::uuid, '%s', 'market', 'pending', '{}',"  \
  " now(), now(), 'pending') RETURNING order_id)"                                                  \
  " INSERT INTO accepts (order_ids) SELECT array_agg(order_id) FROM o"

static void write_order(int n, const char *tenant)
{
  char sql[512];
  snprintf(sql, sizeof sql, NEW_ORDER, n, tenant);
  kit_sql(&k, sql);
}

static void write_event(int n, int seq, int phase)
{
  char sql[256];
  snprintf(sql, sizeof sql,
           "INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"
           " VALUES (lpad('%d', 32, '0')::uuid, %d, %d, 'x', %d, 1, now())",
           n, seq - 1, seq, phase);
  kit_sql(&k, sql);
}

Test(lister, a_page_stands_until_its_client_changes_something)
{
  write_order(1, "me");
  write_order(2, "me");
  struct got g = marked("me", NULL);
  cr_assert(g.n == 2 && !g.stands);
  cr_assert(stands("me", g.mark));
  write_event(1, 2, 1);
  cr_assert(stands("me", g.mark), "a worker went on with it");
  write_order(3, "you");
  write_event(3, 2, 4);
  cr_assert(stands("me", g.mark), "another client's");

  write_order(4, "me");
  struct got placed = marked("me", g.mark);
  cr_assert(placed.n == 3 && !placed.stands, "the new page comes at once");
  cr_assert(stands("me", placed.mark));
  write_event(4, 2, 4);
  cr_assert_not(stands("me", placed.mark), "cancelled");
  g = marked("me", NULL);
  kit_sql(&k, "UPDATE orders SET by_hand = true WHERE order_id = lpad('1', 32, '0')::uuid");
  write_event(1, 3, 1);
  cr_assert_not(stands("me", g.mark), "moved by hand");
  cr_assert(stands("you", g.mark));
  g = marked("you", NULL);
  write_event(3, 1, 1);
  cr_assert_not(stands("you", g.mark), "accepted, with its first event among the steps");
}

/* What was under way when the page was made, and begun before what is in it, ends after it. */
Test(lister, what_commits_later_counts_as_later)
{
  char text[512];
  PGconn *slow = PQconnectdb(k.url);
  PQclear(PQexec(slow, "BEGIN; SELECT pg_current_xact_id()"));
  write_order(1, "me");
  struct got g = marked("me", NULL);
  cr_assert(stands("me", g.mark));
  snprintf(text, sizeof text, NEW_ORDER, 2, "me");
  PGresult *r = PQexec(slow, text);
  cr_assert_eq(PQresultStatus(r), PGRES_COMMAND_OK, "%s", PQerrorMessage(slow));
  PQclear(r);
  cr_assert(stands("me", g.mark), "it has not happened yet");
  PQclear(PQexec(slow, "COMMIT"));
  cr_assert_not(stands("me", g.mark));
  PQfinish(slow);
}

Test(lister, with_too_much_to_look_at_a_page_does_not_stand)
{
  char sql[256];
  write_order(1, "you");
  struct got g = marked("me", NULL);
  for (int n = 0; n < 2; n++) {
    snprintf(sql, sizeof sql,
             "INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"
             " SELECT lpad('1', 32, '0')::uuid, s + i, s + i + 1, 'x', 1, 1, now()"
             " FROM generate_series(1, %2$d) i, (VALUES (%1$d)) AS v(s)",
             1 + n * LISTER_LATER, n ? 1 : LISTER_LATER - 1);
    kit_sql(&k, sql);
    cr_assert_eq(stands("me", g.mark), n == 0);
  }
}

Test(lister, marks_of_another_connection_count_for_nothing)
{
  struct got g = marked("me", NULL);
  kit_terminate(&k, "ox lister");
  kit_until(&k, !lister_up(lister));
  kit_until(&k, lister_up(lister));
  cr_assert_not(stands("me", g.mark));
  static const char *const strange[] = {"", "x", "1", "-1 1:1:", "99999999999999999999 1:1:"};
  for (size_t i = 0; i < sizeof strange / sizeof *strange; i++)
    cr_assert_not(stands("me", strange[i]));
}

/* ── plans ──────────────────────────────────────────────────────────────────────────────────── */

static void check_plan(PGconn *pg, const struct pg_statement *s)
{
  static const struct {
    const char *source, *index;
  } by[] = {{"_all", "orders_pkey"},  {"_open", "orders_unfinished"}, {"_ended", "steps_ended"},
            {"_user", "orders_user"}, {"_client", "orders_client"},   {"since", "steps_xid"},
            {"since", "accepts_xid"}};
  char sql[8192], plan[16384] = "";
  const char *params = ", NULL"; /* behind three */
  if (strncmp(s->name, "list_", 5) == 0)
    params = ", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL";
  if (strcmp(s->name, "since") == 0) params = "";
  snprintf(sql, sizeof sql, "PREPARE p AS %s", s->sql);
  PQclear(PQexec(pg, sql));
  snprintf(sql, sizeof sql, "EXPLAIN (COSTS off) EXECUTE p(NULL, NULL, NULL%s)", params);
  PGresult *r = PQexec(pg, sql);
  cr_assert_eq(PQresultStatus(r), PGRES_TUPLES_OK, "%s: %s", s->name, PQerrorMessage(pg));
  for (int i = 0; i < PQntuples(r); i++)
    snprintf(plan + strlen(plan), sizeof plan - strlen(plan), "%s\n", PQgetvalue(r, i, 0));
  PQclear(r);
  PQclear(PQexec(pg, "DEALLOCATE p"));
  cr_assert_null(strstr(plan, "Seq Scan"), "%s: %s", s->name, plan);
  cr_assert_null(strstr(plan, "Hash"), "%s: %s", s->name, plan);
  for (size_t i = 0; i < sizeof by / sizeof *by; i++)
    if (strstr(s->name, by[i].source))
      cr_assert_not_null(strstr(plan, by[i].index), "%s: %s", s->name, plan);
  bool sorts = strstr(plan, "Sort") && !strstr(s->name, "_open"); /* which sorts a round's ids */
  cr_assert_not(sorts, "%s: %s", s->name, plan);
}

Test(lister, plans_are_by_index_whatever_the_statistics_say)
{
  PGconn *pg = PQconnectdb(k.url);
  PQclear(PQexec(pg, lister_statements[0].sql));
  for (int round = 0; round < 3; round++) {
    for (size_t i = 1; i < n_lister_statements; i++) check_plan(pg, &lister_statements[i]);
    if (round == 0) kit_sql(&k, "ANALYZE orders, steps"); /* known to be empty */
    if (round == 1) fill(20000);
    if (round == 1) kit_sql(&k, "ANALYZE orders, steps");
  }
  PQfinish(pg);
}

/* ── PostgreSQL breaks off ──────────────────────────────────────────────────────────────────── */

Test(lister, a_broken_connection_is_said_and_comes_back)
{
  struct got g = {0};
  fill(10);
  cr_assert_eq(lister_page(lister, &any, 5, &sink, &g), ST_OK);
  kit_terminate(&k, "ox lister");
  kit_until(&k, g.ends);
  cr_assert(g.status == ST_AWAY || (g.status == ST_OK && g.n == 5));
  g = (struct got){.status = ST_AWAY};
  for (int tries = 0; g.status != ST_OK; tries++) {
    g = (struct got){0};
    kit_until(&k, lister_page(lister, &any, 5, &sink, &g) == ST_OK);
    kit_until(&k, g.ends);
    cr_assert_lt(tries, 10);
  }
  cr_assert_eq(g.n, 5);
}

Test(lister, so_many_at_once_and_no_more)
{
  static struct got g[LISTER_WALKS_MAX + 1];
  fill(10);
  for (int i = 0; i < LISTER_WALKS_MAX; i++)
    cr_assert_eq(lister_page(lister, &any, 3, &sink, &g[i]), ST_OK);
  cr_assert_eq(lister_page(lister, &any, 3, &sink, &g[LISTER_WALKS_MAX]), ST_FULL);
  for (int i = 0; i < LISTER_WALKS_MAX; i++) {
    kit_until(&k, g[i].ends);
    cr_assert_eq(g[i].n, 3);
  }
}

Test(lister, who_waits_is_answered_when_it_ends)
{
  struct got g = {0};
  cr_assert_eq(lister_page(lister, &any, 5, &sink, &g), ST_OK);
  lister_destroy(lister, NULL, NULL);
  kit_until(&k, g.ends);
  cr_assert_eq(g.status, ST_AWAY);
  lister = NULL;
}
