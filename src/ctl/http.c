/*
 * http.c - see http.h.
 *
 * DESIGN: curl says which sockets it wants watched (on_socket) and when it wants to be called
 * (on_timer); after each call into it what has ended is collected. Each watched socket has a poll
 * that lives until libuv has closed it.
 */
#include "ctl/http.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/list.h"

enum { BODY_MAX = 64 << 20, URL_MAX = 4096, SILENCE_MAX_S = 75 };

struct http_client {
  uv_loop_t *loop;
  uv_timer_t timer;
  CURLM *multi;
  struct list exchanges;
  char *url, *ca;
  int64_t timeout_ms;
};

struct http_exchange {
  struct list_node node;
  struct http_client *client;
  CURL *easy;
  struct curl_slist *headers;
  struct http_answer answer;
  bool (*on_data)(void *arg, const char *data, size_t len);
  http_done done;
  void *arg;
  char error[CURL_ERROR_SIZE];
};

struct poll {
  uv_poll_t handle;
  struct http_client *client;
  curl_socket_t socket;
};

/* ── ending ─────────────────────────────────────────────────────────────────────────────────── */

static void exchange_free(struct http_exchange *x)
{
  curl_multi_remove_handle(x->client->multi, x->easy);
  list_remove(&x->client->exchanges, &x->node);
  curl_easy_cleanup(x->easy);
  curl_slist_free_all(x->headers);
  buf_deinit(&x->answer.body);
  free(x);
}

void http_cancel(struct http_exchange *x)
{
  exchange_free(x);
}

static void finish(struct http_exchange *x, CURLcode code)
{
  curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &x->answer.status);
  if (code == CURLE_OK && x->answer.body.overflow) code = CURLE_FILESIZE_EXCEEDED;
  if (code != CURLE_OK) {
    x->answer.status = 0;
    x->answer.error = *x->error ? x->error : curl_easy_strerror(code);
    x->answer.unsent = code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST;
  }
  if (x->done) x->done(x->arg, &x->answer);
  exchange_free(x);
}

static void collect(struct http_client *c)
{
  int left;
  for (CURLMsg *m; (m = curl_multi_info_read(c->multi, &left)) != NULL;) {
    struct http_exchange *x;
    if (m->msg != CURLMSG_DONE) continue;
    CURLcode code = m->data.result;
    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x);
    finish(x, code);
  }
}

/* ── curl on the loop ───────────────────────────────────────────────────────────────────────── */

static void act(struct http_client *c, curl_socket_t socket, int flags)
{
  int running;
  curl_multi_socket_action(c->multi, socket, flags, &running);
  collect(c);
}

static void on_readiness(uv_poll_t *handle, int status, int events)
{
  const struct poll *p = handle->data;
  int flags = status < 0 ? CURL_CSELECT_ERR : 0;
  if (events & UV_READABLE) flags |= CURL_CSELECT_IN;
  if (events & UV_WRITABLE) flags |= CURL_CSELECT_OUT;
  act(p->client, p->socket, flags);
}

static void on_poll_closed(uv_handle_t *handle)
{
  free(handle->data);
}

static struct poll *poll_create(struct http_client *c, curl_socket_t socket)
{
  struct poll *p = mem_alloc(sizeof *p);
  p->client = c;
  p->socket = socket;
  p->handle.data = p;
  if (uv_poll_init_socket(c->loop, &p->handle, socket) != 0) {
    free(p);
    return NULL;
  }
  curl_multi_assign(c->multi, socket, p);
  return p;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *assigned)
{
  struct http_client *c = arg;
  struct poll *p = assigned;
  (void)easy;
  if (what == CURL_POLL_REMOVE) {
    if (!p) return 0;
    curl_multi_assign(c->multi, socket, NULL);
    uv_close((uv_handle_t *)&p->handle, on_poll_closed);
    return 0;
  }
  if (!p) p = poll_create(c, socket);
  if (!p) return -1;
  int events = (what & CURL_POLL_IN ? UV_READABLE : 0) | (what & CURL_POLL_OUT ? UV_WRITABLE : 0);
  uv_poll_start(&p->handle, events, on_readiness);
  return 0;
}

static void on_timeout(uv_timer_t *timer)
{
  act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int on_timer(CURLM *multi, long ms, void *arg)
{
  struct http_client *c = arg;
  (void)multi;
  if (ms < 0)
    uv_timer_stop(&c->timer);
  else
    uv_timer_start(&c->timer, on_timeout, (uint64_t)ms, 0);
  return 0;
}

/* ── sending ────────────────────────────────────────────────────────────────────────────────── */

static size_t on_body(char *data, size_t one, size_t len, void *arg)
{
  struct http_exchange *x = arg;
  long status = 0;
  (void)one;
  curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
  if (x->on_data && status == 200) return x->on_data(x->arg, data, len) ? len : 0;
  buf_append(&x->answer.body, data, len);
  return x->answer.body.overflow ? 0 : len;
}

static bool header_is(const char *data, size_t len, const char *name, const char **value)
{
  size_t n = strlen(name);
  if (len <= n || strncasecmp(data, name, n) != 0) return false;
  *value = data + n + strspn(data + n, " ");
  return true;
}

/* libcurl ends a header with CR LF and no NUL, but LF stops every scan here. */
static size_t on_header(char *data, size_t one, size_t len, void *arg)
{
  enum { WAIT_MAX_S = 3600 };
  struct http_exchange *x = arg;
  const char *value;
  (void)one;
  if (header_is(data, len, "Retry-After:", &value)) {
    long s = strtol(value, NULL, 10);
    x->answer.wait_ms = s > 0 && s <= WAIT_MAX_S ? s * 1000 : 0;
  } else if (header_is(data, len, "Idempotent-Replayed:", &value)) {
    x->answer.replayed = strncasecmp(value, "true", 4) == 0;
  }
  return len;
}

static void add_header(struct http_exchange *x, const char *name, const char *value)
{
  struct buf text;
  buf_init(&text, BODY_MAX);
  buf_appendf(&text, "%s: %s", name, value);
  x->headers = curl_slist_append(x->headers, text.data);
  buf_deinit(&text);
}

static void set_headers(struct http_exchange *x, const struct http_request *r)
{
  if (r->body) add_header(x, "Content-Type", r->type ? r->type : "application/json");
  if (r->key) add_header(x, "Idempotency-Key", r->key);
  if (r->token) {
    struct buf bearer;
    buf_init(&bearer, BODY_MAX);
    buf_appendf(&bearer, "Bearer %s", r->token);
    add_header(x, "Authorization", bearer.data);
    buf_deinit(&bearer);
  }
  x->headers = curl_slist_append(x->headers, "Expect:"); /* no 100-continue */
  curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_body(struct http_exchange *x, const struct http_request *r)
{
  curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, r->method);
  if (!r->body) return;
  curl_easy_setopt(x->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body_len);
  curl_easy_setopt(x->easy, CURLOPT_COPYPOSTFIELDS, r->body);
}

static void set_transfer(struct http_exchange *x)
{
  const struct http_client *c = x->client;
  CURL *e = x->easy;
  curl_easy_setopt(e, CURLOPT_PRIVATE, x);
  curl_easy_setopt(e, CURLOPT_ERRORBUFFER, x->error);
  curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(e, CURLOPT_PROXY, "");
  curl_easy_setopt(e, CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  curl_easy_setopt(e, CURLOPT_USERAGENT, "oxctl/" OX_VERSION);
  curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)c->timeout_ms);
  if (x->on_data) { /* no end, but the server has a heartbeat */
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(e, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_MAX_S);
  } else {
    curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
  }
  if (c->ca) curl_easy_setopt(e, CURLOPT_CAINFO, c->ca);
  curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(e, CURLOPT_WRITEDATA, x);
  curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(e, CURLOPT_HEADERDATA, x);
}

struct http_exchange *http_send(struct http_client *c, const struct http_request *r, http_done done,
                                void *arg)
{
  struct http_exchange *x = mem_alloc(sizeof *x);
  struct buf url;
  x->client = c;
  x->done = done;
  x->arg = arg;
  x->on_data = r->on_data;
  x->easy = curl_easy_init();
  if (!x->easy) abort(); /* out of memory */
  buf_init(&x->answer.body, BODY_MAX);
  buf_init(&url, URL_MAX);
  buf_appendf(&url, "%s%s", c->url, r->path);
  curl_easy_setopt(x->easy, CURLOPT_URL, url.overflow ? "" : url.data);
  buf_deinit(&url);
  set_transfer(x);
  set_body(x, r);
  set_headers(x, r);
  list_append(&c->exchanges, &x->node);
  curl_multi_add_handle(c->multi, x->easy);
  return x;
}

/* ── beginning and end ──────────────────────────────────────────────────────────────────────── */

struct http_client *http_create(uv_loop_t *loop, const struct http_options *o)
{
  struct http_client *c = mem_alloc(sizeof *c);
  c->loop = loop;
  c->url = mem_strdup(o->url);
  c->ca = o->ca ? mem_strdup(o->ca) : NULL;
  c->timeout_ms = o->timeout_ms;
  list_init(&c->exchanges);
  uv_timer_init(loop, &c->timer);
  c->timer.data = c;
  c->multi = curl_multi_init();
  if (!c->multi) abort(); /* out of memory */
  curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
  curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
  curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timer);
  curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
  if (o->connections) {
    curl_multi_setopt(c->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, o->connections);
    curl_multi_setopt(c->multi, CURLMOPT_MAXCONNECTS, o->connections);
  }
  return c;
}

static void on_closed(uv_handle_t *handle)
{
  struct http_client *c = handle->data;
  free(c->url);
  free(c->ca);
  free(c);
}

void http_destroy(struct http_client *c)
{
  if (!c) return;
  list_each(node, &c->exchanges) exchange_free(container_of(node, struct http_exchange, node));
  curl_multi_cleanup(c->multi);
  uv_close((uv_handle_t *)&c->timer, on_closed);
}
