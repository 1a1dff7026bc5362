/*
 * pg_test.c - a connection in pipeline mode against a real PostgreSQL, with a proxy between them
 * that breaks what can break.
 */
#include "io/pg.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "io/pg_value.h"
#include "support.h"

enum { DEADLINE_MS = 1000 };

static const struct pg_statement STATEMENTS[] = {
    {"put", "INSERT INTO t(id) SELECT unnest($1::int8[])"},
    {"late", "INSERT INTO late(id, parent) VALUES ($1::int8, 0)"},
    {"count", "SELECT count(*) FROM t"},
    {"sleep", "SELECT pg_sleep($1::int8 / 1000.0)"},
    {"echo", "SELECT $1::text"},
    {"pid", "SELECT pg_backend_pid()"},
    {"setting", "SELECT current_setting($1::text)"},
    {"kinds",
     "SELECT a, b, c, d, e, f, g FROM unnest($1::bool[], $2::int2[], $3::int4[], $4::int8[],"
     " $5::text[], $6::timestamptz[], $7::uuid[]) AS k(a, b, c, d, e, f, g)"},
};

struct fixture {
  uv_loop_t loop;
  struct proxy proxy;
  char url[256]; /* straight to the server */
  char via[256]; /* through the proxy */
  struct pg_conn *pg;
  bool up, down, closed;
  int ups;
};

struct outcome {
  bool ended;
  enum pg_outcome outcome;
  char sqlstate[8];
  int results;
  int64_t value; /* of the last int8 result */
  struct fixture *f;
};

static void on_up(void *arg)
{
  struct fixture *f = arg;
  f->up = true;
  f->ups++;
}

static void on_down(void *arg)
{
  struct fixture *f = arg;
  f->up = false;
  f->down = true;
}

static void on_result(void *arg, const PGresult *r)
{
  struct outcome *o = arg;
  o->results++;
  if (PQntuples(r) == 1 && PQgetlength(r, 0, 0) == 8) o->value = pg_get_int8(r, 0, 0);
  if (PQntuples(r) == 1 && PQgetlength(r, 0, 0) == 4) o->value = pg_get_int4(r, 0, 0);
}

static void on_end(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct outcome *o = arg;
  cr_assert_not(o->ended, "a batch ended twice");
  o->ended = true;
  o->outcome = outcome;
  snprintf(o->sqlstate, sizeof o->sqlstate, "%s", sqlstate);
}

static void setup(struct fixture *f, const char *schema)
{
  signal(SIGPIPE, SIG_IGN);
  log_set_level(LOG_LEVEL_ERROR);
  *f = (struct fixture){0};
  uv_loop_init(&f->loop);
  own_schema(f->url, sizeof f->url, schema);
  proxy_start(&f->proxy, &f->loop, url_port(f->url));
  through(f->via, sizeof f->via, f->url, "127.0.0.1", f->proxy.port);
  sql(f->url, "CREATE TABLE t(id int8 PRIMARY KEY);"
              "CREATE TABLE late(id int8 PRIMARY KEY, parent int8 REFERENCES t(id)"
              "  DEFERRABLE INITIALLY DEFERRED)");
}

static void open_conn(struct fixture *f, const char *url)
{
  const struct pg_options o = {.url = url,
                               .name = "pg_test",
                               .statements = STATEMENTS,
                               .n_statements = sizeof STATEMENTS / sizeof *STATEMENTS,
                               .deadline_ms = DEADLINE_MS,
                               .on_up = on_up,
                               .on_down = on_down,
                               .arg = f};
  f->pg = pg_connect(&f->loop, &o);
  cr_assert_not(f->up, "a callback ran inside the call");
}

static void start(struct fixture *f, const char *schema)
{
  setup(f, schema);
  open_conn(f, f->via);
  wait_for(&f->loop, &f->up);
}

static void finish(struct fixture *f)
{
  pg_close(f->pg, set_flag, &f->closed);
  cr_assert_not(f->closed, "a callback ran inside the call");
  wait_for(&f->loop, &f->closed);
  proxy_stop(&f->proxy);
  loop_finish(&f->loop);
}

static void add_ids(struct pg_batch *b, int64_t from, int64_t to, struct outcome *o)
{
  struct pg_array ids;
  struct pg_param p;

  pg_array_init(&ids, PG_INT8);
  for (int64_t i = from; i <= to; i++) pg_array_int8(&ids, i);
  p.data = pg_array_param(&ids, &p.len);
  pg_batch_add(b, "put", &p, 1, on_result, o);
  pg_array_deinit(&ids);
}

static void add_int8(struct pg_batch *b, const char *statement, int64_t value, struct outcome *o)
{
  unsigned char wire[8];

  pg_put_int8(wire, value);
  pg_batch_add(b, statement, &(struct pg_param){wire, 8}, 1, on_result, o);
}

static void put(struct fixture *f, int64_t from, int64_t to, struct outcome *o)
{
  struct pg_batch *b = pg_batch_begin(f->pg);

  cr_assert(b);
  add_ids(b, from, to, o);
  pg_batch_send(b, on_end, o);
}

static int64_t count(struct fixture *f)
{
  return strtoll(sql(f->url, "SELECT count(*) FROM t"), NULL, 10);
}

Test(pg, batches_commit_in_order)
{
  struct fixture f;
  struct outcome a = {0}, b = {0};

  start(&f, "pg_commit");
  put(&f, 1, 100, &a);
  cr_assert_eq(pg_run(f.pg, "count", NULL, 0, on_result, on_end, &b), ST_OK);
  cr_assert_eq(pg_in_flight(f.pg), 2);
  cr_assert_not(a.ended);
  wait_for(&f.loop, &b.ended);
  cr_assert_eq(a.outcome, PG_COMMITTED);
  cr_assert_eq(a.results, 1);
  cr_assert_eq(b.value, 100);
  cr_assert_eq(pg_in_flight(f.pg), 0);
  cr_assert_eq(count(&f), 100);
  finish(&f);
}

static void check_kinds(void *arg, const PGresult *r)
{
  struct outcome *o = arg;
  char *copy = pg_dup_text(r, 0, 4);

  o->results++;
  cr_assert_eq(PQntuples(r), 2);
  cr_assert(pg_get_bool(r, 0, 0));
  cr_assert_eq(pg_get_int4(r, 0, 1), -2);
  cr_assert_eq(pg_get_int4(r, 0, 2), INT32_MIN);
  cr_assert_eq(pg_get_int8(r, 0, 3), INT64_MAX);
  cr_assert_str_eq(pg_get_text(r, 0, 4), "grün \"quoted\" {,}");
  cr_assert_str_eq(copy, "grün \"quoted\" {,}");
  cr_assert_eq(pg_get_time_ms(r, 0, 5), 1700000000123);
  cr_assert_eq(pg_get_ulid(r, 0, 6).bytes[0], 7);
  for (int col = 0; col < 7; col++) cr_assert_eq(pg_is_null(r, 1, col), col == 4 || col == 5);
  cr_assert_null(pg_get_text(r, 1, 4));
  cr_assert_null(pg_dup_text(r, 1, 4));
  cr_assert_eq(pg_get_time_ms(r, 1, 5), 0);
  free(copy);
}

Test(pg, binary_values_survive_the_way_there_and_back)
{
  static const enum pg_oid TYPES[] = {PG_BOOL, PG_INT2,        PG_INT4, PG_INT8,
                                      PG_TEXT, PG_TIMESTAMPTZ, PG_UUID};
  const struct ulid id = {{7}}, zero = {{0}};
  struct pg_array a[7];
  struct pg_param p[7];
  struct outcome o = {0};
  struct fixture f;

  start(&f, "pg_kinds");
  for (int i = 0; i < 7; i++) pg_array_init(&a[i], TYPES[i]);
  pg_array_bool(&a[0], true), pg_array_bool(&a[0], false);
  pg_array_int2(&a[1], -2), pg_array_int2(&a[1], 0);
  pg_array_int4(&a[2], INT32_MIN), pg_array_int4(&a[2], 1);
  pg_array_int8(&a[3], INT64_MAX), pg_array_int8(&a[3], 1);
  pg_array_text(&a[4], "grün \"quoted\" {,}"), pg_array_null(&a[4]);
  pg_array_time(&a[5], 1700000000123), pg_array_time(&a[5], 0);
  pg_array_ulid(&a[6], &id), pg_array_ulid(&a[6], &zero);
  for (int i = 0; i < 7; i++) p[i].data = pg_array_param(&a[i], &p[i].len);
  cr_assert_eq(pg_run(f.pg, "kinds", p, 7, check_kinds, on_end, &o), ST_OK);
  for (int i = 0; i < 7; i++) pg_array_deinit(&a[i]); /* the parameters were copied */
  wait_for(&f.loop, &o.ended);
  cr_assert_eq(o.results, 1);

  for (int i = 0; i < 7; i++) { /* empty arrays */
    pg_array_init(&a[i], TYPES[i]);
    p[i].data = pg_array_param(&a[i], &p[i].len);
  }
  o = (struct outcome){0};
  cr_assert_eq(pg_run(f.pg, "kinds", p, 7, on_result, on_end, &o), ST_OK);
  wait_for(&f.loop, &o.ended);
  cr_assert_eq(o.outcome, PG_COMMITTED);
  for (int i = 0; i < 7; i++) pg_array_deinit(&a[i]);
  finish(&f);
}

static void keep_text(void *arg, const PGresult *r)
{
  snprintf(arg, 32, "%s", pg_get_text(r, 0, 0));
}

Test(pg, sessions_have_our_settings_and_the_urls)
{
  static const char *const WANT[][2] = {
      {"statement_timeout", "750ms"},      {"idle_in_transaction_session_timeout", "750ms"},
      {"enable_seqscan", "off"},           {"jit", "off"},
      {"search_path", "test_pg_settings"}, {"application_name", "pg_test"},
      {"client_encoding", "UTF8"}};
  struct fixture f;

  start(&f, "pg_settings");
  for (size_t i = 0; i < sizeof WANT / sizeof *WANT; i++) {
    const struct pg_param name = {WANT[i][0], (int)strlen(WANT[i][0])};
    struct pg_batch *b = pg_batch_begin(f.pg);
    struct outcome o = {0};
    char text[32];

    pg_batch_add(b, "setting", &name, 1, keep_text, text);
    pg_batch_send(b, on_end, &o);
    wait_for(&f.loop, &o.ended);
    cr_assert_str_eq(text, WANT[i][1], "%s", WANT[i][0]);
  }
  finish(&f);
}

Test(pg, an_error_rolls_back_its_batch_and_no_other)
{
  struct outcome a = {0}, b = {0}, c = {0};
  struct pg_batch *batch;
  struct fixture f;

  start(&f, "pg_error");
  put(&f, 1, 1, &a);
  batch = pg_batch_begin(f.pg);
  add_ids(batch, 2, 2, &b);
  add_ids(batch, 1, 1, &b); /* there already */
  add_ids(batch, 3, 3, &b);
  pg_batch_send(batch, on_end, &b);
  put(&f, 4, 4, &c);
  wait_for(&f.loop, &c.ended);
  cr_assert_eq(a.outcome, PG_COMMITTED);
  cr_assert_eq(b.outcome, PG_ROLLED_BACK);
  cr_assert_str_eq(b.sqlstate, "23505");
  cr_assert_eq(b.results, 1);
  cr_assert_eq(c.outcome, PG_COMMITTED);
  cr_assert_str_eq(c.sqlstate, "");
  cr_assert_eq(count(&f), 2);
  cr_assert(pg_up(f.pg));
  finish(&f);
}

Test(pg, an_error_in_commit_rolls_back)
{
  struct outcome a = {0}, b = {0};
  struct pg_batch *batch;
  struct fixture f;

  start(&f, "pg_deferred");
  batch = pg_batch_begin(f.pg);
  add_ids(batch, 1, 1, &a);
  add_int8(batch, "late", 1, &a); /* its parent is missing, which is seen at the end only */
  pg_batch_send(batch, on_end, &a);
  put(&f, 2, 2, &b);
  wait_for(&f.loop, &b.ended);
  cr_assert_eq(a.results, 2);
  cr_assert_eq(a.outcome, PG_ROLLED_BACK);
  cr_assert_str_eq(a.sqlstate, "23503");
  cr_assert_eq(b.outcome, PG_COMMITTED);
  cr_assert_eq(count(&f), 1);
  finish(&f);
}

Test(pg, an_idle_connection_that_is_killed_comes_back)
{
  struct outcome pid = {0}, b = {0};
  struct fixture f;
  char text[64];

  start(&f, "pg_idle");
  cr_assert_eq(pg_run(f.pg, "pid", NULL, 0, on_result, on_end, &pid), ST_OK);
  wait_for(&f.loop, &pid.ended);
  snprintf(text, sizeof text, "SELECT pg_terminate_backend(%" PRId64 ")", pid.value);
  f.up = false;
  sql(f.url, text);
  wait_for(&f.loop, &f.down);
  cr_assert_not(pg_up(f.pg));
  cr_assert_null(pg_batch_begin(f.pg));
  cr_assert_eq(pg_run(f.pg, "pid", NULL, 0, on_result, on_end, &b), ST_AWAY);
  wait_for(&f.loop, &f.up);
  put(&f, 1, 1, &b);
  wait_for(&f.loop, &b.ended);
  cr_assert_eq(b.outcome, PG_COMMITTED);
  finish(&f);
}

/* A statement that a FATAL error ended never got to its COMMIT; what was behind it is in doubt. */
Test(pg, a_backend_killed_in_a_statement_rolled_back)
{
  struct outcome pid = {0}, a = {0}, b = {0};
  struct pg_batch *batch;
  struct fixture f;
  char text[64];

  start(&f, "pg_killed");
  cr_assert_eq(pg_run(f.pg, "pid", NULL, 0, on_result, on_end, &pid), ST_OK);
  wait_for(&f.loop, &pid.ended);
  batch = pg_batch_begin(f.pg);
  add_ids(batch, 1, 1, &a);
  add_int8(batch, "sleep", 600, &a);
  pg_batch_send(batch, on_end, &a);
  put(&f, 2, 2, &b);
  cr_assert_not(turn_until(&f.loop, 100, is_set, &a.ended));
  snprintf(text, sizeof text, "SELECT pg_terminate_backend(%" PRId64 ")", pid.value);
  f.up = false;
  sql(f.url, text);
  wait_for(&f.loop, &b.ended);
  cr_assert_eq(a.outcome, PG_ROLLED_BACK);
  cr_assert_str_eq(a.sqlstate, "57P01");
  cr_assert_eq(b.outcome, PG_IN_DOUBT);
  wait_for(&f.loop, &f.up);
  cr_assert_eq(count(&f), 0);
  finish(&f);
}

static bool has_committed(void *arg)
{
  return count(arg) == 1;
}

Test(pg, a_lost_answer_leaves_the_batch_in_doubt)
{
  struct outcome a = {0};
  struct fixture f;

  start(&f, "pg_lost");
  proxy_hold(&f.proxy, true);
  put(&f, 1, 1, &a);
  cr_assert(turn_until(&f.loop, WAIT_MS, has_committed, &f));
  proxy_cut(&f.proxy);
  proxy_hold(&f.proxy, false);
  wait_for(&f.loop, &f.down);
  cr_assert(a.ended, "on_down came before the batch had ended");
  cr_assert_eq(a.outcome, PG_IN_DOUBT);
  cr_assert_str_eq(a.sqlstate, "");
  cr_assert_eq(f.ups, 1);
  f.up = false;
  wait_for(&f.loop, &f.up);
  finish(&f);
}

Test(pg, a_silent_server_is_given_up_at_the_deadline)
{
  struct outcome a = {0}, b = {0};
  struct fixture f;
  uint64_t began;

  start(&f, "pg_silent");
  proxy_hold(&f.proxy, true);
  began = uv_hrtime();
  put(&f, 1, 1, &a);
  put(&f, 2, 2, &b);
  wait_for(&f.loop, &b.ended);
  began = (uv_hrtime() - began) / 1000000;
  cr_assert_eq(a.outcome, PG_IN_DOUBT);
  cr_assert_eq(b.outcome, PG_IN_DOUBT);
  cr_assert(began >= DEADLINE_MS - 50 && began < 2 * DEADLINE_MS, "%d ms", (int)began);
  /* Connecting to a server that says nothing is given up as well, again and again. */
  f.up = false;
  cr_assert_not(turn_until(&f.loop, 2 * DEADLINE_MS, is_set, &f.up));
  cr_assert_geq(f.proxy.accepted, 2);
  proxy_hold(&f.proxy, false);
  wait_for(&f.loop, &f.up);
  finish(&f);
}

Test(pg, answers_that_keep_coming_are_progress)
{
  struct outcome o[6] = {{0}};
  struct fixture f;

  start(&f, "pg_progress");
  for (int i = 0; i < 6; i++) { /* longer than the deadline together */
    struct pg_batch *b = pg_batch_begin(f.pg);
    add_int8(b, "sleep", 400, &o[i]);
    pg_batch_send(b, on_end, &o[i]);
  }
  wait_for(&f.loop, &o[5].ended);
  for (int i = 0; i < 6; i++) cr_assert_eq(o[i].outcome, PG_COMMITTED);
  cr_assert_eq(f.ups, 1);
  finish(&f);
}

Test(pg, a_slow_statement_is_rolled_back_before_the_deadline)
{
  struct outcome a = {0};
  struct pg_batch *batch;
  struct fixture f;

  start(&f, "pg_slow");
  batch = pg_batch_begin(f.pg);
  add_int8(batch, "sleep", 5000, &a);
  pg_batch_send(batch, on_end, &a);
  wait_for(&f.loop, &a.ended);
  cr_assert_eq(a.outcome, PG_ROLLED_BACK);
  cr_assert_str_eq(a.sqlstate, "57014");
  cr_assert(pg_up(f.pg));
  finish(&f);
}

Test(pg, a_refused_connection_is_tried_until_it_works)
{
  struct fixture f;

  setup(&f, "pg_refused");
  proxy_refuse(&f.proxy);
  open_conn(&f, f.via);
  cr_assert_not(turn_until(&f.loop, 500, is_set, &f.up));
  proxy_listen(&f.proxy);
  wait_for(&f.loop, &f.up);
  cr_assert_not(f.down);
  finish(&f);
}

Test(pg, statements_that_do_not_prepare_are_tried_until_they_do)
{
  struct fixture f;

  setup(&f, "pg_prepare");
  sql(f.url, "ALTER TABLE t RENAME TO elsewhere");
  open_conn(&f, f.via);
  cr_assert_not(turn_until(&f.loop, 500, is_set, &f.up));
  cr_assert_geq(f.proxy.accepted, 2);
  cr_assert_not(f.down, "it was never up");
  sql(f.url, "ALTER TABLE elsewhere RENAME TO t");
  wait_for(&f.loop, &f.up);
  finish(&f);
}

Test(pg, a_host_name_is_resolved)
{
  struct fixture f;
  char url[256];

  setup(&f, "pg_name");
  through(url, sizeof url, f.url, "localhost", f.proxy.port);
  open_conn(&f, url);
  wait_for(&f.loop, &f.up);
  finish(&f);
}

Test(pg, a_socket_in_the_file_system_works)
{
  const char *dir = getenv("SERVERS_DIR");
  struct outcome a = {0};
  struct fixture f;
  const char *at;
  char url[512], path[160];

  setup(&f, "pg_socket");
  snprintf(path, sizeof path, "%s/pg/.s.PGSQL.%d", dir ? dir : "", url_port(f.url));
  if (access(path, W_OK) == 0) { /* servers.sh makes none when its path is too long */
    at = strrchr(f.url, '@');
    snprintf(url, sizeof url, "%.*s%s&host=%s/pg&port=%d", (int)(at + 1 - f.url), f.url,
             strchr(at, '/'), dir, url_port(f.url));
    open_conn(&f, url);
    wait_for(&f.loop, &f.up);
    put(&f, 1, 1, &a);
    wait_for(&f.loop, &a.ended);
    cr_assert_eq(a.outcome, PG_COMMITTED);
    pg_close(f.pg, set_flag, &f.closed);
    wait_for(&f.loop, &f.closed);
  }
  proxy_stop(&f.proxy);
  loop_finish(&f.loop);
}

/* All that can be closed is closed at once, in whatever state it is. */
Test(pg, closes_in_any_state)
{
  static const char *const URLS[] = {"postgresql://nobody.invalid/x", "postgresql://127.0.0.1:1/x",
                                     "postgresql://[broken", "postgresql:///x?host=/nonexistent"};
  struct fixture f;

  setup(&f, "pg_closes");
  for (size_t i = 0; i < sizeof URLS / sizeof *URLS; i++)
    for (int ms = 0; ms <= 120; ms += 120) {
      open_conn(&f, URLS[i]);
      cr_assert_not(turn_until(&f.loop, ms, is_set, &f.up));
      f.closed = false;
      pg_close(f.pg, set_flag, &f.closed);
      wait_for(&f.loop, &f.closed);
    }
  for (int turns = 0; turns < 12; turns++) { /* in every step of connecting */
    f.up = false;
    open_conn(&f, f.via);
    for (int i = 0; i < turns; i++) uv_run(&f.loop, UV_RUN_NOWAIT);
    f.closed = false;
    pg_close(f.pg, set_flag, &f.closed);
    wait_for(&f.loop, &f.closed);
  }
  cr_assert_not(f.down);
  proxy_stop(&f.proxy);
  while (uv_run(&f.loop, UV_RUN_ONCE)) continue; /* look-ups end by themselves */
  loop_finish(&f.loop);
}

Test(pg, closing_ends_batches_in_doubt)
{
  struct outcome a = {0};
  struct fixture f;

  start(&f, "pg_close");
  put(&f, 1, 1, &a);
  pg_close(f.pg, set_flag, &f.closed);
  cr_assert_not(a.ended, "a callback ran inside the call");
  cr_assert_not(pg_up(f.pg));
  wait_for(&f.loop, &f.closed);
  cr_assert(a.ended);
  cr_assert_eq(a.outcome, PG_IN_DOUBT);
  cr_assert_not(f.down);
  proxy_stop(&f.proxy);
  loop_finish(&f.loop);
}

static void close_inside(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct outcome *o = arg;
  on_end(arg, outcome, sqlstate);
  pg_close(o->f->pg, set_flag, &o->f->closed);
}

Test(pg, a_callback_may_close)
{
  struct fixture f;
  struct outcome a = {.f = &f}, b = {0};

  start(&f, "pg_close_inside");
  cr_assert_eq(pg_run(f.pg, "count", NULL, 0, on_result, close_inside, &a), ST_OK);
  put(&f, 1, 1, &b);
  wait_for(&f.loop, &f.closed);
  cr_assert_eq(a.outcome, PG_COMMITTED);
  cr_assert(b.ended);
  proxy_stop(&f.proxy);
  loop_finish(&f.loop);
}

enum { CHAIN = 500 };

static void next_in_chain(void *arg, enum pg_outcome outcome, const char *sqlstate)
{
  struct outcome *o = arg;

  (void)sqlstate;
  cr_assert_eq(outcome, PG_COMMITTED);
  if (o->results == CHAIN)
    o->ended = true;
  else
    cr_assert_eq(pg_run(o->f->pg, "count", NULL, 0, on_result, next_in_chain, o), ST_OK);
}

Test(pg, a_callback_may_send)
{
  struct fixture f;
  struct outcome o = {.f = &f};

  start(&f, "pg_chain");
  next_in_chain(&o, PG_COMMITTED, "");
  wait_for(&f.loop, &o.ended);
  cr_assert_eq(o.results, CHAIN);
  finish(&f);
}

static void check_echo(void *arg, const PGresult *r)
{
  struct outcome *o = arg;
  o->value += PQgetlength(r, 0, 0);
}

/* Megabytes in both directions at once, more than the sockets hold, and nobody waits for ever. */
Test(pg, large_batches_flow_both_ways)
{
  enum { SIZE = 4 << 20, BATCHES = 4 };
  struct outcome o[BATCHES] = {{0}};
  char *text = malloc(SIZE);
  struct fixture f;

  memset(text, 'x', SIZE);
  setup(&f, "pg_large");
  open_conn(&f, f.url); /* straight: a proxy would hold what the sockets cannot */
  wait_for(&f.loop, &f.up);
  for (int i = 0; i < BATCHES; i++) {
    struct pg_batch *b = pg_batch_begin(f.pg);
    for (int n = 0; n < 3; n++)
      pg_batch_add(b, "echo", &(struct pg_param){text, SIZE}, 1, check_echo, &o[i]);
    pg_batch_send(b, on_end, &o[i]);
  }
  wait_for(&f.loop, &o[BATCHES - 1].ended);
  for (int i = 0; i < BATCHES; i++) {
    cr_assert_eq(o[i].outcome, PG_COMMITTED);
    cr_assert_eq(o[i].value, 3 * SIZE);
  }
  free(text);
  finish(&f);
}

Test(pg, an_idle_connection_does_not_spin)
{
  struct fixture f;
  struct outcome a = {0};
  int turns = 0;

  start(&f, "pg_spin");
  put(&f, 1, 1, &a);
  wait_for(&f.loop, &a.ended);
  turn_until(&f.loop, 300, count_turn, &turns);
  cr_assert_lt(turns, 100, "%d turns", turns); /* the test's own tick makes 60 */
  finish(&f);
}

Test(pg, batches_in_flight_are_bounded)
{
  static struct outcome o[PG_BATCHES_MAX];
  struct outcome late = {0};
  struct fixture f;

  start(&f, "pg_bound");
  for (int i = 0; i < PG_BATCHES_MAX; i++) put(&f, i, i, &o[i]);
  cr_assert_null(pg_batch_begin(f.pg));
  cr_assert_eq(pg_run(f.pg, "count", NULL, 0, on_result, on_end, &late), ST_FULL);
  wait_for(&f.loop, &o[PG_BATCHES_MAX - 1].ended);
  cr_assert_eq(count(&f), PG_BATCHES_MAX);
  cr_assert_eq(pg_run(f.pg, "count", NULL, 0, on_result, on_end, &late), ST_OK);
  wait_for(&f.loop, &late.ended);
  cr_assert_eq(late.value, PG_BATCHES_MAX);
  finish(&f);
}

/* Cut again and again at any moment: every batch ends exactly once, and what was reported
 * committed is there, what was rolled back is not. */
Test(pg, survives_being_cut_at_random)
{
  enum { BATCHES = 300 };
  static struct outcome o[BATCHES];
  struct fixture f;
  int sent = 0, committed = 0, in_doubt = 0;
  char text[96];

  start(&f, "pg_random");
  srand(42);
  while (sent < BATCHES) {
    if (pg_up(f.pg)) put(&f, sent, sent, &o[sent]), sent++;
    if (sent && rand() % 8 == 0) wait_for(&f.loop, &o[sent - 1].ended);
    if (rand() % 15 == 0) proxy_cut(&f.proxy);
    if (pg_up(f.pg))
      uv_run(&f.loop, UV_RUN_NOWAIT);
    else
      wait_for(&f.loop, (f.up = false, &f.up));
  }
  for (int i = 0; i < BATCHES; i++) {
    wait_for(&f.loop, &o[i].ended);
    committed += o[i].outcome == PG_COMMITTED;
    in_doubt += o[i].outcome == PG_IN_DOUBT;
    if (o[i].outcome == PG_IN_DOUBT) continue;
    snprintf(text, sizeof text, "SELECT count(*) FROM t WHERE id = %d", i);
    cr_assert_str_eq(sql(f.url, text), o[i].outcome == PG_COMMITTED ? "1" : "0");
  }
  cr_assert(committed > 10 && in_doubt > 10, "%d committed, %d in doubt", committed, in_doubt);
  finish(&f);
}
