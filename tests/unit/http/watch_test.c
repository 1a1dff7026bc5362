/* watch_test.c - one order on a socket: before the upgrade, every event, every way to end. */
#include "tests/unit/http/fakes.h"

#define ID   "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3"
#define PATH "/api/orders/execute?orderId=" ID

static struct order order_at(int32_t ver, enum ox_phase phase)
{
  struct order o = {.phase = phase, .ver = ver};
  ulid_parse_order(ID, strlen(ID), &o.id);
  return o;
}

static struct http_reply *upgrade(const char *target, const char *origin)
{
  return ask(&(struct ask){.method = "GET",
                           .target = target,
                           .headers = {"Host: ox.example:3000", origin},
                           .upgrade = true});
}

/* A socket on an order whose newest event is ver. */
static struct ws_session *follow(const char *target, int32_t ver, enum ox_phase phase,
                                 struct http_reply **reply)
{
  struct order o = order_at(ver, phase);
  *reply = upgrade(target, NULL);
  cr_assert_eq((*reply)->answered, 0);
  reader_answers(ST_OK, &o);
  return session_open(*reply);
}

/* ── before the upgrade ─────────────────────────────────────────────────────────────────────── */

CHECKED(watch, without_upgrade_it_is_426_whatever_the_id)
{
  static const char *const targets[] = {"/api/orders/execute", PATH,
                                        "/api/orders/execute?orderId=%%%",
                                        "/api/orders/execute?orderId=unknown&since=x"};
  for (size_t i = 0; i < 4; i++) {
    struct http_reply *r = get(targets[i]);
    cr_assert_str_eq(header_of(r, "Upgrade"), "websocket");
    expect_problem(r, 426, "UPGRADE_REQUIRED");
  }
}

CHECKED(watch, an_unknown_order_is_404_before_the_upgrade)
{
  struct http_reply *r = upgrade(PATH, NULL);
  cr_assert_str_eq(lookups[0].tenant, "default");
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(watch, bad_parameters)
{
  expect_problem(upgrade("/api/orders/execute?orderId=", NULL), 400, "INVALID_ORDER_ID");
  expect_problem(upgrade("/api/orders/execute?orderId=ord_1", NULL), 400, "INVALID_ORDER_ID");
  expect_problem(upgrade(PATH "&since=", NULL), 400, "INVALID_QUERY");
  expect_problem(upgrade(PATH "&since=-1", NULL), 400, "INVALID_QUERY");
  expect_problem(upgrade(PATH "&since=1x", NULL), 400, "INVALID_QUERY");
  expect_problem(upgrade(PATH "&since=2147483648", NULL), 400, "INVALID_QUERY");
  expect_problem(upgrade(PATH "&since=00000000000000000000000000000001", NULL), 400,
                 "INVALID_QUERY");
}

CHECKED(watch, the_store_away)
{
  reader_status = ST_AWAY;
  expect_problem(upgrade(PATH, NULL), 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
  struct http_reply *r = upgrade(PATH, NULL);
  reader_answers(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}

CHECKED(watch, a_process_that_stops_takes_no_new_sockets)
{
  api.draining = true;
  expect_problem(upgrade(PATH, NULL), 503, "DRAINING");
}

CHECKED(watch, origins)
{
  api_close(&api);
  api_deinit(&api);
  config.cors_origins = (char[]){"https://app.example"};
  api_init(&api);
  static const char *const bad[] = {"Origin: https://evil.example", "Origin: null",
                                    "Origin: http://ox.example:3001",
                                    "Origin: ", "Origin: http://ox.example:3000.evil"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    expect_problem(upgrade(PATH, bad[i]), 403, "ORIGIN_NOT_ALLOWED");
  expect_problem(upgrade("/api/orders/execute", bad[0]), 403, "ORIGIN_NOT_ALLOWED");
  static const char *const good[] = {"Origin: https://app.example",
                                     "Origin: http://ox.example:3000",
                                     "Origin: https://ox.example:3000"};
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    struct http_reply *r = upgrade(PATH, good[i]);
    reader_answers(ST_NOT_FOUND, NULL);
    expect_problem(r, 404, "ORDER_NOT_FOUND");
  }
}

/* ── following ──────────────────────────────────────────────────────────────────────────────── */

CHECKED(watch, events_to_the_end_then_1000)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH, 1, OX_QUEUED, &r);
  cr_assert_eq(watches[0].since, 0);
  for (int32_t seq = 1; seq <= 4; seq++) hub_shows(0, seq, false);
  cr_assert_eq(s->code, 0);
  hub_shows(0, 5, true);
  cr_assert_eq(s->n_sent, 5);
  cr_assert_str_eq(s->sent[4]->text, "{\"seq\":5}");
  cr_assert_eq(s->code, 1000);
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, since_is_what_the_client_has)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH "&since=3", 4, OX_ACTIVE, &r);
  cr_assert_eq(watches[0].since, 3);
  hub_shows(0, 4, false);
  cr_assert_eq(s->n_sent, 1);
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, ended_and_nothing_new_is_closed_at_once)
{
  static const char *const targets[] = {PATH "&since=5", PATH "&since=6"};
  for (size_t i = 0; i < 2; i++) {
    struct http_reply *r;
    struct ws_session *s = follow(targets[i], 5, OX_SUCCEEDED, &r);
    cr_assert_eq(s->code, 1000);
    cr_assert_eq(s->n_sent, 0);
    cr_assert_eq(n_watches, 0);
    session_gone(r, s);
    reply_free(r);
  }
}

CHECKED(watch, ended_with_something_new_is_replayed)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH "&since=4", 5, OX_FAILED, &r);
  hub_shows(0, 5, true);
  cr_assert_eq(s->n_sent, 1);
  cr_assert_eq(s->code, 1000);
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, a_claim_to_have_more_than_there_is_waits_for_what_comes_after_it)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH "&since=4", 2, OX_ACTIVE, &r);
  cr_assert_eq(watches[0].since, 2);
  hub_shows(0, 3, false);
  hub_shows(0, 4, false);
  cr_assert_eq(s->n_sent, 0);
  hub_shows(0, 5, true);
  cr_assert_eq(s->n_sent, 1);
  cr_assert_eq(s->code, 1000);
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, a_claim_beyond_the_end_is_closed_when_it_ends)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH "&since=99", 2, OX_ACTIVE, &r);
  hub_shows(0, 3, true);
  cr_assert_eq(s->n_sent, 0);
  cr_assert_eq(s->code, 1000);
  session_gone(r, s);
  reply_free(r);
}

/* ── other ends ─────────────────────────────────────────────────────────────────────────────── */

CHECKED(watch, a_slow_reader_gets_4008_with_its_last_seq)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH, 1, OX_QUEUED, &r);
  s->room = 2;
  for (int32_t seq = 1; seq <= 3; seq++) hub_shows(0, seq, false);
  cr_assert_eq(s->code, 4008);
  cr_assert_str_eq(s->reason, "2");
  cr_assert(watches[0].over);
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, too_slow_for_the_last_event_is_4008_not_1000)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH "&since=7", 7, OX_ACTIVE, &r);
  s->room = 0;
  hub_shows(0, 8, true);
  cr_assert_eq(s->code, 4008);
  cr_assert_str_eq(s->reason, "7");
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, a_lost_watch_says_how_far_it_came)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH, 1, OX_QUEUED, &r);
  hub_shows(0, 1, false);
  hub_loses(0, 1);
  cr_assert_eq(s->code, 1013);
  cr_assert_str_eq(s->reason, "1");
  session_gone(r, s);
  reply_free(r);
}

CHECKED(watch, the_client_leaves)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH, 1, OX_QUEUED, &r);
  hub_shows(0, 1, false);
  session_gone(r, s);
  cr_assert(watches[0].over);
  reply_free(r);
}

CHECKED(watch, a_socket_that_never_opens)
{
  struct order o = order_at(1, OX_QUEUED);
  struct http_reply *r = upgrade(PATH, NULL);
  reader_answers(ST_OK, &o);
  session_gone(r, NULL);
  cr_assert_eq(n_watches, 0);
  reply_free(r);
}

CHECKED(watch, what_the_client_says_is_answered_with_an_error)
{
  struct http_reply *r;
  struct ws_session *s = follow(PATH, 1, OX_QUEUED, &r);
  session_says(r, s, "{\"action\":\"execute\"}");
  json_t *m = parse(s->sent[0]->text);
  cr_assert_str_eq(str_of(m, "type"), "error");
  cr_assert(json_is_null(json_object_get(m, "requestId")));
  cr_assert_str_eq(str_of(json_object_get(m, "error"), "code"), "NOTHING_TO_SAY");
  json_decref(m);
  cr_assert_eq(s->code, 0);
  s->room = 0;
  session_says(r, s, "again");
  cr_assert_eq(s->code, 4008);
  session_says(r, s, "and again");
  session_gone(r, s);
  reply_free(r);
}
