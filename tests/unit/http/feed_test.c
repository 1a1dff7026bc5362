/* feed_test.c - a socket for many orders. */
#define FAKES_OWN_SETUP
#include "tests/unit/http/fakes.h"

static struct http_reply *reply;
static struct ws_session *socket_;

static void setup(void)
{
  fakes_setup();
  reply = ask(&(struct ask){.method = "GET", .target = "/api/orders/execute", .upgrade = true});
  socket_ = session_open(reply);
}

static void leave(void)
{
  if (!socket_) return;
  session_gone(reply, socket_);
  socket_ = NULL;
}

static void teardown(void)
{
  leave();
  reply_free(reply);
  fakes_teardown();
}

#define EXECUTE "{\"action\":\"execute\",\"requestId\":\"r\",\"order\":{\"amount\":1.50}}"

static struct ulid id_of(int n)
{
  struct ulid id = {.bytes = {1}};
  id.bytes[14] = (uint8_t)(n >> 8);
  id.bytes[15] = (uint8_t)n;
  return id;
}

static const char *name_of(int n)
{
  static char text[ULID_ORDER_LEN + 1];
  struct ulid id = id_of(n);
  ulid_format_order(&id, text);
  return text;
}

static void say(const char *text)
{
  session_says(reply, socket_, text);
}

static void subscribe_as(const char *name, int since)
{
  char text[256];
  snprintf(text, sizeof text,
           "{\"action\":\"subscribe\",\"requestId\":\"s\",\"orderId\":\"%s\",\"since\":%d}", name,
           since);
  say(text);
}

static void unsubscribe(const char *name)
{
  char text[256];
  snprintf(text, sizeof text, "{\"action\":\"unsubscribe\",\"requestId\":\"u\",\"orderId\":\"%s\"}",
           name);
  say(text);
}

static void order_found(int n, int32_t ver, enum ox_phase phase)
{
  static char status[] = "routing";
  struct order o = {.id = id_of(n), .ver = ver, .phase = phase, .status = status};
  reader_answers(ST_OK, &o);
}

static void journal_accepts(enum status status, int n)
{
  const struct journal_accepted accepted = {id_of(n), 1769855400123, "pending"};
  journal_answers(status, &accepted);
}

static const char *last_sent(void)
{
  cr_assert_gt(socket_->n_sent, 0, "nothing was sent");
  return socket_->sent[socket_->n_sent - 1]->text;
}

/* The newest message is {"type":type,"requestId":request_id,…}. */
static void expect_type(const char *type, const char *request_id)
{
  json_t *m = parse(last_sent());
  cr_assert_str_eq(str_of(m, "type"), type, "%s", last_sent());
  if (request_id)
    cr_assert_str_eq(str_of(m, "requestId"), request_id);
  else
    cr_assert(json_is_null(json_object_get(m, "requestId")));
  json_decref(m);
}

static void expect_error(const char *code, const char *request_id)
{
  expect_type("error", request_id);
  json_t *m = parse(last_sent());
  cr_assert_str_eq(str_of(json_object_get(m, "error"), "code"), code, "%s", last_sent());
  json_decref(m);
  cr_assert_eq(socket_->code, 0, "the socket stays open");
}

/* ── execute ────────────────────────────────────────────────────────────────────────────────── */

CHECKED(feed, execute_is_answered_then_followed)
{
  say(EXECUTE);
  cr_assert_eq(socket_->n_sent, 0);
  cr_assert_str_eq(accepts[0].payload, "{\"amount\":1.50}");
  cr_assert_str_eq(accepts[0].tenant, "default");
  journal_accepts(ST_OK, 1);
  char expected[256];
  snprintf(expected, sizeof expected,
           "{\"type\":\"accepted\",\"requestId\":\"r\",\"orderId\":\"%s\",\"status\":\"pending\","
           "\"timestamp\":\"2026-01-31T10:30:00.123Z\"}",
           name_of(1));
  cr_assert_str_eq(last_sent(), expected);
  cr_assert_eq(n_watches, 1);
  cr_assert_eq(watches[0].since, 0);
  hub_shows(0, 1, false);
  hub_shows(0, 2, true);
  cr_assert_eq(socket_->n_sent, 3);
  cr_assert_eq(socket_->code, 0, "it is for many orders");
}

CHECKED(feed, execute_with_the_same_own_id_and_body_is_a_replay)
{
  say("{\"action\":\"execute\",\"order\":{\"amount\":1,\"clientOrderId\":\"c\"}}");
  cr_assert(accepts[0].hashed);
  journal_accepts(ST_OK, 1);
  say("{\"action\":\"execute\",\"order\":{\"amount\":1,\"clientOrderId\":\"c\"}}");
  journal_accepts(ST_REPLAYED, 1);
  json_t *m = parse(last_sent());
  cr_assert(json_is_true(json_object_get(m, "replayed")));
  json_decref(m);
  cr_assert_eq(n_watches, 1, "it is followed already");
}

CHECKED(feed, execute_of_what_is_no_longer_valid_is_looked_up)
{
  static char status[] = "pending";
  struct order order = {.id = id_of(1), .status = status, .created_at_ms = 1769855400123};
  struct replay found = {.id = order.id, .order = &order};
  const char *text = "{\"action\":\"execute\",\"requestId\":\"r\","
                     "\"order\":{\"amount\":\"x\",\"clientOrderId\":\"c\"}}";
  say(text);
  cr_assert_str_eq(replay_own_id, "c");
  cr_assert_str_eq(replay_key, "");
  replay_answers(ST_OK, &found);
  expect_type("accepted", "r");
  cr_assert_not_null(strstr(last_sent(), "\"replayed\":true"));
  cr_assert_eq(n_watches, 1);
  say(text);
  replay_answers(ST_NOT_FOUND, NULL);
  expect_error("AMOUNT_NOT_A_NUMBER", "r");
  say(text);
  replay_answers(ST_CONFLICT, NULL);
  expect_error("IDEMPOTENCY_MISMATCH", "r");
  reader_status = ST_AWAY;
  say(text);
  expect_error("STORE_UNAVAILABLE", "r");
}

CHECKED(feed, execute_in_a_group)
{
  say("{\"action\":\"execute\",\"order\":{\"amount\":1,\"groupId\":\"g\"}}");
  cr_assert_str_eq(accepts[0].group, "g");
  journal_answers(ST_AWAY, NULL);
}

CHECKED(feed, execute_refused)
{
  say("{\"action\":\"execute\",\"requestId\":\"r\",\"order\":{\"amount\":\"1\",\"x\":1}}");
  expect_error("VALIDATION_FAILED", "r");
  say("{\"action\":\"execute\",\"order\":[]}");
  expect_error("INVALID_JSON", NULL);
  journal_status = ST_FULL;
  say(EXECUTE);
  expect_error("OVERLOADED", "r");
  journal_status = ST_OK;
  say(EXECUTE);
  journal_accepts(ST_AWAY, 1);
  expect_error("STORE_UNAVAILABLE", "r");
  say(EXECUTE);
  journal_accepts(ST_CONFLICT, 1);
  expect_error("IDEMPOTENCY_MISMATCH", "r");
  cr_assert_eq(n_watches, 0);
}

/* ── subscribe ──────────────────────────────────────────────────────────────────────────────── */

CHECKED(feed, subscribe_from_a_seq)
{
  subscribe_as(name_of(1), 2);
  cr_assert_str_eq(lookups[0].tenant, "default");
  order_found(1, 3, OX_ACTIVE);
  char expected[256];
  snprintf(expected, sizeof expected,
           "{\"type\":\"subscribed\",\"requestId\":\"s\",\"orderId\":\"%s\",\"status\":\"routing\","
           "\"phase\":\"active\",\"seq\":3}",
           name_of(1));
  cr_assert_str_eq(last_sent(), expected);
  cr_assert_eq(watches[0].since, 2);
  hub_shows(0, 3, false);
  hub_shows(0, 4, true);
  cr_assert_eq(socket_->n_sent, 3);
}

CHECKED(feed, subscribe_beyond_the_newest)
{
  subscribe_as(name_of(1), 9);
  order_found(1, 3, OX_ACTIVE);
  cr_assert_eq(watches[0].since, 3);
  hub_shows(0, 4, false);
  cr_assert_eq(socket_->n_sent, 1);
  hub_shows(0, 5, true);
  cr_assert_eq(socket_->n_sent, 1);
}

CHECKED(feed, subscribe_to_what_has_ended)
{
  subscribe_as(name_of(1), 5);
  order_found(1, 5, OX_SUCCEEDED);
  expect_type("subscribed", "s");
  cr_assert_eq(n_watches, 0, "nothing will come");
  unsubscribe(name_of(1));
  expect_error("NOT_SUBSCRIBED", "u");
  subscribe_as(name_of(1), 4);
  order_found(1, 5, OX_SUCCEEDED);
  hub_shows(0, 5, true);
  cr_assert_str_eq(last_sent(), "{\"seq\":5}");
}

CHECKED(feed, subscribe_refused)
{
  subscribe_as("ord_1", 0);
  expect_error("INVALID_ORDER_ID", "s");
  subscribe_as(name_of(1), 0);
  reader_answers(ST_NOT_FOUND, NULL);
  expect_error("ORDER_NOT_FOUND", "s");
  reader_status = ST_AWAY;
  subscribe_as(name_of(1), 0);
  expect_error("STORE_UNAVAILABLE", "s");
  reader_status = ST_OK;
  subscribe_as(name_of(1), 0);
  reader_answers(ST_AWAY, NULL);
  expect_error("STORE_UNAVAILABLE", "s");
}

CHECKED(feed, subscribing_twice)
{
  subscribe_as(name_of(1), 0);
  subscribe_as("own", 0); /* the same order by its other name, both under way */
  order_found(1, 1, OX_QUEUED);
  order_found(1, 1, OX_QUEUED);
  expect_error("ALREADY_SUBSCRIBED", "s");
  subscribe_as(name_of(1), 0);
  expect_error("ALREADY_SUBSCRIBED", "s");
  cr_assert_eq(n_watches, 1);
}

CHECKED(feed, unsubscribe)
{
  subscribe_as(name_of(1), 0);
  order_found(1, 1, OX_QUEUED);
  unsubscribe(name_of(1));
  expect_type("unsubscribed", "u");
  cr_assert_not_null(strstr(last_sent(), name_of(1)));
  cr_assert(watches[0].over);
  unsubscribe(name_of(1));
  expect_error("NOT_SUBSCRIBED", "u");
  subscribe_as(name_of(1), 1);
  order_found(1, 1, OX_QUEUED);
  cr_assert_eq(n_watches, 2, "and back again");
}

CHECKED(feed, unsubscribe_by_the_name_it_was_subscribed_by)
{
  subscribe_as("own", 0);
  cr_assert_str_eq(lookups[0].own_id, "own");
  order_found(1, 1, OX_QUEUED);
  unsubscribe("other");
  expect_error("NOT_SUBSCRIBED", "u");
  unsubscribe("own");
  expect_type("unsubscribed", "u");
  cr_assert(watches[0].over);
}

CHECKED(feed, an_ended_order_is_not_subscribed_any_more)
{
  subscribe_as(name_of(1), 0);
  order_found(1, 1, OX_QUEUED);
  hub_shows(0, 1, true);
  unsubscribe(name_of(1));
  expect_error("NOT_SUBSCRIBED", "u");
}

/* ── bounds ─────────────────────────────────────────────────────────────────────────────────── */

CHECKED(feed, a_thousand_orders_and_no_more)
{
  for (int i = 0; i < 998; i++) {
    subscribe_as(name_of(i), 0);
    order_found(i, 1, OX_QUEUED);
  }
  say(EXECUTE); /* under way they count too */
  subscribe_as(name_of(2000), 0);
  subscribe_as(name_of(2001), 0);
  expect_error("TOO_MANY_SUBSCRIPTIONS", "s");
  say(EXECUTE);
  expect_error("TOO_MANY_SUBSCRIPTIONS", "r");
  reader_answers(ST_NOT_FOUND, NULL);
  journal_accepts(ST_OK, 3000);
  subscribe_as(name_of(2002), 0);
  order_found(2002, 1, OX_QUEUED);
  cr_assert_eq(n_watches, 1000);
}

CHECKED(feed, bad_messages_leave_it_open)
{
  static const struct {
    const char *text, *code;
  } cases[] = {
      {"", "INVALID_JSON"},
      {"{", "INVALID_JSON"},
      {"[1]", "INVALID_JSON"},
      {"{\"action\":\"dance\"}", "UNKNOWN_ACTION"},
      {"{\"action\":\"execute\"}", "ORDER_REQUIRED"},
      {"{\"action\":\"subscribe\"}", "ORDER_ID_REQUIRED"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    say(cases[i].text);
    expect_error(cases[i].code, NULL);
  }
}

/* ── ends ───────────────────────────────────────────────────────────────────────────────────── */

CHECKED(feed, a_slow_reader_gets_4008_with_order_and_seq)
{
  for (int i = 1; i <= 3; i++) {
    subscribe_as(name_of(i), 0);
    order_found(i, 1, OX_QUEUED);
  }
  socket_->room = 1;
  hub_shows(1, 1, false);
  hub_shows(1, 2, false);
  char reason[64];
  snprintf(reason, sizeof reason, "%s 1", name_of(2));
  cr_assert_eq(socket_->code, 4008);
  cr_assert_str_eq(socket_->reason, reason);
  for (size_t i = 0; i < 3; i++) cr_assert(watches[i].over);
  say(EXECUTE);
  cr_assert_eq(n_accepts, 0, "nothing is begun on a socket that closes");
}

CHECKED(feed, too_slow_for_the_last_event)
{
  subscribe_as(name_of(1), 0);
  order_found(1, 1, OX_QUEUED);
  socket_->room = 0;
  hub_shows(0, 1, true);
  cr_assert_eq(socket_->code, 4008);
}

CHECKED(feed, too_slow_for_an_answer)
{
  subscribe_as(name_of(1), 0);
  order_found(1, 1, OX_QUEUED);
  socket_->room = 0;
  say(EXECUTE);
  journal_accepts(ST_OK, 2);
  cr_assert_eq(socket_->code, 4008);
  cr_assert_eq(n_watches, 1, "not followed");
  cr_assert(watches[0].over);
}

CHECKED(feed, too_slow_for_each_kind_of_answer)
{
  socket_->room = 0;
  say("nonsense");
  cr_assert_eq(socket_->code, 4008);
  say("nonsense");
}

CHECKED(feed, too_slow_for_unsubscribed)
{
  subscribe_as(name_of(1), 0);
  order_found(1, 1, OX_QUEUED);
  socket_->room = 0;
  unsubscribe(name_of(1));
  cr_assert_eq(socket_->code, 4008);
}

CHECKED(feed, a_lost_order_closes_the_socket)
{
  for (int i = 1; i <= 2; i++) {
    subscribe_as(name_of(i), 0);
    order_found(i, 1, OX_QUEUED);
  }
  hub_loses(0, 0);
  cr_assert_eq(socket_->code, 1013);
  cr_assert(watches[1].over);
}

CHECKED(feed, the_client_leaves_with_everything_under_way)
{
  subscribe_as(name_of(1), 0);
  order_found(1, 1, OX_QUEUED);
  say(EXECUTE);
  say(EXECUTE);
  subscribe_as(name_of(2), 0);
  subscribe_as(name_of(3), 0);
  leave();
  cr_assert(watches[0].over);
  journal_accepts(ST_OK, 4);
  journal_accepts(ST_AWAY, 4);
  order_found(2, 1, OX_QUEUED);
  reader_answers(ST_NOT_FOUND, NULL);
  cr_assert_eq(n_watches, 1);
}

CHECKED(feed, the_socket_closes_with_steps_under_way)
{
  say(EXECUTE);
  subscribe_as(name_of(1), 0);
  socket_->room = 0;
  say("nonsense");
  cr_assert_eq(socket_->code, 4008);
  journal_accepts(ST_OK, 1);
  order_found(1, 1, OX_QUEUED);
  cr_assert_eq(n_watches, 0);
}
