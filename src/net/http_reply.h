/*
 * http_reply.h - the answer to one request, as the connection makes it. Inside net only; the
 * outside is http.h. Loop thread only.
 */
#ifndef NET_HTTP_REPLY_H
#define NET_HTTP_REPLY_H

#include "net/http_conn.h"

/* http_reply_create() makes the token for c's request. request NULL: its head was not understood.
 */
struct http_reply *http_reply_create(struct http_conn *c, const struct http_request *request,
                                     bool keep_alive);

/* When the connection ends: http_reply_detach() makes answering it a no-op; http_reply_destroy() is
 * for one that the handler has not been given to keep. */
void http_reply_detach(struct http_reply *reply);
void http_reply_destroy(struct http_reply *reply);

/* http_reply_refuse() answers with the error document of the handler and closes the connection. */
void http_reply_refuse(struct http_reply *reply, int status, const char *detail);

#endif
