/*
 * ws.h - WebSockets to one server: libwebsockets as a guest on the libuv loop. Loop thread only.
 */
#ifndef CTL_WS_H
#define CTL_WS_H

#include <stddef.h>
#include <uv.h>

#include "base/status.h"

struct ws_client;
struct ws;

enum { WS_NO_CONNECTION = 0, WS_NORMAL = 1000, WS_CUT = 1006 };

/* Called from the loop, never from inside ws_open(). After on_close() the socket is no more. */
struct ws_handler {
  void (*on_open)(void *arg);
  void (*on_text)(void *arg, const char *text, size_t len); /* NUL-terminated; borrowed */
  void (*on_close)(void *arg, int code);
};

/* ca may be NULL. ST_INVALID: url is none that can be used. */
enum status ws_client_create(uv_loop_t *loop, const char *url, const char *ca,
                             struct ws_client **out) MUST_CHECK;
/* ws_client_destroy() ends all sockets without their callbacks, and runs the loop until they are
 * gone: not from inside a callback. */
void ws_client_destroy(struct ws_client *client);

/* ws_open() copies what it was given. token may be NULL. */
struct ws *ws_open(struct ws_client *client, const char *path, const char *token,
                   const struct ws_handler *handler, void *arg);
void ws_close(struct ws *ws); /* on_close is not called */

#endif
