/* order_list_test.c - GET /api/orders: the question, the page, and the way to the next. */
#include "http/list_query.h"
#include "tests/unit/http/fakes.h"

#define ID "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3"

static struct order an_order(void)
{
  static char type[] = "market", status[] = "pending", payload[] = "{\"amount\":1.50}";
  struct order o = {.type = type, .status = status, .attempt = 1, .ver = 1, .payload = payload};
  ulid_parse_order(ID, strlen(ID), &o.id);
  return o;
}

static struct http_reply *list(const char *query)
{
  char target[1024];
  snprintf(target, sizeof target, "/api/orders%s", query);
  return get(target);
}

static void listed_ends(enum status status, const struct ulid *next)
{
  const struct lister_sink *sink = listed_sink;
  cr_assert_not_null(sink, "nothing was asked");
  listed_sink = NULL;
  sink->on_end(listed_arg, status, next);
}

CHECKED(order_list, nothing_asked_for)
{
  struct http_reply *r = list("");
  struct order o = an_order();
  cr_assert_eq(listed.source, LISTER_ALL);
  cr_assert_not(listed.oldest_first);
  cr_assert_str_eq(listed.tenant, "default");
  cr_assert_null(listed.type);
  cr_assert_null(listed.behind);
  cr_assert(listed.phase == -1 && listed.from_ms == -1 && listed.to_ms == -1);
  cr_assert_eq(listed_limit, 50);
  listed_sink->on_order(listed_arg, &o);
  listed_sink->on_order(listed_arg, &o);
  listed_ends(ST_OK, NULL);
  cr_assert_eq(r->status, 200);
  json_t *body = parse(r->body);
  cr_assert_eq(json_array_size(json_object_get(body, "orders")), 2);
  cr_assert_str_eq(str_of(json_array_get(json_object_get(body, "orders"), 1), "orderId"), ID);
  cr_assert(json_is_null(json_object_get(body, "nextCursor")));
  cr_assert_null(header_of(r, "Link"));
  cr_assert_str_eq(header_of(r, "X-Cache"), "MISS");
  json_decref(body);
  reply_free(r);
}

/* Lists, with this mark. */
static struct http_reply *list_marked(const char *query, const char *mark, const struct ulid *next)
{
  struct http_reply *r = list(query);
  struct order o = an_order();
  listed_sink->on_mark(listed_arg, mark, false);
  listed_sink->on_order(listed_arg, &o);
  listed_ends(ST_OK, next);
  return r;
}

CHECKED(order_list, a_page_is_given_again_while_it_stands)
{
  struct order o = an_order();
  struct http_reply *first = list_marked("?limit=1", "7", &o.id);
  cr_assert_null(listed.mark);
  struct http_reply *r = list("?limit=1");
  cr_assert_not_null(listed.mark);
  listed_sink->on_mark(listed_arg, "8", true);
  listed_ends(ST_OK, NULL);
  cr_assert_str_eq(header_of(r, "X-Cache"), "HIT");
  cr_assert_str_eq(header_of(r, "Link"), header_of(first, "Link"));
  cr_assert_str_eq(r->body, first->body);
  reply_free(r);
  reply_free(first);

  r = list_marked("?limit=1", "9", NULL);
  cr_assert_not_null(listed.mark);
  cr_assert_str_eq(header_of(r, "X-Cache"), "MISS");
  cr_assert_null(header_of(r, "Link"));
  reply_free(r);
  r = list("?limit=2"); /* another question */
  cr_assert_null(listed.mark);
  listed_ends(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}

CHECKED(order_list, what_has_no_mark_is_not_kept)
{
  reply_free(list_marked("", "", NULL));
  cr_assert_eq(cache_stats(api.cache).entries, 0);
  config.cache_list_ttl_s = 0;
  struct http_reply *r = list("");
  cr_assert_null(listed_sink->on_mark);
  listed_ends(ST_OK, NULL);
  reply_free(r);
  cr_assert_eq(cache_stats(api.cache).entries, 0);
}

CHECKED(order_list, everything_asked_for)
{
  struct http_reply *r =
      list("?type=market&status=pending&phase=queued&user_id=u%201&tokenIn=SOL&tokenOut=USDC"
           "&from=2026-01-31T10:30:00.123Z&to=1769855500000&sort=createdAt&limit=200");
  cr_assert_eq(listed.source, LISTER_USER);
  cr_assert(listed.oldest_first);
  cr_assert_str_eq(listed.type, "market");
  cr_assert_str_eq(listed.status, "pending");
  cr_assert_str_eq(listed.user_id, "u 1");
  cr_assert_str_eq(listed.token_in, "SOL");
  cr_assert_str_eq(listed.token_out, "USDC");
  cr_assert_eq(listed.phase, OX_QUEUED);
  cr_assert_eq(listed.from_ms, 1769855400123);
  cr_assert_eq(listed.to_ms, 1769855500000);
  cr_assert_eq(listed_limit, 200);
  listed_ends(ST_OK, NULL);
  reply_free(r);
}

CHECKED(order_list, what_is_rare_has_a_short_way)
{
  static const struct {
    const char *query;
    enum lister_source source;
    int phase;
  } cases[] = {{"?status=pending", LISTER_OPEN, -1},
               {"?status=PROCESSING", LISTER_OPEN, -1},
               {"?phase=active", LISTER_OPEN, OX_ACTIVE},
               {"?phase=queued&type=record", LISTER_OPEN, OX_QUEUED},
               {"?status=failed", LISTER_ENDED, OX_FAILED},
               {"?phase=failed", LISTER_ENDED, OX_FAILED},
               {"?phase=cancelled", LISTER_ENDED, OX_CANCELLED},
               {"?status=cancelled&phase=cancelled", LISTER_ENDED, OX_CANCELLED},
               {"?user_id=u&phase=failed", LISTER_USER, OX_FAILED},
               {"?phase=succeeded", LISTER_ALL, OX_SUCCEEDED},
               {"?status=confirmed", LISTER_ALL, -1},
               {"?type=record", LISTER_ALL, -1}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    struct http_reply *r = list(cases[i].query);
    cr_assert_eq(r->answered, 0, "%s: %s", cases[i].query, r->body);
    cr_assert_eq(listed.source, cases[i].source, "%s: %d", cases[i].query, (int)listed.source);
    cr_assert_eq(listed.phase, cases[i].phase, "%s: %d", cases[i].query, listed.phase);
    listed_ends(ST_OK, NULL);
    reply_free(r);
  }
}

CHECKED(order_list, what_cannot_be_is_not_looked_for)
{
  struct http_reply *r = list("?status=confirmed&phase=failed");
  cr_assert_null(listed_sink);
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->body, "{\"orders\":[],\"nextCursor\":null}");
  reply_free(r);
}

/* The next page of this question. */
static char *next_of(const char *query, const struct ulid *behind)
{
  struct http_reply *r = list(query);
  listed_ends(ST_OK, behind);
  json_t *body = parse(r->body);
  char *cursor = mem_strdup(str_of(body, "nextCursor"));
  const char *link = header_of(r, "Link");
  cr_assert_not_null(link);
  cr_assert_not_null(strstr(link, cursor));
  cr_assert_not_null(strstr(link, ">; rel=\"next\""));
  json_decref(body);
  reply_free(r);
  return cursor;
}

CHECKED(order_list, a_cursor_goes_on_with_its_question)
{
  struct order o = an_order();
  char query[256], *cursor = next_of("?type=market&tokenIn=SOL", &o.id);
  snprintf(query, sizeof query, "?tokenIn=SOL&limit=7&type=market&sort=-createdAt&cursor=%s",
           cursor);
  struct http_reply *r = list(query);
  cr_assert_eq(r->answered, 0, "%s", r->body);
  cr_assert_not_null(listed.behind);
  cr_assert_eq(ulid_compare(listed.behind, &o.id), 0);
  listed_ends(ST_OK, NULL);
  reply_free(r);
  free(cursor);
}

CHECKED(order_list, a_cursor_goes_on_with_no_other_question)
{
  struct order o = an_order();
  char query[256], *cursor = next_of("?type=market", &o.id);
  static const char *const others[] = {"?",
                                       "?type=limit&",
                                       "?type=market&phase=queued&",
                                       "?type=market&sort=createdAt&",
                                       "?type=market&user_id=a&",
                                       "?type=market&from=0&"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    snprintf(query, sizeof query, "%scursor=%s", others[i], cursor);
    expect_problem(list(query), 400, "INVALID_CURSOR");
  }
  cursor[strlen(cursor) - 1] = 'x';
  snprintf(query, sizeof query, "?type=market&cursor=%s", cursor);
  expect_problem(list(query), 400, "INVALID_CURSOR");
  cursor[strlen(cursor) - 1] = '\0';
  snprintf(query, sizeof query, "?type=market&cursor=%s", cursor);
  expect_problem(list(query), 400, "INVALID_CURSOR");
  free(cursor);
}

CHECKED(order_list, the_link_is_the_question_encoded)
{
  struct order o = an_order();
  struct http_reply *r = list("?user_id=a%20b%26%3Cx%3E%22&limit=3");
  listed_ends(ST_OK, &o.id);
  const char *expected = "</api/orders?user_id=a%20b%26%3Cx%3E%22&limit=3&cursor=";
  cr_assert_eq(strncmp(header_of(r, "Link"), expected, strlen(expected)), 0, "%s",
               header_of(r, "Link"));
  reply_free(r);
}

CHECKED(order_list, all_that_is_wrong)
{
  static const struct {
    const char *query, *code;
  } cases[] = {{"?limit=0", "OUT_OF_RANGE"},
               {"?limit=201", "OUT_OF_RANGE"},
               {"?limit=-1", "OUT_OF_RANGE"},
               {"?limit=1.5", "OUT_OF_RANGE"},
               {"?limit=", "INVALID_QUERY"},
               {"?limit=99999999999999999999", "OUT_OF_RANGE"},
               {"?type=barter", "UNKNOWN_TYPE"},
               {"?status=Pending", "UNKNOWN_STATUS"},
               {"?type=market&status=PENDING", "UNKNOWN_STATUS"},
               {"?phase=open", "UNKNOWN_PHASE"},
               {"?sort=amount", "UNKNOWN_SORT"},
               {"?from=yesterday", "INVALID_TIME"},
               {"?to=-1", "INVALID_TIME"},
               {"?cursor=00", "INVALID_CURSOR"},
               {"?page=2", "UNKNOWN_PARAMETER"},
               {"?type=market&type=market", "INVALID_QUERY"},
               {"?user_id=%zz", "INVALID_QUERY"},
               {"?%zz=1", "INVALID_QUERY"},
               {"?user_id=%00", "INVALID_QUERY"}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    expect_problem(list(cases[i].query), 400, cases[i].code);
  expect_problem(list("?limit=0&sort=x"), 400, "VALIDATION_FAILED");
  cr_assert_null(listed_sink);
}

CHECKED(order_list, a_store_that_is_away)
{
  struct order o = an_order();
  reader_status = ST_AWAY;
  expect_problem(list(""), 503, "STORE_UNAVAILABLE");
  reader_status = ST_FULL;
  expect_problem(list(""), 503, "OVERLOADED");
  reader_status = ST_OK;
  struct http_reply *r = list("");
  listed_sink->on_order(listed_arg, &o);
  listed_ends(ST_AWAY, NULL);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}
