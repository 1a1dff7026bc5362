/*
 * bare_http.c - what libwebsockets alone answers: a fixed 201 to every GET, and to every POST when
 * its body has come. `bare_http [N]`: at most N answers a second, so that a load generator runs at
 * that rate. Listens on a free port of 127.0.0.1 and says which on stderr, as oxd does. One thread.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  FILES_MAX = 1024,
  ANSWER_MAX = 1024,
  BURST_US = 2000, /* so much of the rate that was not used may be used later */
  KEEP_ALIVE_S = 60,
  CREATED = 201
};

static const char body[] =
    "{\"orderId\":\"ord_01KAJ3W8QZ5M1T9GQ2B7C4D6EF\",\"status\":\"pending\"}";

/* A connection whose request waits for its answer. */
struct session {
  struct lws *wsi;
  struct session *next;
  bool waits;
};

static struct {
  struct lws_context *context;
  double interval_us; /* between answers; 0: as fast as they come */
  double next_us;     /* the next answer's moment */
  struct session *first, **last;
  lws_sorted_usec_list_t timer;
} bare = {.last = &bare.first};

static volatile sig_atomic_t stopping;

static void on_signal(int signal)
{
  (void)signal;
  stopping = 1;
}

/* -1: the connection is over. */
static int answer(struct lws *wsi)
{
  unsigned char room[LWS_PRE + ANSWER_MAX], *at = room + LWS_PRE, *end = room + sizeof room;
  if (lws_add_http_common_headers(wsi, CREATED, "application/json", sizeof body - 1, &at, end) ||
      lws_finalize_http_header(wsi, &at, end) || (size_t)(end - at) < sizeof body)
    return -1;
  memcpy(at, body, sizeof body - 1);
  size_t len = (size_t)(at - room - LWS_PRE) + sizeof body - 1;
  if (lws_write(wsi, room + LWS_PRE, len, LWS_WRITE_HTTP_HEADERS) < (int)len) return -1;
  return lws_http_transaction_completed(wsi) ? -1 : 0;
}

static void on_time(lws_sorted_usec_list_t *timer)
{
  (void)timer;
  double now = (double)lws_now_usecs();
  struct session *s;
  while ((s = bare.first) != NULL && bare.next_us <= now) {
    bare.first = s->next;
    if (!bare.first) bare.last = &bare.first;
    s->waits = false;
    bare.next_us += bare.interval_us;
    if (answer(s->wsi)) lws_set_timeout(s->wsi, PENDING_TIMEOUT_HTTP_CONTENT, LWS_TO_KILL_ASYNC);
  }
  if (bare.first)
    lws_sul_schedule(bare.context, 0, &bare.timer, on_time, (lws_usec_t)(bare.next_us - now));
}

static int answer_in_turn(struct session *s)
{
  double now = (double)lws_now_usecs();
  if (bare.next_us < now - BURST_US) bare.next_us = now - BURST_US;
  if (bare.interval_us == 0 || (!bare.first && bare.next_us <= now)) {
    bare.next_us += bare.interval_us;
    return answer(s->wsi);
  }
  s->waits = true;
  s->next = NULL;
  *bare.last = s;
  bare.last = &s->next;
  if (bare.first == s)
    lws_sul_schedule(bare.context, 0, &bare.timer, on_time, (lws_usec_t)(bare.next_us - now));
  return 0;
}

static void forget(struct session *s)
{
  struct session **at = &bare.first;
  while (*at && *at != s) at = &(*at)->next;
  if (!*at) return;
  *at = s->next;
  if (!s->next) bare.last = at;
}

static int on_http(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                   size_t len)
{
  struct session *s = user;
  switch (reason) {
  case LWS_CALLBACK_HTTP:
    s->wsi = wsi;
    return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) ? 0 : answer_in_turn(s);
  case LWS_CALLBACK_HTTP_BODY_COMPLETION:
    return answer_in_turn(s);
  case LWS_CALLBACK_CLOSED_HTTP:
    if (s && s->waits) forget(s);
    return 0;
  default:
    return lws_callback_http_dummy(wsi, reason, user, in, len);
  }
}

static struct lws_context *listen_on_free_port(void)
{
  static const struct lws_protocols protocols[] = {
      {"http", on_http, sizeof(struct session), 0, 0, NULL, 0}, {NULL, NULL, 0, 0, 0, NULL, 0}};
  struct lws_context_creation_info info = {.port = CONTEXT_PORT_NO_LISTEN_SERVER,
                                           .protocols = protocols,
                                           .fd_limit_per_thread = FILES_MAX,
                                           .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS};
  struct lws_context *context = lws_create_context(&info);
  if (!context) return NULL;
  info.port = 0;
  info.iface = "127.0.0.1";
  info.keepalive_timeout = KEEP_ALIVE_S;
  struct lws_vhost *vhost = lws_create_vhost(context, &info);
  if (!vhost) {
    lws_context_destroy(context);
    return NULL;
  }
  fprintf(stderr, "{\"msg\":\"listening\",\"port\":%d}\n", lws_get_vhost_listen_port(vhost));
  return context;
}

int main(int argc, char **argv)
{
  double per_s = argc > 1 ? strtod(argv[1], NULL) : 0;
  if (per_s > 0) bare.interval_us = 1e6 / per_s;
  lws_set_log_level(LLL_ERR, NULL);
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  bare.context = listen_on_free_port();
  if (!bare.context) return 1;
  while (!stopping && lws_service(bare.context, 0) >= 0) {
  }
  lws_context_destroy(bare.context);
  return 0;
}
