/*
 * http_message.h - one HTTP/1.1 request, from bytes as they come to a struct http_request; and all
 * that is refused on the way. http_message.c alone knows the parser library. Pure: no socket, no
 * clock, no allocation; each message belongs to its connection.
 *
 * The bytes stay where they are, in memory of the caller that may move between calls: the message
 * keeps offsets. Strings are ended in place, and the body, chunked or not, ends up in one piece
 * behind the head. Any split of the input gives the same result.
 */
#ifndef NET_HTTP_MESSAGE_H
#define NET_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/http.h"
#include "net/http_chunks.h"

enum {
  HTTP_HEAD_MAX = 16 * 1024, /* request line and headers: 431 above */
  HTTP_HEADERS_MAX = 100,
  HTTP_PARSER_SIZE = 128, /* room for http-parser's state, and for llhttp's */
};

enum http_parsed {
  PARSED_MORE,    /* needs bytes that are not there yet */
  PARSED_HEAD,    /* the head is there: set body_max, and parse on */
  PARSED_DONE,    /* all is there; taken is its length */
  PARSED_REFUSED, /* status and detail say why */
};

struct http_message {
  _Alignas(8) unsigned char parser[HTTP_PARSER_SIZE];
  char *base;   /* the first byte, during http_message_parse() */
  size_t taken; /* bytes of it parsed */
  size_t body_len;
  size_t body_max; /* set by the caller at PARSED_HEAD: 413 above */
  uint64_t content_length;
  struct http_chunks chunks;
  const char *detail;
  int status;
  uint8_t phase;
  bool chunked;
  bool http_1_0;
  bool keep_alive;
  bool expects_continue;
  bool upgrade;
  uint16_t head_len;
  uint16_t method, target, target_len;
  uint16_t path, path_len; /* inside the target, still escaped; path_len 0: "/" */
  uint16_t query;          /* 0: none */
  uint16_t n_headers;
  struct {
    uint16_t name, value;
  } headers[HTTP_HEADERS_MAX];
};

/* What http_message_view() makes of a message; one is enough for a server. */
struct http_view {
  struct http_request request;
  struct http_header headers[HTTP_HEADERS_MAX];
  char path[HTTP_HEAD_MAX + 1];
};

void http_message_init(struct http_message *m);

/* http_message_parse() goes on parsing the message whose first byte is at base; *len bytes are
 * there, and this lowers *len by what it takes out (the framing of chunks). */
enum http_parsed http_message_parse(struct http_message *m, char *base, size_t *len);

/* http_message_has_body() says whether one was announced; from PARSED_HEAD on. */
bool http_message_has_body(const struct http_message *m);

/* http_message_view() gives the request as a handler sees it; the strings are those at base. The
 * body is that of a message that is done, and else empty. */
void http_message_view(const struct http_message *m, const char *base, const char *peer,
                       struct http_view *view);

#endif
