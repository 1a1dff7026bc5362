/*
 * support.h - what the integration tests share: the servers they are given, turning the loop until
 * something is true, and a TCP proxy in the same loop that can hold back, cut and refuse.
 */
#ifndef TESTS_INTEGRATION_SUPPORT_H
#define TESTS_INTEGRATION_SUPPORT_H

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

enum { WAIT_MS = 10000 };

static inline const char *need_env(const char *name)
{
  const char *value = getenv(name);
  cr_assert(value, "%s is not set: run under scripts/servers.sh", name);
  return value;
}

/* ── the loop ───────────────────────────────────────────────────────────────────────────────── */

static inline void loop_tick(uv_timer_t *timer)
{
  (void)timer; /* only wakes the loop, so that conditions and deadlines are looked at */
}

/* turn_until() runs the loop until ready(arg), at most for ms; false when the time is up. */
static inline bool turn_until(uv_loop_t *loop, int64_t ms, bool (*ready)(void *arg), void *arg)
{
  uint64_t end = uv_hrtime() + (uint64_t)ms * 1000000;
  uv_timer_t tick;
  bool ok;

  uv_timer_init(loop, &tick);
  uv_timer_start(&tick, loop_tick, 5, 5);
  while (!(ok = ready(arg)) && uv_hrtime() < end) uv_run(loop, UV_RUN_ONCE);
  uv_close((uv_handle_t *)&tick, NULL);
  uv_run(loop, UV_RUN_NOWAIT);
  return ok;
}

static inline bool is_set(void *flag)
{
  return *(bool *)flag;
}

static inline void set_flag(void *flag)
{
  *(bool *)flag = true;
}

static inline bool never(void *arg)
{
  (void)arg;
  return false;
}

/* For turn_until(): counts how often the loop turns. */
static inline bool count_turn(void *turns)
{
  ++*(int *)turns;
  return false;
}

/* wait_for() fails the test when the flag is not set in time. */
#define wait_for(loop, flag)                                                                       \
  cr_assert(turn_until(loop, WAIT_MS, is_set, flag), "not in time: " #flag)

/* loop_finish() expects that every handle has been closed. */
static inline void loop_finish(uv_loop_t *loop)
{
  uv_run(loop, UV_RUN_NOWAIT);
  cr_assert_eq(uv_loop_close(loop), 0, "a handle was left open");
}

/* ── the proxy ──────────────────────────────────────────────────────────────────────────────── */

struct proxy {
  uv_loop_t *loop;
  uv_tcp_t listener;
  struct sockaddr_in target;
  int port;
  bool hold_answers; /* what the server says is kept back */
  bool listening;
  size_t reads_up; /* how many reads what went to the server took */
  size_t accepted;
  struct proxy_pair *pairs;
};

struct proxy_pair {
  struct proxy *proxy;
  struct proxy_pair *next;
  uv_tcp_t side[2]; /* 0: client, 1: server */
  int closed;
  bool cut;
};

static inline void proxy_on_closed(uv_handle_t *h)
{
  struct proxy_pair *pair = h->data;

  if (++pair->closed < 2) return;
  for (struct proxy_pair **p = &pair->proxy->pairs; *p; p = &(*p)->next)
    if (*p == pair) {
      *p = pair->next;
      break;
    }
  free(pair);
}

static inline void proxy_cut_pair(struct proxy_pair *pair)
{
  if (pair->cut) return;
  pair->cut = true;
  for (int i = 0; i < 2; i++) uv_close((uv_handle_t *)&pair->side[i], proxy_on_closed);
}

static inline void proxy_alloc(uv_handle_t *h, size_t size, uv_buf_t *out)
{
  (void)h;
  *out = uv_buf_init(malloc(size), (unsigned)size);
}

static inline void proxy_on_written(uv_write_t *w, int status)
{
  (void)status;
  free(w->data);
  free(w);
}

static inline void proxy_on_read(uv_stream_t *from, ssize_t n, const uv_buf_t *bytes)
{
  struct proxy_pair *pair = from->data;
  int i = from == (uv_stream_t *)&pair->side[1];
  uv_buf_t out = uv_buf_init(bytes->base, n > 0 ? (unsigned)n : 0);
  uv_write_t *w;

  if (n <= 0) {
    free(bytes->base);
    if (n < 0) proxy_cut_pair(pair);
    return;
  }
  if (i == 0) pair->proxy->reads_up++;
  w = malloc(sizeof *w);
  w->data = bytes->base;
  uv_write(w, (uv_stream_t *)&pair->side[!i], &out, 1, proxy_on_written);
}

static inline void proxy_flow(struct proxy_pair *pair)
{
  uv_stream_t *server = (uv_stream_t *)&pair->side[1];

  if (pair->cut) return;
  if (pair->proxy->hold_answers)
    uv_read_stop(server);
  else
    uv_read_start(server, proxy_alloc, proxy_on_read);
}

static inline void proxy_on_connected(uv_connect_t *c, int status)
{
  struct proxy_pair *pair = c->data;

  free(c);
  if (pair->cut) return;
  if (status < 0) {
    proxy_cut_pair(pair);
    return;
  }
  uv_read_start((uv_stream_t *)&pair->side[0], proxy_alloc, proxy_on_read);
  proxy_flow(pair);
}

static inline void proxy_on_connection(uv_stream_t *listener, int status)
{
  struct proxy *p = listener->data;
  struct proxy_pair *pair = calloc(1, sizeof *pair);
  uv_connect_t *c = malloc(sizeof *c);

  cr_assert_eq(status, 0);
  p->accepted++;
  pair->proxy = p;
  pair->next = p->pairs;
  p->pairs = pair;
  for (int i = 0; i < 2; i++) {
    uv_tcp_init(p->loop, &pair->side[i]);
    pair->side[i].data = pair;
  }
  uv_accept(listener, (uv_stream_t *)&pair->side[0]);
  c->data = pair;
  uv_tcp_connect(c, &pair->side[1], (const struct sockaddr *)&p->target, proxy_on_connected);
}

static inline void proxy_listen(struct proxy *p)
{
  struct sockaddr_in here;
  int len = sizeof here;

  uv_ip4_addr("127.0.0.1", p->port, &here);
  uv_tcp_init(p->loop, &p->listener);
  p->listener.data = p;
  cr_assert_eq(uv_tcp_bind(&p->listener, (const struct sockaddr *)&here, 0), 0);
  cr_assert_eq(uv_listen((uv_stream_t *)&p->listener, 64, proxy_on_connection), 0);
  uv_tcp_getsockname(&p->listener, (struct sockaddr *)&here, &len);
  p->port = ntohs(here.sin_port);
  p->listening = true;
}

/* proxy_start() listens on a free port for 127.0.0.1:target_port. */
static inline void proxy_start(struct proxy *p, uv_loop_t *loop, int target_port)
{
  *p = (struct proxy){.loop = loop};
  uv_ip4_addr("127.0.0.1", target_port, &p->target);
  proxy_listen(p);
}

static inline void proxy_hold(struct proxy *p, bool hold)
{
  p->hold_answers = hold;
  for (struct proxy_pair *pair = p->pairs; pair; pair = pair->next) proxy_flow(pair);
}

static inline void proxy_cut(struct proxy *p)
{
  for (struct proxy_pair *pair = p->pairs; pair; pair = pair->next) proxy_cut_pair(pair);
}

/* proxy_refuse() cuts all and accepts nobody until proxy_listen(). */
static inline void proxy_refuse(struct proxy *p)
{
  if (p->listening) uv_close((uv_handle_t *)&p->listener, NULL);
  p->listening = false;
  proxy_cut(p);
}

static inline bool proxy_gone(void *arg)
{
  return ((struct proxy *)arg)->pairs == NULL;
}

static inline void proxy_stop(struct proxy *p)
{
  proxy_refuse(p);
  cr_assert(turn_until(p->loop, WAIT_MS, proxy_gone, p));
}

/* ── PostgreSQL ─────────────────────────────────────────────────────────────────────────────── */

/* sql() runs commands on a connection of its own and gives the first cell of the last result. */
static inline const char *sql(const char *url, const char *text)
{
  static char cell[64];
  PGconn *pg = PQconnectdb(url);
  PGresult *r = PQexec(pg, text);
  ExecStatusType st = PQresultStatus(r);

  cr_assert(st == PGRES_TUPLES_OK || st == PGRES_COMMAND_OK, "%s: %s", text, PQerrorMessage(pg));
  snprintf(cell, sizeof cell, "%s", PQntuples(r) ? PQgetvalue(r, 0, 0) : "");
  PQclear(r);
  PQfinish(pg);
  return cell;
}

/* own_schema() makes an empty schema, test_NAME, and writes a URL whose connections live in it. */
static inline void own_schema(char *url, size_t len, const char *name)
{
  char text[200];

  snprintf(text, sizeof text,
           "SET client_min_messages = error; DROP SCHEMA IF EXISTS test_%s CASCADE;"
           "CREATE SCHEMA test_%s",
           name, name);
  sql(need_env("DATABASE_URL"), text);
  snprintf(url, len, "%s?options=-csearch_path%%3Dtest_%s", need_env("DATABASE_URL"), name);
}

static inline int url_port(const char *url)
{
  const char *at = strrchr(url, '@');
  const char *colon = strchr(at ? at : url, ':');
  cr_assert(colon, "no port in the URL");
  return (int)strtol(colon + 1, NULL, 10);
}

/* through() writes url with host and port replaced. */
static inline void through(char *out, size_t len, const char *url, const char *host, int port)
{
  const char *at = strrchr(url, '@');
  const char *rest = at ? strchr(at, '/') : NULL;

  cr_assert(rest, "not a URL with user and path");
  snprintf(out, len, "%.*s@%s:%d%s", (int)(at - url), url, host, port, rest);
}

#endif
