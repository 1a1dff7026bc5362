/*
 * answer.h - answers with the headers every one of them has: nothing is stored, sniffed or framed,
 * and an allowed browser origin may read it. Loop thread only.
 */
#ifndef HTTP_ANSWER_H
#define HTTP_ANSWER_H

#include <stddef.h>

#include "http/api.h"
#include "http/problem.h"

enum { ANSWER_EXTRA_MAX = 6 }; /* headers of a handler's own */

/* answer_body() gives the buffer to write a body into, empty; good until the next answer. */
struct buf *answer_body(const struct call *call);

/* answer_send() answers with what is in answer_body(), as application/json; answer_send_as() as
 * content_type. A Cache-Control or Content-Security-Policy among headers takes the usual one's
 * place. */
void answer_send(const struct call *call, int status, const struct http_header *headers,
                 size_t n_headers);
void answer_send_as(const struct call *call, int status, const char *content_type,
                    const struct http_header *headers, size_t n_headers);

/* answer_empty() answers without a body. */
void answer_empty(const struct call *call, int status, const struct http_header *headers,
                  size_t n_headers);

/* answer_stream() answers 200 with text/event-stream; see http_reply_stream(). */
struct http_stream *answer_stream(const struct call *call,
                                  const struct http_stream_handler *handler, void *arg);

/* detail NULL: the table's. A 503 says Retry-After: 1. */
void answer_problem(const struct call *call, enum problem p, const char *detail);
void answer_errors(const struct call *call, const struct problem_errors *errors);
void answer_problem_own(const struct call *call, const struct problem_own *own);
/* The same with one more header. */
void answer_problem_with(const struct call *call, enum problem p, const char *detail,
                         struct http_header header);

#endif
