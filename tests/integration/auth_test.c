/* auth_test.c - clients, logins, tickets and who is barred, against PostgreSQL; and without it. */
#include "auth/auth.h"

#include "auth/clients.h"
#include "base/clock.h"
#include "store/migrate.h"
#include "tests/integration/own_database.h"

enum { WAIT_MS = 20000 };

static uv_loop_t loop;
static char error[512];

static void on_tick(uv_timer_t *timer)
{
  (void)timer; /* only wakes the loop */
}

/* turn_until() runs the loop until ready(arg), at most for ms. */
static bool turn_until(uv_loop_t *l, int64_t ms, bool (*ready)(void *arg), void *arg)
{
  int64_t until_ms = clock_mono_ms() + ms;
  bool well;
  uv_timer_t tick;
  uv_timer_init(l, &tick);
  uv_timer_start(&tick, on_tick, 5, 5);
  while (!(well = ready(arg)) && clock_mono_ms() < until_ms) uv_run(l, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&tick, NULL);
  uv_run(l, UV_RUN_NOWAIT);
  return well;
}

static void setup(void)
{
  database_create("ox_auth");
  cr_assert_eq(migrate_run(database_url, error, sizeof error), ST_OK, "%s", error);
  uv_loop_init(&loop);
}

static void teardown(void)
{
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert_eq(uv_loop_close(&loop), 0);
  database_drop();
}

static struct auth *start(const char *url)
{
  return auth_create(&loop, &(struct auth_options){.database_url = url,
                                                   .secret = "0123456789abcdef0123456789abcdef",
                                                   .issuer = "ox",
                                                   .audience = "ox",
                                                   .ttl_s = 60});
}

static bool is_ready(void *arg)
{
  return auth_ready(arg);
}

static struct auth *start_ready(void)
{
  struct auth *a = start(database_url);
  cr_assert(turn_until(&loop, WAIT_MS, is_ready, a));
  return a;
}

static struct client_made made(const char *name, unsigned scopes)
{
  struct client_made client;
  cr_assert_eq(clients_add(database_url, name, scopes, &client, error, sizeof error), ST_OK, "%s",
               error);
  return client;
}

static void set_state(const char *client, const char *state)
{
  cr_assert_eq(clients_set(database_url, client, state, error, sizeof error), ST_OK, "%s", error);
}

/* What came of a login or a ticket. */
struct outcome {
  bool there;
  enum status status;
  struct grant grant;
  int64_t retry_ms;
  char ticket[TICKET_LEN + 1];
};

static bool is_there(void *arg)
{
  return ((struct outcome *)arg)->there;
}

static void on_login(void *arg, enum status status, const struct grant *grant, int64_t retry_ms)
{
  struct outcome *o = arg;
  cr_assert_not(o->there, "told twice");
  *o = (struct outcome){.there = true, .status = status, .retry_ms = retry_ms};
  if (grant) o->grant = *grant;
}

static struct outcome log_in(struct auth *a, const char *client, const char *secret,
                             const char *address)
{
  struct outcome o = {0};
  auth_login(a, &(struct auth_login){client, secret, address}, on_login, &o);
  cr_assert(turn_until(&loop, WAIT_MS, is_there, &o), "no answer");
  return o;
}

static void on_ticket(void *arg, enum status status, const char *ticket)
{
  struct outcome *o = arg;
  *o = (struct outcome){.there = true, .status = status};
  snprintf(o->ticket, sizeof o->ticket, "%s", ticket);
}

static void on_redeemed(void *arg, enum status status, const struct grant *grant)
{
  struct outcome *o = arg;
  *o = (struct outcome){.there = true, .status = status, .grant = *grant};
}

static struct outcome redeem(struct auth *a, const char *ticket)
{
  struct outcome o = {0};
  cr_assert_eq(auth_ticket_redeem(a, ticket, on_redeemed, &o), ST_OK);
  cr_assert(turn_until(&loop, WAIT_MS, is_there, &o));
  return o;
}

static struct outcome make_ticket(struct auth *a, const struct grant *grant)
{
  struct outcome o = {0};
  cr_assert_eq(auth_ticket_make(a, grant, on_ticket, &o), ST_OK);
  cr_assert(turn_until(&loop, WAIT_MS, is_there, &o));
  cr_assert_eq(o.status, ST_OK);
  return o;
}

TestSuite(auth, .init = setup, .fini = teardown, .timeout = 60);

Test(auth, a_client_logs_in_with_its_secret_alone)
{
  struct client_made one = made("one", SCOPE_READ), two = made("two", SCOPE_ALL);
  struct auth *a = start_ready();
  struct outcome o = log_in(a, one.id, one.secret, "1.1.1.1");
  cr_assert_eq(o.status, ST_OK);
  cr_assert_str_eq(o.grant.client, one.id);
  cr_assert_eq(o.grant.scopes, SCOPE_READ);
  cr_assert_eq(log_in(a, two.id, two.secret, "1.1.1.1").grant.scopes, SCOPE_ALL);
  cr_assert_eq(log_in(a, one.id, two.secret, "1.1.1.1").status, ST_INVALID);
  cr_assert_eq(log_in(a, "cli_nobody", one.secret, "1.1.1.1").status, ST_INVALID);
  cr_assert_eq(log_in(a, "one", one.secret, "1.1.1.1").status, ST_INVALID, "a name is no id");
  set_state("one", "disabled");
  cr_assert_eq(log_in(a, one.id, one.secret, "1.1.1.1").status, ST_INVALID);
  set_state(one.id, "active");
  cr_assert_eq(log_in(a, one.id, one.secret, "1.1.1.1").status, ST_OK);
  set_state("one", "removed");
  cr_assert_eq(log_in(a, one.id, one.secret, "1.1.1.1").status, ST_INVALID);
  cr_assert_eq(clients_set(database_url, one.id, "active", error, sizeof error), ST_NOT_FOUND);
  made("one", SCOPE_READ); /* the name is free */
  cr_assert_eq(clients_add(database_url, "one", SCOPE_READ, &one, error, sizeof error),
               ST_CONFLICT);
  auth_destroy(a, NULL, NULL);
}

Test(auth, failures_are_counted_by_client_and_address)
{
  struct client_made one = made("one", SCOPE_READ);
  struct auth *a = start_ready();
  for (int i = 0; i < 10; i++)
    cr_assert_eq(log_in(a, one.id, "wrong", "1.1.1.1").status, ST_INVALID);
  struct outcome o = log_in(a, one.id, one.secret, "1.1.1.1");
  cr_assert_eq(o.status, ST_FULL);
  cr_assert(o.retry_ms > 0 && o.retry_ms <= 60000);
  cr_assert_eq(log_in(a, one.id, one.secret, "2.2.2.2").status, ST_OK, "nobody is locked out");
  auth_destroy(a, NULL, NULL);
}

static bool are_there(void *arg)
{
  const struct outcome *all = arg;
  for (int i = 0; i < 100; i++)
    if (!all[i].there) return false;
  return true;
}

Test(auth, a_crowd_is_bounded_and_each_is_answered)
{
  static struct outcome all[100];
  struct client_made one = made("one", SCOPE_READ);
  struct auth *a = start_ready();
  int in = 0, full = 0;
  for (int i = 0; i < 100; i++)
    auth_login(a, &(struct auth_login){one.id, one.secret, "1.1.1.1"}, on_login, &all[i]);
  cr_assert(turn_until(&loop, 3 * WAIT_MS, are_there, all));
  for (int i = 0; i < 100; i++) {
    in += all[i].status == ST_OK;
    full += all[i].status == ST_FULL;
  }
  cr_assert_eq(in + full, 100);
  cr_assert_geq(in, 64);
  auth_destroy(a, NULL, NULL);
}

Test(auth, going_away_answers_who_waits)
{
  static struct outcome all[100];
  struct client_made one = made("one", SCOPE_READ);
  struct auth *a = start_ready();
  for (int i = 0; i < 100; i++)
    auth_login(a, &(struct auth_login){one.id, one.secret, "1.1.1.1"}, on_login, &all[i]);
  uv_run(&loop, UV_RUN_ONCE);
  auth_destroy(a, NULL, NULL);
  uv_run(&loop, UV_RUN_DEFAULT);
  cr_assert(are_there(all));
}

Test(auth, a_ticket_is_good_once_in_any_process)
{
  struct grant grant = {"cli_1", SCOPE_READ | SCOPE_WRITE, clock_unix_ms() + 100000};
  struct auth *a = start_ready(), *b = start_ready();
  struct outcome ticket = make_ticket(a, &grant), o[2] = {0};
  cr_assert_eq(auth_ticket_redeem(a, ticket.ticket, on_redeemed, &o[0]), ST_OK);
  cr_assert_eq(auth_ticket_redeem(b, ticket.ticket, on_redeemed, &o[1]), ST_OK);
  cr_assert(turn_until(&loop, WAIT_MS, is_there, &o[0]));
  cr_assert(turn_until(&loop, WAIT_MS, is_there, &o[1]));
  cr_assert_neq(o[0].status == ST_OK, o[1].status == ST_OK);
  const struct grant *got = o[0].status == ST_OK ? &o[0].grant : &o[1].grant;
  cr_assert_str_eq(got->client, "cli_1");
  cr_assert_eq(got->scopes, grant.scopes);
  cr_assert_eq(got->expires_at_ms, grant.expires_at_ms);
  cr_assert_eq(redeem(a, ticket.ticket).status, ST_INVALID);
  cr_assert_eq(redeem(b, "tkt_").status, ST_INVALID);
  cr_assert_eq(redeem(b, "").status, ST_INVALID);
  cr_assert_eq(number_of("SELECT count(*) FROM tickets", NULL), 0);
  auth_destroy(a, NULL, NULL);
  auth_destroy(b, NULL, NULL);
}

Test(auth, the_database_has_no_ticket_and_no_secret)
{
  struct client_made one = made("one", SCOPE_READ);
  struct auth *a = start_ready();
  struct grant grant = {"cli_1", SCOPE_READ, clock_unix_ms() + 100000};
  struct outcome ticket = make_ticket(a, &grant);
  cr_assert_eq(number_of("SELECT count(*) FROM tickets t WHERE t::text LIKE '%' || $1 || '%'",
                         ticket.ticket + 4),
               0);
  cr_assert_eq(number_of("SELECT count(*) FROM clients c WHERE c::text LIKE '%' || $1 || '%'",
                         one.secret + 4),
               0);
  auth_destroy(a, NULL, NULL);
}

struct watched {
  struct auth *auth;
  const char *token;
  enum status wanted;
};

static bool verified(void *arg)
{
  const struct watched *w = arg;
  struct grant grant;
  const char *why;
  return auth_verify(w->auth, w->token, strlen(w->token), &grant, &why) == w->wanted;
}

static void on_over(struct auth_guard *guard)
{
  guard->on_over = NULL;
}

static bool guard_over(void *arg)
{
  return ((struct auth_guard *)arg)->on_over == NULL;
}

Test(auth, who_is_disabled_is_out_with_token_and_guard)
{
  struct client_made one = made("one", SCOPE_READ);
  struct auth *a = start_ready();
  struct grant grant = {.scopes = SCOPE_READ, .expires_at_ms = GRANT_FOR_EVER};
  struct grant other = {"cli_other", SCOPE_READ, GRANT_FOR_EVER};
  struct auth_guard guard = {.grant = &grant, .on_over = on_over};
  struct auth_guard stays = {.grant = &other, .on_over = on_over};
  struct buf token;
  buf_init(&token, 4096);
  snprintf(grant.client, sizeof grant.client, "%s", one.id);
  cr_assert_eq(auth_issue(a, &grant, &token), 60);
  auth_guard_enter(a, &stays);
  auth_guard_enter(a, &guard);
  struct watched w = {a, token.data, ST_OK};
  cr_assert(verified(&w));
  set_state("one", "disabled");
  w.wanted = ST_INVALID;
  cr_assert(turn_until(&loop, WAIT_MS, verified, &w));
  cr_assert(turn_until(&loop, WAIT_MS, guard_over, &guard));
  cr_assert_not(guard_over(&stays));
  set_state("one", "active");
  w.wanted = ST_OK;
  cr_assert(turn_until(&loop, WAIT_MS, verified, &w));
  auth_guard_leave(a, &guard);
  auth_guard_leave(a, &stays);
  auth_guard_leave(a, &stays);
  auth_destroy(a, NULL, NULL);
  buf_deinit(&token);
}

Test(auth, a_guard_is_over_when_its_grant_is)
{
  struct auth *a = start_ready();
  struct grant grant = {"cli_1", SCOPE_READ, clock_unix_ms() + 500};
  struct auth_guard guard = {.grant = &grant, .on_over = on_over};
  auth_guard_enter(a, &guard);
  cr_assert(turn_until(&loop, WAIT_MS, guard_over, &guard));
  cr_assert_geq(clock_unix_ms(), grant.expires_at_ms);
  auth_destroy(a, NULL, NULL);
}

Test(auth, many_tokens_and_few_places_to_keep_them)
{
  struct auth *a = start_ready();
  for (int i = 0; i < 5000; i++) {
    struct grant grant = {.scopes = SCOPE_READ}, back;
    struct buf token;
    const char *why = "";
    buf_init(&token, 4096);
    snprintf(grant.client, sizeof grant.client, "cli_%d", i);
    auth_issue(a, &grant, &token);
    for (int twice = 0; twice < 2; twice++) {
      cr_assert_eq(auth_verify(a, token.data, token.len, &back, &why), ST_OK, "%s", why);
      cr_assert_str_eq(back.client, grant.client);
    }
    token.data[token.len - 10] ^= 1;
    cr_assert_eq(auth_verify(a, token.data, token.len, &back, &why), ST_INVALID);
    buf_deinit(&token);
  }
  auth_destroy(a, NULL, NULL);
}

Test(auth, without_postgresql_nobody_gets_in)
{
  struct auth *a = start("postgresql://127.0.0.1:1/nowhere");
  struct grant grant = {"cli_1", SCOPE_READ, GRANT_FOR_EVER};
  struct client_made client;
  struct outcome o;
  const char *why;
  cr_assert_eq(log_in(a, "cli_1", "secret", "1.1.1.1").status, ST_AWAY);
  cr_assert_eq(auth_verify(a, "a.b.c", 5, &grant, &why), ST_AWAY);
  cr_assert_eq(auth_ticket_make(a, &grant, on_ticket, &o), ST_AWAY);
  cr_assert_eq(auth_ticket_redeem(a, "tkt_", on_redeemed, &o), ST_AWAY);
  cr_assert_not(auth_ready(a));
  auth_destroy(a, NULL, NULL);
  cr_assert_eq(clients_add("postgresql://127.0.0.1:1/nowhere", "x", SCOPE_READ, &client, error,
                           sizeof error),
               ST_AWAY);
  cr_assert_neq(*error, '\0');
}
