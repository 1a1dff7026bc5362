#include "net/http_message.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 200000, BODY_MAX = 1000 };

/* A parse of input that arrives in pieces. */
struct parse {
  struct http_message message;
  struct http_view view;
  enum http_parsed parsed;
  size_t len; /* bytes in data */
  char data[ROOM];
};

static void drive(struct parse *p, const char *input, size_t len, size_t piece)
{
  http_message_init(&p->message);
  p->len = 0;
  p->parsed = PARSED_MORE;
  for (size_t at = 0; at < len && p->parsed == PARSED_MORE;) {
    size_t n = len - at < piece ? len - at : piece;
    memcpy(p->data + p->len, input + at, n);
    p->len += n;
    at += n;
    p->parsed = http_message_parse(&p->message, p->data, &p->len);
    if (p->parsed != PARSED_HEAD) continue;
    p->message.body_max = BODY_MAX;
    p->parsed = http_message_parse(&p->message, p->data, &p->len);
  }
}

static struct parse *parse(const char *input, size_t piece)
{
  struct parse *p = calloc(1, sizeof *p);
  drive(p, input, strlen(input), piece);
  http_message_view(&p->message, p->data, "peer", &p->view);
  return p;
}

static void refused(const char *input, int status)
{
  const size_t pieces[] = {ROOM, 1, 2, 3, 11};
  const char *detail = NULL;
  for (size_t i = 0; i < 5; i++) {
    struct parse *p = calloc(1, sizeof *p);
    drive(p, input, strlen(input), pieces[i]);
    cr_expect_eq(p->parsed, PARSED_REFUSED, "'%s' by %zu", input, pieces[i]);
    cr_expect_eq(p->message.status, status, "'%s' by %zu: %d", input, pieces[i], p->message.status);
    if (detail) cr_expect_str_eq(p->message.detail, detail, "'%s' by %zu", input, pieces[i]);
    detail = p->message.detail;
    cr_expect_eq(http_message_parse(&p->message, p->data, &p->len), PARSED_REFUSED);
    free(p);
  }
}

#define HOST "Host: x\r\n"

Test(http_message, reads_a_request)
{
  const size_t pieces[] = {ROOM, 1, 2, 3, 7};
  for (size_t i = 0; i < 5; i++) {
    struct parse *p = parse("POST /a%20b?c=d%20 HTTP/1.1\r\nHost: x:1\r\nEmpty:\r\nX-Long:   two "
                            "words \t\r\nContent-Length: 5\r\n\r\nhello",
                            pieces[i]);
    const struct http_request *r = &p->view.request;
    cr_assert_eq(p->parsed, PARSED_DONE);
    cr_assert_str_eq(r->method, "POST");
    cr_assert_str_eq(r->target, "/a%20b?c=d%20");
    cr_assert_str_eq(r->path, "/a b");
    cr_assert_str_eq(r->query, "c=d%20");
    cr_assert_eq(r->n_headers, 4);
    cr_assert_str_eq(r->headers[0].name, "Host");
    cr_assert_str_eq(http_request_header(r, "host"), "x:1");
    cr_assert_str_eq(http_request_header(r, "EMPTY"), "");
    cr_assert_str_eq(http_request_header(r, "X-Long"), "two words");
    cr_assert_null(http_request_header(r, "X-Lon"));
    cr_assert_eq(r->body_len, 5);
    cr_assert_arr_eq(r->body, "hello", 5);
    cr_assert_str_eq(r->peer, "peer");
    cr_assert(p->message.keep_alive && !r->upgrade);
    cr_assert_eq(p->message.taken, p->len);
    free(p);
  }
}

Test(http_message, stops_where_the_next_begins)
{
  const char *two = "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n";
  struct parse *p = parse(two, ROOM);
  cr_assert_eq(p->parsed, PARSED_DONE);
  cr_assert_eq(p->message.taken, strlen(two) / 2);
  cr_assert_str_eq(p->view.request.path, "/1");
  cr_assert_null(p->view.request.query);
  cr_assert_str_eq(p->view.request.body, "");
  cr_assert_eq(http_message_parse(&p->message, p->data, &p->len), PARSED_DONE);
  cr_assert_eq(p->message.taken, strlen(two) / 2);
  free(p);
}

Test(http_message, puts_chunks_together)
{
  const char *input = "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"
                      "3\r\nabc\r\n2;x\r\nde\r\n0\r\nT: t\r\n\r\nGET /next";
  const size_t pieces[] = {ROOM, 1, 2, 3, 5};
  for (size_t i = 0; i < 5; i++) {
    struct parse *p = parse(input, pieces[i]);
    cr_assert_eq(p->parsed, PARSED_DONE);
    cr_assert_eq(p->view.request.body_len, 5);
    cr_assert_arr_eq(p->view.request.body, "abcde", 5);
    if (i == 0) cr_assert_arr_eq(p->data + p->message.taken, "GET /next", 9);
    cr_assert_leq(p->message.taken, p->len);
    free(p);
  }
}

Test(http_message, the_memory_may_move_between_calls)
{
  const char *input = "GET /moved HTTP/1.1\r\n" HOST "A: b\r\n\r\n";
  struct http_message m;
  struct http_view *view = malloc(sizeof *view);
  http_message_init(&m);
  enum http_parsed parsed = PARSED_MORE;
  char *memory = malloc(200);
  for (size_t len = 1; parsed == PARSED_MORE; len++) {
    char *elsewhere = malloc(200);
    memcpy(elsewhere, memory, len - 1);
    elsewhere[len - 1] = input[len - 1];
    free(memory);
    memory = elsewhere;
    size_t n = len;
    parsed = http_message_parse(&m, memory, &n);
  }
  cr_assert_eq(parsed, PARSED_HEAD);
  http_message_view(&m, memory, "", view);
  cr_assert_str_eq(view->request.path, "/moved");
  cr_assert_str_eq(http_request_header(&view->request, "a"), "b");
  free(memory);
  free(view);
}

Test(http_message, reads_targets)
{
  static const struct {
    const char *target, *path, *query;
  } cases[] = {
      {"/", "/", NULL},
      {"/?", "/", ""},
      {"/a/b?x=1&y=%20?", "/a/b", "x=1&y=%20?"},
      {"/%41%2f%C3%A9", "/A/é", NULL},
      {"//a", "//a", NULL},
      {"http://host", "/", NULL},
      {"http://host:80?x", "/", "x"},
      {"HTTPS://host/p?q", "/p", "q"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char input[200];
    snprintf(input, sizeof input, "GET %s HTTP/1.1\r\n" HOST "\r\n", cases[i].target);
    struct parse *p = parse(input, ROOM);
    cr_assert_eq(p->parsed, PARSED_DONE, "%s: %s", cases[i].target, p->message.detail);
    cr_expect_str_eq(p->view.request.target, cases[i].target);
    cr_expect_str_eq(p->view.request.path, cases[i].path, "%s", cases[i].target);
    if (cases[i].query)
      cr_expect_str_eq(p->view.request.query, cases[i].query);
    else
      cr_expect_null(p->view.request.query);
    free(p);
  }
  struct parse *p = parse("OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 1);
  cr_assert_eq(p->parsed, PARSED_DONE);
  cr_assert_str_eq(p->view.request.path, "*");
  free(p);
}

Test(http_message, refuses_targets)
{
  static const char *const targets[] = {
      "a",     "*",           "",        "/%",        "/%4",   "/%zz",
      "/%00",  "/a%0",        "/#a",     "/a b",      "/\x80", "/\x01",
      "/\x7f", "ftp://host/", "http://", "http:///a", "/a\tb", "/ HTTP/1.1",
  };
  for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
    char input[200];
    snprintf(input, sizeof input, "GET %s HTTP/1.1\r\n" HOST "\r\n", targets[i]);
    refused(input, 400);
  }
}

Test(http_message, refuses_request_lines)
{
  refused("GET / HTTP/1.1\n", 400);
  refused("GET / HTTP/1.1\r\r\n", 400);
  refused("GET  / HTTP/1.1\r\n", 400);
  refused("GET /  HTTP/1.1\r\n", 400);
  refused(" GET / HTTP/1.1\r\n", 400);
  refused("GET / HTTP/1.1 \r\n", 400);
  refused("GET /\r\n", 400);
  refused("GET\r\n", 400);
  refused("GET / HTTP/1\r\n", 400);
  refused("GET / HTTP/1.1.1\r\n", 400);
  refused("GET / HTTP/a.1\r\n", 400);
  refused("GET / HTTP/1.x\r\n", 400);
  refused("GET / http/1.1\r\n", 400);
  refused("GET / ICE/1.0\r\n", 400);
  refused("SOURCE / ICE/1.0\r\n", 400);
  refused("G(T / HTTP/1.1\r\n", 400);
  refused("\n", 400);
  refused("\x16\x03\x01\n", 400);
  refused("GET / HTTP/2.0\r\n", 505);
  refused("PRI * HTTP/2.0\r\n", 505);
  refused("GET / HTTP/0.9\r\n", 505);
  refused("BREW / HTTP/1.1\r\n", 501);
  refused("get / HTTP/1.1\r\n", 501);
  refused("GETS / HTTP/1.1\r\n", 501);
  refused("CONNECT x:443 HTTP/1.1\r\n" HOST "\r\n", 501);
}

Test(http_message, refuses_headers)
{
#define GET "GET / HTTP/1.1\r\n"
  refused(GET "\r\n", 400); /* no Host */
  refused(GET HOST HOST "\r\n", 400);
  refused(GET "Host: a b\r\n\r\n", 400);
  refused(GET "Host: a,b\r\n\r\n", 400);
  refused(GET "Host: a/b\r\n\r\n", 400);
  refused(GET "Host: user@a\r\n\r\n", 400);
  refused(GET HOST "\n", 400);
  refused(GET "Host: x\n\r\n", 400);
  refused(GET HOST "A: b\n\r\n", 400);
  refused(GET HOST "A: b\r c\r\n\r\n", 400);
  refused(GET HOST "A: b\r\n c\r\n\r\n", 400);
  refused(GET HOST "A: b\r\n\tc\r\n\r\n", 400);
  refused(GET " A: b\r\n" HOST "\r\n", 400);
  refused(GET HOST "A : b\r\n\r\n", 400);
  refused(GET HOST "A b: c\r\n\r\n", 400);
  refused(GET HOST "A\r\n\r\n", 400);
  refused(GET HOST ": b\r\n\r\n", 400);
  refused(GET HOST "A\x80: b\r\n\r\n", 400);
  refused(GET HOST "A(: b\r\n\r\n", 400);
  refused(GET HOST "A: \x01\r\n\r\n", 400);
  refused(GET HOST "A: \x7f\r\n\r\n", 400);
}

Test(http_message, refuses_a_nul_in_a_header)
{
  static const char input[] = GET HOST "A: b\0c\r\n\r\n";
  static const char name[] = GET HOST "A\0B: c\r\n\r\n";
  for (size_t piece = 1; piece < 100; piece += 98) {
    struct parse *p = calloc(1, sizeof *p);
    drive(p, input, sizeof input - 1, piece);
    cr_assert_eq(p->parsed, PARSED_REFUSED);
    drive(p, name, sizeof name - 1, piece);
    cr_assert_eq(p->parsed, PARSED_REFUSED);
    cr_assert_eq(p->message.status, 400);
    free(p);
  }
}

Test(http_message, refuses_ambiguous_framing)
{
#define POST "POST / HTTP/1.1\r\n" HOST
  refused(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400);
  refused(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400);
  refused(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc", 400);
  refused(POST "Content-Length: 3, 3\r\n\r\nabc", 400);
  refused(POST "Content-Length: 3 3\r\n\r\nabc", 400);
  refused(POST "Content-Length: +3\r\n\r\nabc", 400);
  refused(POST "Content-Length: -3\r\n\r\nabc", 400);
  refused(POST "Content-Length: 0x3\r\n\r\nabc", 400);
  refused(POST "Content-Length: abc\r\n\r\nabc", 400);
  refused(POST "Content-Length:\r\n\r\nabc", 400);
  refused(POST "Content-Length: \r\n\r\nabc", 400);
  refused(POST "Content-Length: 3.0\r\n\r\nabc", 400);
  refused(POST "Content-Length: 99999999999999999999\r\n\r\nabc", 400);
  refused(POST "Content-Length : 3\r\n\r\nabc", 400);
  refused(POST "Transfer-Encoding: gzip\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: identity\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: xchunked\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: chunked;x\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: \x0b"
               "chunked\r\n\r\n",
          400);
  refused(POST "Transfer-Encoding:\r\n\r\n", 400);
  refused(POST "Transfer-Encoding : chunked\r\n\r\n", 400);
  refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
  refused(POST "Transfer-Encoding: chunked\r\n\r\nx\r\n", 400);
  refused(POST "Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n", 400);
  refused(POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n", 400);
}

Test(http_message, refuses_too_much)
{
  refused(POST "Content-Length: 1001\r\n\r\n", 413);
  refused(POST "Content-Length: 18446744073709551000\r\n\r\n", 413);
  refused(POST "Content-Length: 1844674407370955160\r\n\r\n", 413);
  refused(POST "Transfer-Encoding: chunked\r\n\r\n3e9\r\n", 413);
  refused(POST "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n3e8\r\n", 413);
  refused(POST "Expect: a cookie\r\n\r\n", 417);
  refused(POST "Expect: 100-continue\r\nExpect: 100-continue\r\n\r\n", 417);

  char input[2 * HTTP_HEAD_MAX];
  int len = snprintf(input, sizeof input, GET HOST);
  for (int i = 0; i < HTTP_HEADERS_MAX; i++)
    len += snprintf(input + len, sizeof input - (size_t)len, "A: b\r\n");
  refused(input, 431);
}

/* GET / with a header that makes the head total bytes long. */
static void head_of(size_t total, char *out)
{
  static const char begin[] = GET HOST "A: ";
  memset(out, 'x', total);
  memcpy(out, begin, sizeof begin - 1);
  memcpy(out + total - 4, "\r\n\r\n", 5);
}

Test(http_message, bounds_the_head_to_the_byte)
{
  char input[2 * HTTP_HEAD_MAX];
  head_of(HTTP_HEAD_MAX, input);
  struct parse *p = parse(input, ROOM);
  cr_assert_eq(p->parsed, PARSED_DONE);
  free(p);
  head_of(HTTP_HEAD_MAX + 1, input);
  refused(input, 431);
  memset(input, 'G', HTTP_HEAD_MAX + 1);
  input[HTTP_HEAD_MAX + 1] = '\0';
  refused(input, 431);
  for (int i = 0; i < HTTP_HEAD_MAX; i += 2) memcpy(input + i, "\r\n", 2);
  memcpy(input + HTTP_HEAD_MAX, "G", 2);
  refused(input, 431);
}

Test(http_message, skips_empty_lines_in_front)
{
  struct parse *p = parse("\r\n\r\nGET /x HTTP/1.1\r\n" HOST "\r\n", 1);
  cr_assert_eq(p->parsed, PARSED_DONE);
  cr_assert_str_eq(p->view.request.method, "GET");
  cr_assert_str_eq(p->view.request.path, "/x");
  free(p);
}

Test(http_message, may_fill_the_body_to_its_bound)
{
  char input[BODY_MAX + 200];
  int len = snprintf(input, sizeof input, POST "Content-Length: %d\r\n\r\n", BODY_MAX);
  memset(input + len, 'b', BODY_MAX);
  input[len + BODY_MAX] = '\0';
  struct parse *p = parse(input, 100);
  cr_assert_eq(p->parsed, PARSED_DONE);
  cr_assert_eq(p->view.request.body_len, BODY_MAX);
  free(p);
  p = parse(POST "Transfer-Encoding: chunked\r\n\r\n3e8\r\n", 1);
  cr_assert_eq(p->parsed, PARSED_MORE);
  free(p);
}

static bool keeps_alive(const char *input)
{
  struct parse *p = parse(input, ROOM);
  cr_assert_eq(p->parsed, PARSED_DONE, "%s", p->message.detail);
  bool keep = p->message.keep_alive;
  free(p);
  return keep;
}

Test(http_message, knows_when_to_keep_alive)
{
  cr_assert(keeps_alive(GET HOST "\r\n"));
  cr_assert(keeps_alive(GET HOST "Connection: keep-alive\r\n\r\n"));
  cr_assert(keeps_alive(GET HOST "Connection: closed\r\n\r\n"));
  cr_assert_not(keeps_alive(GET HOST "Connection: close\r\n\r\n"));
  cr_assert_not(keeps_alive(GET HOST "connection: foo , CLOSE\r\n\r\n"));
  cr_assert_not(keeps_alive(GET HOST "Connection: x\r\nConnection: close\r\n\r\n"));
  cr_assert_not(keeps_alive("GET / HTTP/1.0\r\n\r\n"));
  cr_assert_not(keeps_alive("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  cr_assert(keeps_alive("GET / HTTP/1.2\r\n" HOST "\r\n"));
}

Test(http_message, ignores_expect_of_http_1_0)
{
  struct parse *p = parse("GET / HTTP/1.0\r\nExpect: x\r\n\r\n", ROOM);
  cr_assert_eq(p->parsed, PARSED_DONE);
  cr_assert_not(p->message.expects_continue);
  free(p);
  p = parse(POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n", ROOM);
  cr_assert_eq(p->parsed, PARSED_MORE);
  cr_assert(p->message.expects_continue && http_message_has_body(&p->message));
  free(p);
}

#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define VERSION "Sec-WebSocket-Version: 13\r\n"
#define UPGRADE "Upgrade: websocket\r\nConnection: Upgrade\r\n"

static bool upgrades(const char *input)
{
  struct parse *p = parse(input, ROOM);
  cr_assert_eq(p->parsed, PARSED_DONE, "%s", p->message.detail);
  bool upgrade = p->view.request.upgrade;
  cr_assert_eq(p->message.taken, p->len);
  free(p);
  return upgrade;
}

Test(http_message, knows_an_upgrade)
{
  cr_assert(upgrades(GET HOST UPGRADE VERSION KEY "\r\n"));
  cr_assert(upgrades(GET HOST
                     "Upgrade: h2c, WebSocket\r\nConnection: keep-alive, upgrade\r\n" VERSION KEY
                     "\r\n"));
  cr_assert_not(upgrades(GET HOST UPGRADE VERSION "\r\n"));
  cr_assert_not(upgrades(GET HOST UPGRADE KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST "Upgrade: websocket\r\n" VERSION KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST "Connection: upgrade\r\n" VERSION KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST "Upgrade: h2c\r\nConnection: upgrade\r\n" VERSION KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST UPGRADE "Sec-WebSocket-Version: 12\r\n" KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST UPGRADE VERSION VERSION KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST UPGRADE VERSION KEY KEY "\r\n"));
  cr_assert_not(upgrades(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: short==\r\n\r\n"));
  cr_assert_not(
      upgrades(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=a\r\n\r\n"));
  cr_assert_not(
      upgrades(GET HOST UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j(Q==\r\n\r\n"));
  cr_assert_not(upgrades(POST UPGRADE VERSION KEY "\r\n"));
  cr_assert_not(upgrades(POST UPGRADE VERSION KEY "Content-Length: 1\r\n\r\nx"));
  cr_assert_not(upgrades(GET HOST UPGRADE VERSION KEY "Content-Length: 1\r\n\r\nx"));
  cr_assert_not(upgrades("GET / HTTP/1.0\r\n" HOST UPGRADE VERSION KEY "\r\n"));
}
