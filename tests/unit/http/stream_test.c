/* stream_test.c - GET /api/orders/stream: what is asked for, and how what is sent gets out. */
#include "tests/unit/http/fakes.h"

#define ID1 "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3"
#define ID2 "ord_01J8Z3V4N5P6Q7R8S9T0V1W2X4"

static struct http_reply *get_after(const char *target, const char *last_event_id)
{
  char header[64];
  snprintf(header, sizeof header, "Last-Event-ID: %s", last_event_id);
  return ask(&(struct ask){.method = "GET", .target = target, .headers = {header}});
}

static void is_refused(struct http_reply *r, const char *why)
{
  cr_assert_eq(r->status, 400);
  cr_assert(strstr(r->body, "INVALID_QUERY") && strstr(r->body, why), "%s", r->body);
  cr_assert_not(streamed.listening);
  reply_free(r);
}

static void leave(struct http_reply *r)
{
  streams[n_streams - 1].handler->on_close(streams[n_streams - 1].arg);
  cr_assert_not(streamed.listening);
  reply_free(r);
}

CHECKED(stream, from_now_on_and_all)
{
  struct http_reply *r = get("/api/orders/stream");
  cr_assert_eq(r->status, 200);
  cr_assert_str_eq(r->content_type, "text/event-stream");
  cr_assert_str_eq(header_of(r, "X-Accel-Buffering"), "no");
  cr_assert_str_eq(header_of(r, "Cache-Control"), "no-store");
  cr_assert_str_eq(r->body, "retry: 1000\nid: 700-3\n\n");
  cr_assert(streamed.listening && !streamed.resumes);
  cr_assert_str_eq(streamed.types, "-");
  cr_assert_str_eq(streamed.statuses, "-");
  cr_assert_str_eq(streamed.orders, "-");
  leave(r);
}

CHECKED(stream, filters)
{
  struct http_reply *r = get("/api/orders/stream?type=market,limit&status=confirmed"
                             "&orderId=" ID1 "," ID2);
  cr_assert(streamed.listening, "%s", r->body);
  cr_assert_str_eq(streamed.types, "market,limit");
  cr_assert_str_eq(streamed.statuses, "confirmed");
  cr_assert_str_eq(streamed.orders, ID1 "," ID2);
  leave(r);
}

CHECKED(stream, what_there_is_not_is_refused)
{
  is_refused(get("/api/orders/stream?type=nonsense"), "type must be");
  is_refused(get("/api/orders/stream?type=market,"), "type must be");
  is_refused(get("/api/orders/stream?type="), "type must be");
  is_refused(get("/api/orders/stream?status=nonsense"), "status must be");
  is_refused(get("/api/orders/stream?status=confirmed&status=failed"), "status must be");
  is_refused(get("/api/orders/stream?orderId=ord_1"), "orderId must be");
  is_refused(get("/api/orders/stream?orderId=" ID1 ",,"), "orderId must be");
}

/* A browser that comes back by itself says both. */
CHECKED(stream, goes_on_behind_an_event)
{
  struct http_reply *r = get("/api/orders/stream?last_event_id=7-3");
  cr_assert(streamed.resumes && streamed.after.xid == 7 && streamed.after.n == 3);
  leave(r);
  r = get_after("/api/orders/stream?last_event_id=1-1", "7-3");
  cr_assert(streamed.resumes && streamed.after.xid == 7);
  leave(r);
  r = get("/api/orders/stream?last_event_id=");
  cr_assert_not(streamed.resumes);
  leave(r);
  is_refused(get("/api/orders/stream?last_event_id=7"), "Last-Event-ID must be");
  is_refused(get_after("/api/orders/stream", "x"), "Last-Event-ID must be");
}

CHECKED(stream, waits_for_a_socket_that_takes_no_more)
{
  struct http_reply *r = get("/api/orders/stream");
  cr_assert_eq(streamed.sink->write(streamed.arg, "one;", 4), STREAM_GO_ON);
  stream_kept = 1;
  cr_assert_eq(streamed.sink->write(streamed.arg, "two;", 4), STREAM_WAIT);
  cr_assert_eq(streamed.ready, 0);
  stream_kept = 0;
  streams[0].handler->on_drain(streams[0].arg);
  cr_assert_eq(streamed.ready, 1);
  cr_assert_str_eq(r->body, "retry: 1000\nid: 700-3\n\none;two;");
  leave(r);
}

CHECKED(stream, ends_with_its_client)
{
  struct http_reply *r = get("/api/orders/stream");
  stream_gone = true;
  cr_assert_eq(streamed.sink->write(streamed.arg, "one;", 4), STREAM_GONE);
  reply_free(r); /* what has ended does not leave once more */
  streamed.listening = false;
  r = get("/api/orders/stream");
  cr_assert_not(streamed.listening, "it was gone before it listened");
  reply_free(r);
  stream_gone = false;
}

/* An answer that came before it could promise anything would promise too much. */
CHECKED(stream, is_answered_when_it_begins)
{
  stream_begins = false;
  struct http_reply *r = get("/api/orders/stream");
  cr_assert_eq(r->answered, 0);
  stream_begin(true);
  cr_assert_eq(r->status, 200);
  leave(r);
  r = get("/api/orders/stream");
  stream_begin(false);
  cr_assert_eq(r->status, 503);
  cr_assert_not_null(strstr(r->body, "STORE_UNAVAILABLE"));
  reply_free(r);
  stream_begins = true;
}

CHECKED(stream, not_now)
{
  api.draining = true;
  struct http_reply *r = get("/api/orders/stream");
  cr_assert_eq(r->status, 503);
  cr_assert_not_null(strstr(r->body, "DRAINING"));
  api.draining = false;
  reply_free(r);
  r = ask(&(struct ask){.method = "HEAD", .target = "/api/orders/stream"});
  cr_assert_eq(r->status, 200);
  cr_assert_not(streamed.listening);
  reply_free(r);
}
