/* shipment_test.c - shipments, made of events. */
#include "tests/unit/http/fakes.h"

#define ULID "01J8Z3V4N5P6Q7R8S9T0V1W2X3"
#define EVENT(seq, status, data)                                                                   \
  "{\"orderId\":\"ord_" ULID "\",\"seq\":" seq ",\"status\":\"" status                             \
  "\",\"phase\":\"active\",\"attempt\":1,\"timestamp\":\"t" seq "\",\"data\":" data "}"
#define SHIPMENT(step)                                                                             \
  "{\"shipment\":{\"shipmentId\":\"shp_" ULID "\",\"carrier\":\"C\",\"trackingNumber\":\"T\","     \
  "\"step\":\"" step "\"}}"

static struct order an_order(void)
{
  static char type[] = "delivery", status[] = "Shipped", payload[] = "{}";
  struct order o = {.type = type, .status = status, .attempt = 1, .ver = 4, .payload = payload};
  ulid_parse(ULID, strlen(ULID), &o.id);
  return o;
}

static void events_are(const char *const *texts)
{
  struct reader_event events[8];
  size_t n = 0;
  for (; texts[n]; n++)
    events[n] = (struct reader_event){(int32_t)n + 1, false, texts[n], strlen(texts[n])};
  reader_answers_events(ST_OK, events, n);
}

static struct http_reply *ask_for(const char *target, const char *const *texts)
{
  struct order o = an_order();
  struct http_reply *r = get(target);
  reader_answers(ST_OK, &o);
  events_are(texts);
  return r;
}

static const char *const going[] = {EVENT("1", "Pending", "{}"),
                                    EVENT("2", "Processing", SHIPMENT("label_created")),
                                    EVENT("3", "Shipped", "{}"), NULL};

CHECKED(shipment, its_steps_also_by_hand)
{
  static const char *const targets[] = {"/api/orders/ord_" ULID "/shipment",
                                        "/api/shipments/shp_" ULID};
  for (size_t i = 0; i < 2; i++) {
    struct http_reply *r = ask_for(targets[i], going);
    cr_assert_eq(r->status, 200);
    cr_assert_str_eq(r->body,
                     "{\"shipmentId\":\"shp_" ULID "\",\"carrier\":\"C\",\"trackingNumber\":\"T\","
                     "\"orderId\":\"ord_" ULID "\",\"steps\":["
                     "{\"step\":\"label_created\",\"status\":\"Processing\",\"timestamp\":\"t2\"},"
                     "{\"step\":null,\"status\":\"Shipped\",\"timestamp\":\"t3\"}]}");
    reply_free(r);
  }
}

CHECKED(shipment, none_was_made)
{
  static const char *const waiting[] = {EVENT("1", "Pending", "{}"), NULL};
  static const char *const odd[] = {EVENT("1", "Pending", "{\"shipment\":7}"),
                                    EVENT("2", "Processing", "{\"shipment\":[]}"), NULL};
  expect_problem(ask_for("/api/orders/own-1/shipment", waiting), 404, "SHIPMENT_NOT_FOUND");
  expect_problem(ask_for("/api/shipments/shp_" ULID, odd), 404, "SHIPMENT_NOT_FOUND");
}

CHECKED(shipment, of_nobody)
{
  struct http_reply *r = get("/api/shipments/shp_" ULID);
  reader_answers(ST_NOT_FOUND, NULL);
  expect_problem(r, 404, "ORDER_NOT_FOUND");
}

CHECKED(shipment, names_that_are_none)
{
  expect_problem(get("/api/shipments/ord_" ULID), 400, "INVALID_SHIPMENT_ID");
  expect_problem(get("/api/shipments/shp_1"), 400, "INVALID_SHIPMENT_ID");
  expect_problem(get("/api/shipments/" ULID), 400, "INVALID_SHIPMENT_ID");
  expect_problem(get("/api/orders/ord_1/shipment"), 400, "INVALID_ORDER_ID");
}

CHECKED(shipment, a_store_that_is_away)
{
  struct order o = an_order();
  reader_status = ST_AWAY;
  expect_problem(get("/api/shipments/shp_" ULID), 503, "STORE_UNAVAILABLE");
  reader_status = ST_OK;
  struct http_reply *r = get("/api/shipments/shp_" ULID);
  reader_answers(ST_OK, &o);
  reader_answers_events(ST_AWAY, NULL, 0);
  expect_problem(r, 503, "STORE_UNAVAILABLE");
}
