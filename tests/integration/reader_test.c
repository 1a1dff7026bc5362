/* reader_test.c - look-ups against the daemon's own schema, their number of statements, their
 * plans. */
#include "store/reader.h"

#include "base/alloc.h"
#include "base/log.h"
#include "io/pg_start.h"
#include "order/type.h"
#include "store/migrate.h"
#include "support.h"

struct fixture {
  uv_loop_t loop;
  struct proxy proxy;
  char url[256], via[256];
  struct reader *reader;
  bool closed;
};

struct answer {
  bool done;
  enum status status;
  struct ulid id;
  char text[1024]; /* an order as JSON, or all events, one a line */
  size_t n;
  int32_t last;
  bool terminal;
  struct fixture *f;
};

static struct ulid id_of(unsigned n)
{
  struct ulid id = {
      {1, [12] = (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n}};
  return id;
}

/* The uuid of id_of(n), for SQL: the number stands in its last four bytes. */
#define UUID_OF "('01000000-0000-0000-0000-0000' || lpad(to_hex(n), 8, '0'))::uuid"

static void on_order(void *arg, enum status status, const struct order *order)
{
  struct answer *a = arg;
  struct buf b;

  cr_assert_not(a->done, "answered twice");
  a->done = true;
  a->status = status;
  cr_assert_eq(order != NULL, status == ST_OK);
  if (!order) return;
  a->id = order->id;
  buf_init(&b, 1 << 20);
  order_write(order, &b);
  snprintf(a->text, sizeof a->text, "%s", b.data);
  buf_deinit(&b);
}

static void on_events(void *arg, enum status status, const struct reader_event *events, size_t n)
{
  struct answer *a = arg;
  size_t len = 0;

  cr_assert_not(a->done, "answered twice");
  a->done = true;
  a->status = status;
  a->n = n;
  for (size_t i = 0; i < n; i++) {
    if (i) cr_assert_gt(events[i].seq, a->last);
    a->last = events[i].seq;
    a->terminal = events[i].terminal;
    if (len + events[i].json_len + 2 > sizeof a->text) continue;
    memcpy(a->text + len, events[i].json, events[i].json_len);
    len += events[i].json_len;
    a->text[len++] = '\n';
  }
}

static void on_heads(void *arg, enum status status, const struct reader_head *heads, size_t n)
{
  struct answer *a = arg;

  cr_assert_not(a->done, "answered twice");
  a->done = true;
  a->status = status;
  a->n = n;
  for (size_t i = 0; i < n; i++) a->last += heads[i].ver;
}

static bool is_up(void *arg)
{
  return reader_up(((struct fixture *)arg)->reader);
}

static void prepare_schema(struct fixture *f, const char *schema)
{
  char error[256];

  signal(SIGPIPE, SIG_IGN);
  log_set_level(LOG_LEVEL_ERROR);
  *f = (struct fixture){0};
  own_schema(f->url, sizeof f->url, schema);
  cr_assert_eq(migrate_run(f->url, error, sizeof error), ST_OK, "%s", error);
}

/* Order n is of tenant t0 or t1 with own id "own-N" (every third has none), version n % 5 + 1. */
static void make_orders(struct fixture *f, int n)
{
  char text[1024];

  snprintf(
      text, sizeof text,
      "INSERT INTO orders(order_id, tenant, client_order_id, type, status, phase, ver, payload,"
      "  result, created_at, updated_at, completed_at)"
      " SELECT " UUID_OF ", 't' || n %% 2, CASE WHEN n %% 3 > 0 THEN 'own-' || n END, 'market',"
      "  'confirmed', 2, n %% 5 + 1, '{\"amount\":1.50}', '{\"dex\":\"raydium\"}',"
      "  to_timestamp(1700000000.123), to_timestamp(1700000001), to_timestamp(1700000002)"
      " FROM generate_series(0, %d) n",
      n - 1);
  sql(f->url, text);
  snprintf(text, sizeof text,
           "INSERT INTO steps(order_id, step, seq, status, phase, attempt, at, data)"
           " SELECT " UUID_OF
           ", seq - 1, seq, CASE WHEN seq > n %% 5 THEN 'confirmed' ELSE 'routing' END,"
           "  CASE WHEN seq > n %% 5 THEN 2 ELSE 1 END, 1, to_timestamp(1700000000 + seq),"
           "  CASE WHEN seq > 1 THEN '{\"k\":1}'::json END"
           " FROM generate_series(0, %d) n, generate_series(1, n %% 5 + 1) seq",
           n - 1);
  sql(f->url, text);
}

static void start(struct fixture *f, const char *schema, int n_orders)
{
  prepare_schema(f, schema);
  make_orders(f, n_orders);
  uv_loop_init(&f->loop);
  proxy_start(&f->proxy, &f->loop, url_port(f->url));
  through(f->via, sizeof f->via, f->url, "127.0.0.1", f->proxy.port);
  f->reader = reader_create(&f->loop, f->via);
  cr_assert(turn_until(&f->loop, WAIT_MS, is_up, f));
}

static void stop(struct fixture *f)
{
  proxy_stop(&f->proxy);
  loop_finish(&f->loop);
}

static void finish(struct fixture *f)
{
  reader_destroy(f->reader, set_flag, &f->closed);
  wait_for(&f->loop, &f->closed);
  stop(f);
}

static void ask_order(struct fixture *f, const char *tenant, unsigned n, struct answer *a)
{
  struct ulid id = id_of(n);
  cr_assert_eq(reader_order(f->reader, tenant, &id, on_order, a), ST_OK);
  cr_assert_not(a->done, "answered inside the call");
}

static void ask_events(struct fixture *f, unsigned n, int32_t since, struct answer *a)
{
  struct ulid id = id_of(n);
  cr_assert_eq(reader_events(f->reader, &id, since, on_events, a), ST_OK);
}

Test(reader, finds_an_order_of_its_tenant_only)
{
  struct answer a[4] = {{0}};
  struct fixture f;

  start(&f, "reader_order", 10);
  ask_order(&f, "t1", 1, &a[0]);
  ask_order(&f, "t0", 1, &a[1]);
  ask_order(&f, "t1", 99, &a[2]);
  ask_order(&f, "t0", 6, &a[3]);
  wait_for(&f.loop, &a[3].done);
  cr_assert_eq(a[0].status, ST_OK);
  cr_assert_str_eq(a[0].text,
                   "{\"orderId\":\"ord_01000000000000000000000001\",\"clientOrderId\":\"own-1\","
                   "\"type\":\"market\",\"status\":\"confirmed\",\"phase\":\"succeeded\","
                   "\"attempt\":1,\"seq\":2,\"amount\":1.50,\"dex\":\"raydium\",\"error\":null,"
                   "\"createdAt\":\"2023-11-14T22:13:20.123Z\","
                   "\"updatedAt\":\"2023-11-14T22:13:21.000Z\","
                   "\"completedAt\":\"2023-11-14T22:13:22.000Z\"}");
  cr_assert_eq(a[1].status, ST_NOT_FOUND);
  cr_assert_eq(a[2].status, ST_NOT_FOUND);
  cr_assert_eq(a[3].status, ST_OK);
  cr_assert(strstr(a[3].text, "\"clientOrderId\":null"));
  finish(&f);
}

Test(reader, finds_an_order_by_the_callers_own_id)
{
  static const char *const ASKS[][2] = {{"t1", "own-1"}, {"t0", "own-1"}, {"t0", "own-2"},
                                        {"t1", "own-1"}, {"t0", "own-6"}, {"t0", ""}};
  static const enum status WANT[] = {ST_OK, ST_NOT_FOUND, ST_OK, ST_OK, ST_NOT_FOUND, ST_NOT_FOUND};
  enum { N = sizeof WANT / sizeof *WANT };
  struct answer a[N] = {{0}};
  struct ulid one = id_of(1), two = id_of(2);
  struct fixture f;

  start(&f, "reader_own", 10);
  for (int i = 0; i < N; i++) {
    char tenant[8], own[16]; /* borrowed for the call only */
    snprintf(tenant, sizeof tenant, "%s", ASKS[i][0]);
    snprintf(own, sizeof own, "%s", ASKS[i][1]);
    struct reader_ref ref = {.tenant = tenant, .own_id = own};
    cr_assert_eq(reader_find(f.reader, &ref, on_order, &a[i]), ST_OK);
  }
  wait_for(&f.loop, &a[N - 1].done);
  for (int i = 0; i < N; i++) cr_assert_eq(a[i].status, WANT[i], "%d", i);
  cr_assert_eq(ulid_compare(&a[0].id, &one), 0);
  cr_assert_eq(ulid_compare(&a[2].id, &two), 0);
  cr_assert_eq(ulid_compare(&a[3].id, &one), 0);
  finish(&f);
}

struct version {
  bool done, unchanged;
  enum status status;
  uint64_t version;
  char type[16];
};

static void on_version(void *arg, enum status status, const struct order *order)
{
  struct version *v = arg;
  v->done = true;
  v->status = status;
  v->unchanged = status == ST_OK && !order;
  if (!order) return;
  v->version = order->version;
  snprintf(v->type, sizeof v->type, "%s", order->type);
}

/* By id and by own id, which say the same; order 1, of t1. */
static struct version look(struct fixture *f, const char *tenant, uint64_t known)
{
  struct reader_ref ref = {.tenant = tenant, .id = id_of(1), .known = known};
  struct version by_id = {0}, by_own_id = {0};
  cr_assert_eq(reader_find(f->reader, &ref, on_version, &by_id), ST_OK);
  ref.own_id = "own-1";
  cr_assert_eq(reader_find(f->reader, &ref, on_version, &by_own_id), ST_OK);
  wait_for(&f->loop, &by_id.done);
  wait_for(&f->loop, &by_own_id.done);
  cr_assert_eq(by_id.status, by_own_id.status);
  cr_assert_eq(by_id.unchanged, by_own_id.unchanged);
  cr_assert_eq(by_id.version, by_own_id.version);
  return by_id;
}

Test(reader, an_order_that_is_as_known_is_not_read_again)
{
  static const char *const changes[] = {"attempt = attempt + 1", "due_at = now()",
                                        "payload = payload", "updated_at = updated_at"};
  char change[128];
  struct fixture f;

  start(&f, "reader_known", 3);
  struct version v = look(&f, "t1", 0);
  cr_assert_str_eq(v.type, "market");
  cr_assert(look(&f, "t1", v.version).unchanged);
  cr_assert_eq(look(&f, "t0", v.version).status, ST_NOT_FOUND, "another's, whatever it knows");
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) { /* whatever it is */
    snprintf(change, sizeof change, "UPDATE orders SET %s", changes[i]);
    sql(f.url, change);
    struct version now = look(&f, "t1", v.version);
    cr_assert(!now.unchanged && now.version != v.version, "%s", changes[i]);
    cr_assert(look(&f, "t1", now.version).unchanged);
    v = now;
  }
  sql(f.url, "BEGIN; UPDATE orders SET attempt = 9; ROLLBACK");
  cr_assert(look(&f, "t1", v.version).unchanged);
  sql(f.url, "VACUUM FREEZE orders");
  cr_assert(look(&f, "t1", v.version).unchanged);
  finish(&f);
}

Test(reader, one_turn_with_all_sorts_of_knowledge)
{
  struct version v[4] = {{0}};
  struct fixture f;

  start(&f, "reader_mixed", 3);
  uint64_t version = look(&f, "t1", 0).version;
  const uint64_t known[4] = {version, 0, version - 1, version};
  for (int i = 0; i < 4; i++) {
    struct reader_ref ref = {.tenant = "t1", .id = id_of(1), .known = known[i]};
    cr_assert_eq(reader_find(f.reader, &ref, on_version, &v[i]), ST_OK);
  }
  for (int i = 0; i < 4; i++) {
    wait_for(&f.loop, &v[i].done);
    cr_assert_eq(v[i].unchanged, known[i] == version, "%d", i);
    if (!v[i].unchanged) cr_assert_eq(v[i].version, version);
  }
  finish(&f);
}

static bool is_down(void *arg)
{
  return !is_up(arg);
}

Test(reader, what_was_known_of_another_connection_is_read_again)
{
  struct fixture f;

  start(&f, "reader_reconnect", 3);
  struct version v = look(&f, "t1", 0);
  proxy_cut(&f.proxy);
  cr_assert(turn_until(&f.loop, WAIT_MS, is_down, &f));
  cr_assert(turn_until(&f.loop, WAIT_MS, is_up, &f));
  struct version now = look(&f, "t1", v.version);
  cr_assert(!now.unchanged && now.version != v.version);
  cr_assert_eq((uint32_t)now.version, (uint32_t)v.version);
  finish(&f);
}

Test(reader, a_turn_is_one_statement_for_everybody)
{
  enum { N = 200 };
  static struct answer a[N];
  struct fixture f;

  start(&f, "reader_turn", 20);
  f.proxy.reads_up = 0;
  for (int i = 0; i < N; i++) ask_order(&f, i % 2 ? "t1" : "t0", (unsigned)i % 40, &a[i]);
  for (int i = 0; i < N; i++) wait_for(&f.loop, &a[i].done);
  cr_assert_eq(f.proxy.reads_up, 1);
  for (int i = 0; i < N; i++)
    cr_assert_eq(a[i].status, i % 40 < 20 ? ST_OK : ST_NOT_FOUND, "%d", i);
  finish(&f);
}

Test(reader, more_than_a_flight_takes_is_answered_too)
{
  enum { N = 3000 };
  static struct answer a[N];
  struct fixture f;

  start(&f, "reader_many", 50);
  for (int i = 0; i < N; i++) {
    if (i % 2)
      ask_events(&f, (unsigned)i % 50, 0, &a[i]);
    else
      ask_order(&f, "t0", (unsigned)i % 50, &a[i]);
  }
  for (int i = 0; i < N; i++) {
    wait_for(&f.loop, &a[i].done);
    cr_assert_eq(a[i].status, ST_OK);
    if (i % 2) cr_assert_eq(a[i].n, (size_t)(i % 50) % 5 + 1);
  }
  finish(&f);
}

Test(reader, reads_events_after_a_seq)
{
  struct answer a[6] = {{0}};
  struct fixture f;

  start(&f, "reader_events", 10);
  ask_events(&f, 4, 0, &a[0]);
  ask_events(&f, 4, 3, &a[1]);
  ask_events(&f, 4, 5, &a[2]);
  ask_events(&f, 1, 0, &a[3]);
  ask_events(&f, 77, 0, &a[4]);
  ask_events(&f, 4, 4, &a[5]);
  wait_for(&f.loop, &a[5].done);
  cr_assert_eq(a[0].n, 5);
  cr_assert_eq(a[0].last, 5);
  cr_assert(a[0].terminal);
  cr_assert_eq(a[1].n, 2);
  cr_assert_eq(a[2].n, 0);
  cr_assert_eq(a[2].status, ST_OK);
  cr_assert_eq(a[4].n, 0);
  cr_assert_str_eq(a[5].text, "{\"orderId\":\"ord_01000000000000000000000004\",\"seq\":5,"
                              "\"status\":\"confirmed\",\"phase\":\"succeeded\",\"attempt\":1,"
                              "\"timestamp\":\"2023-11-14T22:13:25.000Z\",\"data\":{\"k\":1}}\n");
  cr_assert(strstr(a[3].text, "\"seq\":1,\"status\":\"routing\",\"phase\":\"active\""));
  cr_assert(strstr(a[3].text, "\"data\":{}}\n"));
  finish(&f);
}

/* Whatever somebody has seen of a step's events, the rest is what follows. */
Test(reader, reads_on_in_the_middle_of_a_step)
{
  struct answer a[4] = {{0}};
  struct fixture f;

  start(&f, "reader_step", 1);
  sql(f.url,
      "DELETE FROM steps;"
      " INSERT INTO steps(order_id, step, seq, status, phase, attempt, at, data, before)"
      " VALUES ('01000000-0000-0000-0000-000000000000', 0, 1, 'pending', 0, 1, 'epoch', NULL,"
      " NULL), ('01000000-0000-0000-0000-000000000000', 3, 4, 'confirmed', 2, 2, 'epoch',"
      " '{\"c\": 3}', '[{\"status\":\"routing\",\"phase\":1},"
      "{\"status\":\"building\",\"phase\":1,\"data\":{ \"b\":1.50,\"s\":\"]},{\"}}]'),"
      " ('01000000-0000-0000-0000-000000000000', 4, 4, NULL, NULL, 2, 'epoch', NULL, NULL)");
  for (int since = 0; since < 4; since++) ask_events(&f, 0, since, &a[since]);
  wait_for(&f.loop, &a[3].done);
  for (int since = 0; since < 4; since++) {
    cr_assert_eq(a[since].n, (size_t)(4 - since));
    cr_assert_eq(a[since].last, 4);
  }
  static const char *const lines[] = {
      "\"seq\":2,\"status\":\"routing\",\"phase\":\"active\",\"attempt\":2,",
      "\"seq\":3,\"status\":\"building\",\"phase\":\"active\",\"attempt\":2,",
      "\"data\":{ \"b\":1.50,\"s\":\"]},{\"}}\n",
      "\"seq\":4,\"status\":\"confirmed\",\"phase\":\"succeeded\",\"attempt\":2,"};
  const char *at = a[0].text;
  for (size_t i = 0; i < 4; i++) {
    at = strstr(at, lines[i]);
    cr_assert(at, "%s in %s", lines[i], a[0].text);
  }
  cr_assert(strstr(a[2].text, lines[3]) && !strstr(a[3].text, lines[1]));
  finish(&f);
}

Test(reader, the_last_event_may_not_be_terminal)
{
  struct answer a = {0};
  struct fixture f;

  start(&f, "reader_open", 5);
  sql(f.url, "DELETE FROM steps WHERE seq = 5");
  ask_events(&f, 4, 0, &a);
  wait_for(&f.loop, &a.done);
  cr_assert_eq(a.last, 4);
  cr_assert_not(a.terminal);
  finish(&f);
}

Test(reader, reads_a_long_history_in_parts)
{
  struct answer a = {0}, b = {0};
  struct fixture f;

  start(&f, "reader_long", 1);
  sql(f.url, "INSERT INTO steps(order_id, step, seq, status, phase, attempt, at)"
             " SELECT '01000000-0000-0000-0000-000000000000', g - 1, g, 's', 1, 1, now()"
             " FROM generate_series(2, 12000) g");
  ask_events(&f, 0, 0, &a);
  wait_for(&f.loop, &a.done);
  cr_assert_eq(a.n, 10000);
  ask_events(&f, 0, a.last, &b);
  wait_for(&f.loop, &b.done);
  cr_assert_eq(b.n, 2000);
  cr_assert_eq(b.last, 12000);
  finish(&f);
}

Test(reader, reads_heads)
{
  enum { N = 1000 };
  static struct ulid ids[N];
  struct answer a = {0}, b = {0};
  struct fixture f;

  start(&f, "reader_heads", 10);
  for (unsigned i = 0; i < N; i++) ids[i] = id_of(i);
  cr_assert_eq(reader_heads(f.reader, ids, N, on_heads, &a), ST_OK);
  cr_assert_eq(reader_heads(f.reader, ids, 0, on_heads, &b), ST_OK);
  memset(ids, 0, sizeof ids); /* they were copied */
  wait_for(&f.loop, &a.done);
  wait_for(&f.loop, &b.done);
  cr_assert_eq(a.n, 10);
  cr_assert_eq(a.last, 2 * (1 + 2 + 3 + 4 + 5));
  cr_assert_eq(b.n, 0);
  cr_assert_eq(b.status, ST_OK);
  finish(&f);
}

Test(reader, outstanding_asks_are_bounded)
{
  enum { N = 4096 };
  static struct answer a[N];
  struct answer late = {0};
  struct ulid id = id_of(0);
  struct fixture f;

  start(&f, "reader_bound", 1);
  for (int i = 0; i < N; i++) ask_order(&f, "t0", 0, &a[i]);
  cr_assert_eq(reader_order(f.reader, "t0", &id, on_order, &late), ST_FULL);
  cr_assert_eq(reader_heads(f.reader, &id, 1, on_heads, &late), ST_FULL);
  for (int i = 0; i < N; i++) wait_for(&f.loop, &a[i].done);
  ask_order(&f, "t0", 0, &late);
  wait_for(&f.loop, &late.done);
  finish(&f);
}

/* Some are under way, some still wait for their turn: all hear of it, once. */
Test(reader, a_broken_connection_answers_everybody)
{
  enum { N = 1500 };
  static struct answer a[N];
  struct answer late = {0};
  struct ulid id = id_of(0);
  struct fixture f;

  start(&f, "reader_cut", 1);
  proxy_hold(&f.proxy, true);
  for (int i = 0; i < N; i++) ask_order(&f, "t0", 0, &a[i]);
  turn_until(&f.loop, 50, never, NULL);
  proxy_cut(&f.proxy);
  proxy_refuse(&f.proxy);
  for (int i = 0; i < N; i++) {
    wait_for(&f.loop, &a[i].done);
    cr_assert_eq(a[i].status, ST_AWAY);
  }
  cr_assert_not(reader_up(f.reader));
  cr_assert_eq(reader_order(f.reader, "t0", &id, on_order, &late), ST_AWAY);
  cr_assert_eq(reader_heads(f.reader, &id, 1, on_heads, &late), ST_AWAY);
  proxy_hold(&f.proxy, false);
  proxy_listen(&f.proxy);
  cr_assert(turn_until(&f.loop, WAIT_MS, is_up, &f));
  ask_order(&f, "t0", 0, &late);
  wait_for(&f.loop, &late.done);
  cr_assert_eq(late.status, ST_OK);
  finish(&f);
}

Test(reader, destroying_answers_everybody)
{
  enum { N = 1500 };
  static struct answer a[N];
  struct answer late = {0};
  struct ulid id = id_of(0);
  struct fixture f;

  start(&f, "reader_destroy", 1);
  for (int i = 0; i < N / 2; i++) ask_order(&f, "t0", 0, &a[i]);
  uv_run(&f.loop, UV_RUN_NOWAIT);
  for (int i = N / 2; i < N; i++) ask_order(&f, "t0", 0, &a[i]);
  reader_destroy(f.reader, set_flag, &f.closed);
  cr_assert_not(a[N - 1].done, "answered inside the call");
  cr_assert_eq(reader_order(f.reader, "t0", &id, on_order, &late), ST_AWAY);
  wait_for(&f.loop, &f.closed);
  for (int i = 0; i < N; i++) cr_assert(a[i].done, "%d", i);
  reader_destroy(NULL, NULL, NULL);
  stop(&f);
}

static void destroy_inside(void *arg, enum status status, const struct order *order)
{
  struct answer *a = arg;

  on_order(arg, status, order);
  reader_destroy(a->f->reader, set_flag, &a->f->closed);
}

Test(reader, a_callback_may_destroy)
{
  struct fixture f;
  struct answer a = {.f = &f}, b = {0};
  struct ulid id = id_of(0);

  start(&f, "reader_inside", 1);
  cr_assert_eq(reader_order(f.reader, "t0", &id, destroy_inside, &a), ST_OK);
  ask_order(&f, "t0", 0, &b);
  wait_for(&f.loop, &f.closed);
  cr_assert(a.done && b.done);
  stop(&f);
}

static void ask_again(void *arg, enum status status, const struct order *order)
{
  struct answer *a = arg;
  struct ulid id = id_of(0);

  (void)order;
  cr_assert_eq(status, ST_OK);
  a->done = ++a->n == 200;
  if (!a->done) cr_assert_eq(reader_order(a->f->reader, "t0", &id, ask_again, a), ST_OK);
}

Test(reader, a_callback_may_ask)
{
  struct fixture f;
  struct answer a = {.f = &f};
  struct ulid id = id_of(0);

  start(&f, "reader_again", 1);
  cr_assert_eq(reader_order(f.reader, "t0", &id, ask_again, &a), ST_OK);
  wait_for(&f.loop, &a.done);
  finish(&f);
}

/* ── plans ──────────────────────────────────────────────────────────────────────────────────── */

/* Arguments for the second parameter and those behind it. */
static const char *nulls(const struct pg_statement *s)
{
  static const char four[] = ", NULL, NULL, NULL, NULL";
  size_t n = 0;
  for (char name[] = "$2"; n < 4 && strstr(s->sql, name); name[1]++) n++;
  return four + (4 - n) * strlen(", NULL");
}

/* explain() writes the plan a prepared statement settles on when it is used for long. */
static void explain(PGconn *pg, const struct pg_statement *s, char *out, size_t len)
{
  char text[4096];
  PGresult *r;

  snprintf(text, sizeof text, "PREPARE p_%s AS %s", s->name, s->sql);
  r = PQexec(pg, text);
  cr_assert_eq(PQresultStatus(r), PGRES_COMMAND_OK, "%s", PQerrorMessage(pg));
  PQclear(r);
  snprintf(text, sizeof text, "EXPLAIN (COSTS off) EXECUTE p_%s(NULL%s)", s->name, nulls(s));
  r = PQexec(pg, text);
  cr_assert_eq(PQresultStatus(r), PGRES_TUPLES_OK, "%s", PQerrorMessage(pg));
  *out = '\0';
  for (int i = 0; i < PQntuples(r); i++)
    snprintf(out + strlen(out), len - strlen(out), "%s\n", PQgetvalue(r, i, 0));
  PQclear(r);
}

/* A connection with the settings all of ours have. */
static PGconn *open_like_ox(const char *url)
{
  PGconn *pg = pg_start(url, "plans", WAIT_MS, NULL);
  PostgresPollingStatusType step;

  while ((step = PQconnectPoll(pg)) != PGRES_POLLING_OK)
    cr_assert_neq(step, PGRES_POLLING_FAILED, "%s", PQerrorMessage(pg));
  return pg;
}

static void check_plans(const char *url)
{
  PGconn *pg = open_like_ox(url);
  char plan[4096];

  PQclear(PQexec(pg, "SET plan_cache_mode = force_generic_plan"));
  for (size_t i = 0; i < n_reader_statements; i++) {
    explain(pg, &reader_statements[i], plan, sizeof plan);
    cr_assert(strstr(plan, "Index Cond") || strstr(plan, "Index Only Scan"), "%s: %s",
              reader_statements[i].name, plan);
    cr_assert_null(strstr(plan, "Seq Scan"), "%s: %s", reader_statements[i].name, plan);
    cr_assert_null(strstr(plan, "Hash Join"), "%s: %s", reader_statements[i].name, plan);
    cr_assert_null(strstr(plan, "Merge Join"), "%s: %s", reader_statements[i].name, plan);
    /* A row of the table for each would be a read from the disk. */
    bool counts = strcmp(reader_statements[i].name, "dead_letters_count") == 0;
    cr_assert(!counts || strstr(plan, "Index Only Scan using steps_dead"), "%s", plan);
  }
  PQfinish(pg);
}

Test(reader, plans_are_index_scans)
{
  struct fixture f;

  prepare_schema(&f, "reader_plans");
  check_plans(f.url); /* as on the first day */
  sql(f.url, "ANALYZE orders, steps");
  check_plans(f.url); /* known to be empty: a prepared statement keeps this plan for long */
  make_orders(&f, 100000);
  check_plans(f.url);
  sql(f.url, "ANALYZE orders, steps");
  check_plans(f.url);
  sql(f.url, "SET client_min_messages = error; DROP SCHEMA test_reader_plans CASCADE");
}
