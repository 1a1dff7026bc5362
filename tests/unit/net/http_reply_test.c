#include "net/http_reply.h"

#include <time.h>

#include "net_harness.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

/* Sends request, answers it with the arguments given, and returns the client with the answer. */
static struct client reply_to(struct harness *h, const char *request, int status,
                              const struct http_header *headers, size_t n, const char *type,
                              const char *body)
{
  struct client c = client_open(h);
  client_send(&c, request);
  until(h, h->n_kept == 1);
  h->n_kept = 0;
  http_reply_send(h->kept[0], status, headers, n, type, body, strlen(body));
  client_wait(&c, "\r\n\r\n");
  return c;
}

Test(http_reply, adds_its_headers)
{
  struct harness h;
  harness_start(&h);
  const struct http_header headers[] = {{"Location", "/here"}, {"ETag", "\"1\""}};
  struct client c = reply_to(&h, GET("/later"), 201, headers, 2, "application/json", "{}");
  cr_assert_eq(strncmp(c.in.data, "HTTP/1.1 201 Created\r\nDate: ", 28), 0, "%s", c.in.data);
  cr_assert(client_has(&c, "\r\nContent-Type: application/json\r\n"));
  cr_assert(client_has(&c, "\r\nContent-Length: 2\r\n"));
  cr_assert(client_has(&c, "\r\nLocation: /here\r\n"));
  cr_assert(client_has(&c, "\r\nETag: \"1\"\r\n"));
  cr_assert_not(client_has(&c, "Connection:"));
  client_wait(&c, "\r\n\r\n{}");

  struct tm then = {0};
  const char *date = strstr(c.in.data, "Date: ") + 6;
  cr_assert_not_null(strptime(date, "%a, %d %b %Y %H:%M:%S GMT\r\n", &then), "%s", date);
  int64_t age_s = clock_unix_ms() / 1000 - (int64_t)timegm(&then);
  cr_assert(age_s >= 0 && age_s < 10);
  client_close(&c);
  harness_stop(&h);
}

Test(http_reply, some_have_no_body)
{
  struct harness h;
  harness_start(&h);
  struct client c = reply_to(&h, GET("/later"), 204, NULL, 0, NULL, "");
  cr_assert_not(client_has(&c, "Content-"));
  client_close(&c);
  c = reply_to(&h, GET("/later"), 304, NULL, 0, NULL, "");
  cr_assert(client_has(&c, "304 Not Modified\r\n"));
  cr_assert_not(client_has(&c, "Content-"));
  client_close(&c);
  c = reply_to(&h, GET("/later"), 599, NULL, 0, NULL, "");
  cr_assert(client_has(&c, "HTTP/1.1 599 Unknown\r\n"));
  cr_assert(client_has(&c, "Content-Length: 0\r\n"));
  client_close(&c);
  harness_stop(&h);
}

/* Nobody writes headers of his own through the value of another. */
Test(http_reply, does_not_send_line_breaks_in_headers)
{
  struct harness h;
  harness_start(&h);
  const struct http_header headers[] = {{"A", "x\r\nSet-Cookie: y"}, {"B", "x\ny"}, {"C", "ok"}};
  struct client c = reply_to(&h, GET("/later"), 200, headers, 3, NULL, "");
  cr_assert_not(client_has(&c, "Set-Cookie"));
  cr_assert_not(client_has(&c, "\r\nB:"));
  cr_assert(client_has(&c, "\r\nC: ok\r\n"));
  client_close(&c);
  harness_stop(&h);
}

static void check_id(struct harness *h, const char *sent, bool taken)
{
  char request[512], expected[256];
  snprintf(request, sizeof request, "GET /later HTTP/1.1\r\nHost: x\r\nx-request-id: %s\r\n\r\n",
           sent);
  snprintf(expected, sizeof expected, "\r\nX-Request-Id: %s\r\n", sent);
  struct client c = reply_to(h, request, 200, NULL, 0, NULL, "");
  cr_expect_eq(client_has(&c, expected), taken, "'%s': %s", sent, c.in.data);
  cr_expect_eq(client_count(&c, "X-Request-Id: "), 1);
  client_close(&c);
}

Test(http_reply, takes_or_makes_the_request_id)
{
  struct harness h;
  harness_start(&h);
  char longest[130] = {0};
  memset(longest, 'a', 128);
  check_id(&h, "abc-DEF_1.2:3", true);
  check_id(&h, longest, true);
  longest[128] = 'a';
  check_id(&h, longest, false);
  check_id(&h, "", false);
  check_id(&h, "with space", false);
  check_id(&h, "<script>", false);
  check_id(&h, "caf\xc3\xa9", false);

  struct client c = client_open(&h);
  client_send(&c, "GET /later HTTP/1.1\r\nHost: x\r\nX-Request-Id: mine\r\n\r\n" GET("/later"));
  until(&h, h.n_kept == 1);
  cr_assert_str_eq(http_reply_request_id(h.kept[0]), "mine");
  answer(&h, 0, "1;");
  until(&h, h.n_kept == 2);
  cr_assert_eq(strlen(http_reply_request_id(h.kept[1])), 26); /* a ULID */
  answer(&h, 1, "2;");
  client_close(&c);
  harness_stop(&h);
}

Test(http_reply, outlives_its_connection)
{
  struct harness h;
  harness_start(&h);
  struct client c = client_open(&h);
  client_send(&c, "GET /later HTTP/1.1\r\nHost: x\r\nX-Request-Id: still-there\r\n\r\n");
  until(&h, h.n_kept == 1);
  client_abort(&c);
  until(&h, http_server_connections(h.server) == 0);
  cr_assert_str_eq(http_reply_request_id(h.kept[0]), "still-there");
  answer(&h, 0, "to nobody");
  harness_stop(&h);
}
