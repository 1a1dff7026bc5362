/*
 * sim_api.c - what of the simulation is governed over HTTP, under /api/sim/: faults, prices, pools,
 * and a look into the ledger. On the daemon's threads for endpoints.
 */
#include "sim_api.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "ledger_page.h"
#include "sim_topic.h"
#include "sim_venue.h"

enum { BODY_MAX = 64 * 1024, LIMIT_DEFAULT = 50, HASH_LEN_MAX = LEDGER_HASH_MAX - 1 };

/* ── changes ─────────────────────────────────────────────────────────────────────────────────── */

/* The body; a price is wanted as a string, because as a number jansson has it as a double. */
static json_t *read_body(const struct ox_request *request)
{
  json_t *body = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
  const struct ox_field *price = ox_request_field(request, "price");
  if (body && price && price->kind == OX_FIELD_NUMBER)
    json_object_set_new(body, "price", json_string(price->text));
  return body;
}

/* Makes the change that the request asks for; false: it is answered. */
static bool change(enum scenario_kind kind, json_t *body, struct ox_answer *answer)
{
  switch (board_change(sim_shared()->board, kind, body, answer->errors)) {
  case BOARD_OK:
    return true;
  case BOARD_WRONG:
    break;
  case BOARD_AWAY:
    answer->problem(answer, 503, "STORE_UNAVAILABLE",
                    "PostgreSQL did not answer; whether the change was made is not known");
    break;
  case BOARD_BUSY:
    answer->problem(answer, 503, "OVERLOADED", "too many changes at once; this one was not made");
    break;
  }
  return false;
}

static void send_text(struct ox_answer *answer, int status, struct writer *w)
{
  const char *text = writer_text(w);
  if (text)
    answer->send(answer, status, text);
  else
    answer->problem(answer, 500, "INTERNAL_ERROR", "the answer does not fit");
}

/* ── faults ──────────────────────────────────────────────────────────────────────────────────── */

static void answer_faults(struct ox_answer *answer)
{
  char text[FAULTS_TEXT_MAX];
  struct writer w;
  struct scenario *scenario = board_scenario(sim_shared()->board);
  writer_init(&w, text, sizeof text);
  writer_begin(&w, NULL);
  faults_write(scenario->faults, &w);
  writer_end(&w);
  scenario_drop(scenario);
  send_text(answer, 200, &w);
}

static void get_faults(const struct ox_request *request, const struct ox_desk *desk,
                       struct ox_answer *answer)
{
  (void)request, (void)desk;
  answer_faults(answer);
}

static void put_faults(const struct ox_request *request, const struct ox_desk *desk,
                       struct ox_answer *answer)
{
  (void)desk;
  json_t *body = read_body(request);
  if (change(SCENARIO_FAULTS, body, answer)) answer_faults(answer);
  json_decref(body);
}

/* ── the market ──────────────────────────────────────────────────────────────────────────────── */

static const char *word(const struct ox_request *request, const char *name)
{
  const struct ox_field *field = ox_request_field(request, name);
  return field && field->kind == OX_FIELD_STRING ? field->text : "";
}

static void answer_unheard(struct ox_answer *answer)
{
  answer->problem(answer, 503, "STORE_UNAVAILABLE",
                  "it is changed, but orders that wait for it may not know; send it again");
}

static void put_price(const struct ox_request *request, const struct ox_desk *desk,
                      struct ox_answer *answer)
{
  json_t *body = read_body(request);
  bool changed = change(SCENARIO_PRICE, body, answer);
  bool heard = changed && sim_topic_price(desk, word(request, "tokenIn"), word(request, "tokenOut"),
                                          ox_request_field(request, "price"));
  if (heard) answer->send(answer, 200, request->body);
  if (changed && !heard) answer_unheard(answer);
  json_decref(body);
}

static const struct pool *find_pool(const struct ox_request *request,
                                    const struct scenario *scenario)
{
  bool x_to_y;
  return pools_find(scenario->pools, word(request, "venue"), word(request, "x"), word(request, "y"),
                    &x_to_y);
}

static bool is_listed(const struct ox_request *request)
{
  struct scenario *scenario = board_scenario(sim_shared()->board);
  bool listed = find_pool(request, scenario) != NULL;
  scenario_drop(scenario);
  return listed;
}

static bool publish_pool(const struct ox_request *request, const struct ox_desk *desk)
{
  struct scenario *scenario = board_scenario(sim_shared()->board);
  const struct pool *pool = find_pool(request, scenario);
  bool published = pool && sim_topic_pool(desk, scenario, pool);
  scenario_drop(scenario);
  return published;
}

/* A pool without a name is called after its tokens. */
static void set_name(json_t *body, const struct ox_request *request)
{
  const char *x = word(request, "x"), *y = word(request, "y");
  if (*x && *y && !ox_request_field(request, "name"))
    json_object_set_new(body, "name", json_sprintf("%.15s-%.15s", x, y));
}

static void post_pool(const struct ox_request *request, const struct ox_desk *desk,
                      struct ox_answer *answer)
{
  if (is_listed(request)) { /* perhaps it is sent again because nobody was told */
    publish_pool(request, desk);
    answer->problem(answer, 409, "POOL_EXISTS", "the venue has a pool of these two tokens already");
    return;
  }
  json_t *body = read_body(request);
  set_name(body, request);
  char *text = json_dumps(body, 0);
  bool changed = change(SCENARIO_POOL, body, answer);
  bool heard = changed && publish_pool(request, desk);
  if (heard) answer->send(answer, 201, text);
  if (changed && !heard) answer_unheard(answer);
  free(text);
  json_decref(body);
}

/* ── the ledger ──────────────────────────────────────────────────────────────────────────────── */

static bool read_limit(const struct ox_field *field, struct ox_errors *errors, size_t *limit)
{
  size_t value = 0;
  for (size_t i = 0; i < field->len && value <= LEDGER_PAGE_MAX; i++)
    value = field->text[i] >= '0' && field->text[i] <= '9'
                ? value * 10 + (size_t)(field->text[i] - '0')
                : LEDGER_PAGE_MAX + 1;
  *limit = value;
  if (value >= 1 && value <= LEDGER_PAGE_MAX) return true;
  errors->add(errors, "/limit", "LIMIT_OUT_OF_RANGE", "must be a whole number from 1 to 200");
  return false;
}

/* A cursor is the hash that the page before ended with. */
static bool read_cursor(const struct ox_field *field, struct ox_errors *errors, const char **after)
{
  static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  *after = field->text;
  if (field->len >= 32 && field->len <= HASH_LEN_MAX && strspn(*after, digits) == field->len)
    return true;
  errors->add(errors, "/cursor", "INVALID_CURSOR", "is not the nextCursor of an earlier answer");
  return false;
}

static bool read_order(const struct ox_field *field, struct ox_errors *errors, const char **order)
{
  *order = field->text;
  if (field->len > 0 && field->len < TX_ID_MAX && strlen(*order) == field->len) return true;
  errors->add(errors, "/orderId", "INVALID_ORDER_ID", "is not an orderId");
  return false;
}

static bool read_query(const struct ox_request *request, struct ox_errors *errors,
                       struct ledger_page *page)
{
  const struct ox_field *limit = ox_request_query(request, "limit");
  const struct ox_field *cursor = ox_request_query(request, "cursor");
  const struct ox_field *order = ox_request_query(request, "orderId");
  *page = (struct ledger_page){.after = "", .limit = LIMIT_DEFAULT};
  bool good = true;
  if (limit) good &= read_limit(limit, errors, &page->limit);
  if (cursor) good &= read_cursor(cursor, errors, &page->after);
  if (order) good &= read_order(order, errors, &page->order_id);
  return good;
}

static void write_ledger(const struct ledger_page *page, struct writer *w, struct ox_answer *answer)
{
  const struct sim *sim = sim_shared();
  char why[256], line[320];
  if (ledger_page_write(sim->database_url, page, w, why, sizeof why)) {
    send_text(answer, 200, w);
    return;
  }
  snprintf(line, sizeof line, "sim ledger: a page cannot be read: %s", why);
  sim->config->log("warn", line);
  answer->problem(answer, 503, "STORE_UNAVAILABLE", "PostgreSQL did not answer");
}

static void get_ledger(const struct ox_request *request, const struct ox_desk *desk,
                       struct ox_answer *answer)
{
  (void)desk;
  struct ledger_page page;
  if (!read_query(request, answer->errors, &page)) return;
  struct writer w;
  char *text = malloc(LEDGER_PAGE_BYTES);
  if (text) {
    writer_init(&w, text, LEDGER_PAGE_BYTES);
    write_ledger(&page, &w, answer);
  }
  free(text);
}

/* ── the table ───────────────────────────────────────────────────────────────────────────────── */

#define ENDPOINT(name, method, path, max_body, handle)                                             \
  static const struct ox_endpoint name = {sizeof name, method, path, "admin", max_body, handle}

ENDPOINT(faults_get, "GET", "/api/sim/faults", 0, get_faults);
ENDPOINT(faults_put, "PUT", "/api/sim/faults", BODY_MAX, put_faults);
ENDPOINT(prices_put, "PUT", "/api/sim/prices", BODY_MAX, put_price);
ENDPOINT(pools_post, "POST", "/api/sim/pools", BODY_MAX, post_pool);
ENDPOINT(ledger_get, "GET", "/api/sim/ledger", 0, get_ledger);

const struct ox_endpoint *const sim_endpoints[] = {&faults_get, &faults_put, &prices_put,
                                                   &pools_post, &ledger_get, NULL};
