/* migrate_test.c - the schema brought forward, refused, and by several at once. */
#include "store/migrate.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "support.h"

static const struct migration LIST[] = {
    {1, "0001_first", "CREATE TABLE a(x int); INSERT INTO a VALUES (1);"},
    {2, "0002_second", "ALTER TABLE a ADD COLUMN y int; INSERT INTO a VALUES (2, 2);"},
    {4, "0004_fourth", "CREATE INDEX a_x ON a(x);"},
};
enum { N = sizeof LIST / sizeof *LIST };

static char url[256];
static char error[256];

static void setup(const char *schema)
{
  log_set_level(LOG_LEVEL_ERROR);
  own_schema(url, sizeof url, schema);
  *error = '\0';
}

Test(migrate, applies_what_is_missing_once)
{
  setup("migrate_apply");
  cr_assert_eq(migrate_verify(url, LIST, 1, error, sizeof error), ST_CONFLICT);
  cr_assert(strstr(error, "0001_first is missing"), "%s", error);
  cr_assert_str_eq(sql(url, "SELECT to_regclass('schema_migrations') IS NULL"), "t");

  cr_assert_eq(migrate_apply(url, LIST, 1, error, sizeof error), ST_OK, "%s", error);
  cr_assert_eq(migrate_verify(url, LIST, 1, error, sizeof error), ST_OK, "%s", error);
  cr_assert_eq(migrate_verify(url, LIST, N, error, sizeof error), ST_CONFLICT);
  cr_assert(strstr(error, "0002_second is missing"), "%s", error);

  for (int i = 0; i < 2; i++)
    cr_assert_eq(migrate_apply(url, LIST, N, error, sizeof error), ST_OK, "%s", error);
  cr_assert_eq(migrate_verify(url, LIST, N, error, sizeof error), ST_OK, "%s", error);
  cr_assert_str_eq(sql(url, "SELECT count(*) FROM a"), "2");
  cr_assert_str_eq(sql(url, "SELECT string_agg(version || name, ' ') FROM schema_migrations"),
                   "10001_first 20002_second 40004_fourth");
  cr_assert_str_eq(sql(url, "SELECT length(checksum) FROM schema_migrations LIMIT 1"), "64");
}

Test(migrate, analyzes_what_has_rows)
{
  static const struct migration TWO[] = {
      {1, "0001_two",
       "CREATE TABLE a(x int); INSERT INTO a VALUES (1), (2); CREATE TABLE b(x int);"}};

  setup("migrate_analyze");
  cr_assert_eq(migrate_apply(url, TWO, 1, error, sizeof error), ST_OK, "%s", error);
  cr_assert_str_eq(sql(url, "SELECT reltuples FROM pg_class WHERE oid = 'a'::regclass"), "2");
  cr_assert_str_eq(sql(url, "SELECT reltuples FROM pg_class WHERE oid = 'b'::regclass"), "-1");
}

Test(migrate, a_failing_one_leaves_nothing_behind)
{
  static const struct migration BROKEN[] = {
      {1, "0001_first", "CREATE TABLE a(x int);"},
      {2, "0002_broken", "CREATE TABLE b(x int); SELECT * FROM missing;"},
  };
  static const struct migration COMMITS[] = {{1, "0001_first", "CREATE TABLE a(x int);"},
                                             {2, "0002_syntax", "CREATE TABEL b(x int);"}};

  setup("migrate_broken");
  cr_assert_eq(migrate_apply(url, BROKEN, 2, error, sizeof error), ST_BROKEN);
  cr_assert(strstr(error, "0002_broken") && strstr(error, "missing"), "%s", error);
  cr_assert_neq(error[strlen(error) - 1], '\n');
  cr_assert_str_eq(sql(url, "SELECT to_regclass('a') IS NOT NULL"), "t");
  cr_assert_str_eq(sql(url, "SELECT to_regclass('b') IS NULL"), "t");
  cr_assert_str_eq(sql(url, "SELECT count(*) FROM schema_migrations"), "1");
  cr_assert_eq(migrate_apply(url, COMMITS, 2, error, sizeof error), ST_BROKEN);
  cr_assert_eq(migrate_apply(url, BROKEN, 1, error, sizeof error), ST_OK, "%s", error);
}

Test(migrate, refuses_what_was_changed_or_is_newer)
{
  struct migration changed[N];

  setup("migrate_conflict");
  cr_assert_eq(migrate_apply(url, LIST, N, error, sizeof error), ST_OK, "%s", error);

  memcpy(changed, LIST, sizeof changed);
  changed[1].sql = "ALTER TABLE a ADD COLUMN y int; INSERT INTO a VALUES (2, 3);";
  cr_assert_eq(migrate_apply(url, changed, N, error, sizeof error), ST_CONFLICT);
  cr_assert(strstr(error, "0002_second was changed"), "%s", error);
  cr_assert_eq(migrate_verify(url, changed, N, error, sizeof error), ST_CONFLICT);

  cr_assert_eq(migrate_apply(url, LIST, N - 1, error, sizeof error), ST_CONFLICT);
  cr_assert(strstr(error, "newer"), "%s", error);
  cr_assert_eq(migrate_verify(url, LIST, N - 1, error, sizeof error), ST_CONFLICT);

  memcpy(changed, LIST, sizeof changed);
  changed[2].version = 3; /* comes before one that was applied already */
  cr_assert_eq(migrate_apply(url, changed, N, error, sizeof error), ST_CONFLICT);
  cr_assert_str_eq(sql(url, "SELECT count(*) FROM a"), "2");
}

Test(migrate, several_processes_apply_it_once)
{
  enum { PROCESSES = 4 };
  pid_t pids[PROCESSES];
  int status;

  setup("migrate_race");
  for (int i = 0; i < PROCESSES; i++)
    if ((pids[i] = fork()) == 0) _exit(migrate_apply(url, LIST, N, error, sizeof error) != ST_OK);
  for (int i = 0; i < PROCESSES; i++) {
    waitpid(pids[i], &status, 0);
    cr_assert_eq(status, 0);
  }
  cr_assert_str_eq(sql(url, "SELECT count(*) FROM a"), "2");
  cr_assert_str_eq(sql(url, "SELECT count(*) FROM schema_migrations"), "3");
}

/* As when PostgreSQL goes down while a process starts: it is waited for, not given up. */
Test(migrate, a_connection_that_breaks_is_away_and_what_is_missing_comes_later)
{
  static const struct migration BREAKS[] = {
      {1, "0001_first", "CREATE TABLE a(x int);"},
      {2, "0002_breaks", "SELECT pg_terminate_backend(pg_backend_pid())"}};
  static const struct migration WHOLE[] = {{1, "0001_first", "CREATE TABLE a(x int);"},
                                           {2, "0002_breaks", "CREATE TABLE b(x int);"}};
  setup("migrate_breaks");
  cr_assert_eq(migrate_apply(url, BREAKS, 2, error, sizeof error), ST_AWAY, "%s", error);
  cr_assert_eq(migrate_apply(url, WHOLE, 2, error, sizeof error), ST_OK, "%s", error);
}

Test(migrate, says_when_the_server_is_away)
{
  cr_assert_eq(migrate_run("postgresql://127.0.0.1:1/x", error, sizeof error), ST_AWAY);
  cr_assert(strstr(error, "127.0.0.1"), "%s", error);
  cr_assert_eq(migrate_check("postgresql://[broken", error, sizeof error), ST_AWAY);
  cr_assert_gt(strlen(error), 0);
}

Test(migrate, a_short_error_buffer_is_enough)
{
  char small[8];

  cr_assert_eq(migrate_run("postgresql://127.0.0.1:1/x", small, sizeof small), ST_AWAY);
  cr_assert_lt(strlen(small), sizeof small);
}

static size_t before(const char *name)
{
  size_t n = 0;
  while (n < n_migrations && strcmp(migrations[n].name, name) != 0) n++;
  cr_assert_lt(n, n_migrations);
  return n;
}

/* What was written as events, intents and outcomes reads the same as steps, and goes on. */
Test(migrate, histories_become_steps)
{
  static const char rows[] =
      "INSERT INTO orders (order_id, tenant, type, status, phase, ver, step, intents, intent_open,"
      " payload, created_at, updated_at, completed_at) VALUES"
      " (lpad('1', 32, '0')::uuid, 'default', 'market', 'confirmed', 2, 4, 3, 2, false, '{}',"
      " now(), now(), now()), (lpad('2', 32, '0')::uuid, 'default', 'market', 'building', 1, 3, 2, "
      "1,"
      " true, '{}', now(), now(), NULL);"
      "INSERT INTO order_events (order_id, seq, status, phase, attempt, at, data)"
      " SELECT order_id, seq, 's' || seq, CASE seq WHEN 1 THEN 0 WHEN 4 THEN 2 ELSE 1 END, 1,"
      " to_timestamp(seq), CASE WHEN seq > 1 THEN '{\"n\": 1.50}'::json END"
      " FROM orders, generate_series(1, ver) seq;"
      "INSERT INTO intents SELECT order_id, n, 'v', 'hash' || n, '\\x00', 10, 9, to_timestamp(n), 1"
      " FROM orders, generate_series(1, intents) n;"
      "INSERT INTO outcomes SELECT order_id, n, CASE n WHEN 1 THEN 'dead' ELSE 'landed' END, 10, "
      "11,"
      " to_timestamp(n) FROM intents WHERE order_id = lpad('1', 32, '0')::uuid;";
  static const char told[] =
      "SELECT length(t) || ' ' || md5(t) FROM (SELECT"
      " (SELECT string_agg(to_json(e)::text, ' ' ORDER BY order_id, seq) FROM (SELECT order_id,"
      " seq, status, phase, attempt, at, data FROM order_events) e)"
      " || (SELECT string_agg(to_json(i)::text, ' ' ORDER BY order_id, n) FROM intents i)"
      " || (SELECT string_agg(to_json(o)::text, ' ' ORDER BY order_id, n) FROM outcomes o)"
      " || (SELECT string_agg(to_json(f)::text, ' ') FROM fills f)) AS x(t)";
  setup("migrate_steps");
  size_t n = before("0013_steps");
  cr_assert_eq(migrate_apply(url, migrations, n, error, sizeof error), ST_OK, "%s", error);
  sql(url, rows);
  static const char positions[] =
      "SELECT string_agg(concat_ws('|', order_id, seq, xid), ' ' ORDER BY order_id, seq) FROM %s";
  char *was = strdup(sql(url, told)), at[256];
  snprintf(at, sizeof at, positions, "order_events");
  char *stood = strdup(sql(url, at));
  cr_assert_gt(strtol(was, NULL, 10), 1000, "%s", was);
  cr_assert_eq(migrate_run(url, error, sizeof error), ST_OK, "%s", error);
  cr_assert_str_eq(sql(url, told), was);
  snprintf(at, sizeof at, positions, "step_events");
  cr_assert_str_eq(sql(url, at), stood);
  free(was);
  free(stood);
  cr_assert_str_eq(sql(url, "SELECT count(*) FROM orders o JOIN steps s ON s.order_id = o.order_id"
                            " AND s.step > o.step WHERE o.completed_at IS NULL"),
                   "0");
}

/* Orders from before keep their first event among the steps, and are told, found again and taken
 * over from another server like those that have it in their row. */
Test(migrate, first_events_stay_where_they_are)
{
  static const char before_it[] =
      "INSERT INTO orders (order_id, tenant, type, status, payload, created_at, updated_at)"
      " VALUES (lpad('1', 32, '0')::uuid, 'default', 'market', 'routing', '{}', now(), now());"
      " INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"
      " SELECT order_id, n, n + 1, CASE n WHEN 0 THEN 'pending' ELSE 'routing' END, n, 1, now()"
      " FROM orders, generate_series(0, 1) n";
  static const char behind_it[] =
      "INSERT INTO orders (order_id, tenant, type, status, payload, created_at, updated_at,"
      " accepted_as) VALUES (lpad('2', 32, '0')::uuid, 'default', 'market', 'routing', '{}', now(),"
      " now(), 'pending');"
      " INSERT INTO accepts (order_ids) VALUES (ARRAY[lpad('2', 32, '0')::uuid]);"
      " INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)"
      " VALUES (lpad('2', 32, '0')::uuid, 1, 2, 'routing', 1, 1, now())";
  static const char told[] =
      "SELECT string_agg(concat_ws('|', right(order_id::text, 1), seq, status, phase, attempt), ' '"
      " ORDER BY order_id, seq) FROM order_events";
  setup("migrate_first");
  size_t n = before("0015_accepts");
  cr_assert_eq(migrate_apply(url, migrations, n, error, sizeof error), ST_OK, "%s", error);
  sql(url, before_it);
  cr_assert_eq(migrate_run(url, error, sizeof error), ST_OK, "%s", error);
  cr_assert_str_eq(sql(url, told), "1|1|pending|0|1 1|2|routing|1|1");
  sql(url, behind_it);
  static const char both[] = "1|1|pending|0|1 1|2|routing|1|1 2|1|pending|0|1 2|2|routing|1|1";
  cr_assert_str_eq(sql(url, told), both);
  sql(url, "UPDATE accepts SET xid = '8000000000'");
  sql(url, "SELECT positions_adopt()");
  cr_assert_str_eq(sql(url, told), both);
  cr_assert_str_eq(sql(url, "SELECT (SELECT count(DISTINCT xid) FROM steps) || '|' || count(*)"
                            " FROM accepts a JOIN steps s USING (xid)"),
                   "1|3");
}

Test(migrate, the_daemons_own_schema_loads)
{
  setup("migrate_own");
  cr_assert_eq(migrate_check(url, error, sizeof error), ST_CONFLICT);
  cr_assert_eq(migrate_run(url, error, sizeof error), ST_OK, "%s", error);
  cr_assert_eq(migrate_check(url, error, sizeof error), ST_OK, "%s", error);
  cr_assert_str_eq(sql(url, "SELECT to_regclass('orders') IS NOT NULL"), "t");
}
