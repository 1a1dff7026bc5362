#include "net/http_server.h"

#include <sys/resource.h>

#include "net_harness.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static enum status create(struct harness *h, struct http_server **out, char error[256])
{
  error[0] = '\0';
  return http_server_create(&h->loop, &h->options, out, error, 256);
}

Test(http_server, listens_on_a_free_port)
{
  struct harness h;
  harness_start(&h);
  cr_assert_gt(http_server_port(h.server), 0);
  cr_assert_eq(http_server_connections(h.server), 0);
  harness_stop(&h);
}

Test(http_server, listens_on_ipv6_too)
{
  struct harness h;
  harness_init(&h);
  h.options.host = "::1";
  char error[256];
  if (create(&h, &h.server, error) == ST_OK) {
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 at = {.sin6_family = AF_INET6,
                              .sin6_port = htons((uint16_t)http_server_port(h.server)),
                              .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    cr_assert_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    cr_assert_eq(send(fd, GET("/now"), strlen(GET("/now")), 0), (ssize_t)strlen(GET("/now")));
    until(&h, h.requests == 1);
    cr_assert_str_eq(h.peer, "::1");
    close(fd);
  } else {
    cr_assert_neq(strstr(error, "::1"), NULL, "%s", error); /* a machine without IPv6 */
  }
  harness_stop(&h);
}

Test(http_server, says_why_it_cannot_listen)
{
  struct harness h;
  harness_start(&h);
  struct http_server *second = NULL;
  char error[256], expected[64];
  h.options.port = http_server_port(h.server);
  cr_assert_eq(create(&h, &second, error), ST_BROKEN);
  snprintf(expected, sizeof expected, "port %d is already in use", h.options.port);
  cr_assert_str_eq(error, expected);

  h.options.host = "192.0.2.1"; /* for documentation: nobody has it */
  cr_assert_eq(create(&h, &second, error), ST_BROKEN);
  cr_assert_str_eq(error, "host 192.0.2.1 is not an address of this machine");

  h.options.host = "not an address";
  cr_assert_eq(create(&h, &second, error), ST_BROKEN);
  cr_assert_eq(strncmp(error, "host not an address: ", 21), 0, "%s", error);
  cr_assert_null(second);
  harness_stop(&h);
}

Test(http_server, shares_its_port_when_asked_to)
{
  struct harness h;
  harness_init(&h);
  h.options.reuse_port = true;
  harness_listen(&h);
  h.options.port = http_server_port(h.server);
  struct http_server *second;
  char error[256];
  cr_assert_eq(create(&h, &second, error), ST_OK, "%s", error);
  for (int i = 0; i < 50; i++) {
    struct client c = client_open(&h);
    client_send(&c, GET("/now"));
    client_wait(&c, "GET /now ;");
    client_close(&c);
  }
  cr_assert_eq(h.requests, 50);
  http_server_destroy(second, on_stopped, &h);
  until(&h, h.stopped);
  harness_stop(&h);
}

Test(http_server, refuses_connections_over_the_limit)
{
  struct harness h;
  harness_init(&h);
  h.options.max_connections = 2;
  harness_listen(&h);
  struct client a = client_open(&h), b = client_open(&h);
  client_send(&a, GET("/now"));
  client_wait(&a, "GET /now ;");
  until(&h, http_server_connections(h.server) == 2);
  exchange(&h, c, GET("/now/c"));
  cr_assert(client_has(&c, "HTTP/1.1 503 Service Unavailable\r\n"));
  cr_assert(client_has(&c, "Retry-After: 1\r\n"));
  cr_assert_not(c.reset);
  client_close(&c);
  client_close(&b);
  until(&h, http_server_connections(h.server) == 1);
  struct client d = client_open(&h);
  client_send(&d, GET("/now/d"));
  client_wait(&d, "GET /now/d ;");
  client_close(&d);
  client_close(&a);
  harness_stop(&h);
}

/* Those being refused are bounded, too. */
Test(http_server, drops_connections_far_over_the_limit)
{
  enum { MANY = 200 };
  struct harness h;
  harness_init(&h);
  h.options.max_connections = 1;
  harness_listen(&h);
  struct client clients[MANY];
  int told = 0, ended = 0;
  for (int i = 0; i < MANY; i++) clients[i] = client_open(&h);
  int64_t give_up_ms = clock_mono_ms() + WAIT_MS;
  while (ended < MANY - 1) {
    uv_run(&h.loop, UV_RUN_NOWAIT);
    cr_assert_leq(http_server_connections(h.server), 1 + HTTP_REFUSED_MAX);
    cr_assert_lt(clock_mono_ms(), give_up_ms);
    ended = 0;
    for (int i = 0; i < MANY; i++) ended += client_ended(&clients[i]);
  }
  for (int i = 0; i < MANY; i++) {
    told += client_has(&clients[i], "HTTP/1.1 503 ");
    client_close(&clients[i]);
  }
  cr_assert_geq(told, HTTP_REFUSED_MAX);
  harness_stop(&h);
}

Test(http_server, refuses_connections_of_one_address)
{
  struct harness h;
  harness_init(&h);
  h.options.max_per_address = 2;
  harness_listen(&h);
  struct client a = client_open(&h), b = client_open(&h);
  until(&h, http_server_connections(h.server) == 2);
  exchange(&h, c, GET("/now"));
  cr_assert(client_has(&c, "HTTP/1.1 429 Too Many Requests\r\n"));
  client_close(&c);
  client_close(&a);
  client_close(&b);
  until(&h, http_server_connections(h.server) == 0);
  struct client d = client_open(&h);
  client_send(&d, GET("/now"));
  client_wait(&d, "GET /now ;");
  client_close(&d);
  harness_stop(&h);
}

Test(http_server, waits_when_descriptors_run_out)
{
  struct harness h;
  harness_init(&h);
  h.options.header_timeout_ms = 200; /* so that it sweeps often */
  harness_listen(&h);
  struct client c = client_open(&h);
  struct rlimit limit, low;
  getrlimit(RLIMIT_NOFILE, &limit);
  low = limit;
  int next = dup(0);
  close(next);
  low.rlim_cur = (rlim_t)next;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
  for (int i = 0; i < 10; i++) spin(&h);
  cr_assert_eq(http_server_connections(h.server), 0);
  cr_assert_not(h.server->accepting);     /* and does not spin */
  cr_assert_neq(h.server->starved_ms, 0); /* said, and not again for a minute */
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  client_send(&c, GET("/now"));
  client_wait(&c, "GET /now ;");
  client_close(&c);
  harness_stop(&h);
}

/* It does not wait for the next sweep. */
Test(http_server, accepts_again_when_a_connection_ends)
{
  struct harness h;
  harness_init(&h);
  harness_listen(&h);
  struct client a = client_open(&h);
  until(&h, http_server_connections(h.server) == 1);
  struct client b = client_open(&h);
  struct rlimit limit, low;
  getrlimit(RLIMIT_NOFILE, &limit);
  low = limit;
  int next = dup(0);
  close(next);
  low.rlim_cur = (rlim_t)next;
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
  until(&h, !h.server->accepting);
  cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
  uv_timer_stop(&h.server->sweep);
  client_close(&a);
  client_send(&b, GET("/now"));
  client_wait(&b, "GET /now ;");
  client_close(&b);
  harness_stop(&h);
}

static size_t three(const void *arg)
{
  (void)arg;
  return 3;
}

/* Sockets that were handed over are connections, too. */
Test(http_server, what_was_moved_counts)
{
  struct harness h;
  harness_init(&h);
  h.options.max_connections = 4;
  h.options.moved = three;
  harness_listen(&h);
  struct client a = client_open(&h);
  until(&h, http_server_connections(h.server) == 1);
  exchange(&h, b, GET("/now"));
  cr_assert(client_has(&b, "HTTP/1.1 503 Service Unavailable\r\n"));
  client_close(&a);
  client_close(&b);
  harness_stop(&h);
}

/* So many of one address are told why they are refused; the others find the door shut. */
Test(http_server, drops_connections_far_over_the_limit_of_an_address)
{
  enum { MANY = 20, REFUSED = 3 };
  struct harness h;
  harness_init(&h);
  h.options.max_per_address = 1;
  h.options.max_refused = REFUSED;
  harness_listen(&h);
  struct client clients[MANY];
  int ended = 0, told = 0;
  for (int i = 0; i < MANY; i++) clients[i] = client_open(&h);
  int64_t give_up_ms = clock_mono_ms() + WAIT_MS;
  while (ended < MANY - 1) {
    uv_run(&h.loop, UV_RUN_NOWAIT);
    cr_assert_lt(clock_mono_ms(), give_up_ms);
    ended = 0;
    for (int i = 0; i < MANY; i++) ended += client_ended(&clients[i]);
  }
  for (int i = 0; i < MANY; i++) {
    told += client_has(&clients[i], "HTTP/1.1 429 ");
    client_close(&clients[i]);
  }
  cr_assert_geq(told, REFUSED);
  cr_assert_lt(told, MANY - 1);
  harness_stop(&h);
}

Test(http_server, drains)
{
  struct harness h;
  harness_start(&h);
  struct client idle = client_open(&h), fresh = client_open(&h), busy = client_open(&h),
                half = client_open(&h);
  client_send(&idle, GET("/now"));
  client_wait(&idle, "GET /now ;");
  client_send(&busy, GET("/later") GET("/now/too"));
  client_send(&half, "GET /now HTTP/1.1\r\n");
  until(&h, h.n_kept == 1 && http_server_connections(h.server) == 4);
  for (int i = 0; i < 5; i++) spin(&h);
  http_server_drain(h.server, on_stopped, &h);
  client_wait_eof(&idle);
  client_wait_eof(&fresh);
  cr_assert_eq(fresh.in.len, 0);
  cr_assert_not(h.stopped);
  answer(&h, 0, "drained;");
  client_wait_eof(&busy);
  cr_assert(client_has(&busy, "drained;") && client_has(&busy, "GET /now/too ;"));
  cr_assert_eq(client_count(&busy, "Connection: close"), 1);
  client_send(&half, "Host: x\r\n\r\n");
  client_wait_eof(&half);
  cr_assert(client_has(&half, "GET /now ;") && client_has(&half, "Connection: close"));
  struct client *all[] = {&idle, &fresh, &busy, &half};
  for (int i = 0; i < 4; i++) {
    cr_assert_not(all[i]->reset);
    client_close(all[i]);
  }
  until(&h, h.stopped);
  harness_stop(&h);
}

/* The loop does not turn meanwhile: what the clients did is known to the kernel alone. */
Test(http_server, a_drain_answers_what_waits_in_the_backlog)
{
  enum { MANY = 300 };
  struct harness h;
  harness_start(&h);
  struct client clients[MANY];
  for (int i = 0; i < MANY; i++) {
    clients[i] = client_open(&h);
    client_send(&clients[i], GET("/now"));
  }
  http_server_drain(h.server, on_stopped, &h);
  for (int i = 0; i < MANY; i++) {
    client_wait_eof(&clients[i]);
    cr_assert(client_has(&clients[i], "GET /now ;") &&
              client_has(&clients[i], "Connection: close"));
    cr_assert_not(clients[i].reset);
    client_close(&clients[i]);
  }
  until(&h, h.stopped);
  harness_stop(&h);
}

/* A drain that lasts longer than the last call before the loop turns again: everything is late. */
Test(http_server, a_drain_answers_what_came_in_the_last_moment)
{
  struct harness h;
  harness_start(&h);
  struct client kept = client_open(&h);
  client_send(&kept, GET("/now"));
  client_wait(&kept, "GET /now ;");
  struct client waiting = client_open(&h);
  http_server_drain(h.server, on_stopped, &h);
  poll(NULL, 0, HTTP_LAST_CALL_MS + 50);
  client_send(&kept, GET("/kept"));
  client_send(&waiting, GET("/waiting"));
  client_wait_eof(&kept);
  client_wait_eof(&waiting);
  cr_assert(client_has(&kept, "GET /kept ;") && client_has(&kept, "Connection: close"));
  cr_assert(client_has(&waiting, "GET /waiting ;") && client_has(&waiting, "Connection: close"));
  cr_assert_not(kept.reset || waiting.reset);
  client_close(&kept);
  client_close(&waiting);
  until(&h, h.stopped);
  harness_stop(&h);
}

/* The end of the connection was there first, and it is no reset: the client may ask elsewhere. */
Test(http_server, a_drain_ends_connections_without_a_reset)
{
  struct harness h;
  harness_start(&h);
  struct client kept = client_open(&h);
  client_send(&kept, GET("/now"));
  client_wait(&kept, "GET /now ;");
  http_server_drain(h.server, on_stopped, &h);
  client_wait_eof(&kept);
  client_send(&kept, GET("/too/late"));
  for (int i = 0; i < 20; i++) spin(&h);
  cr_assert(client_count(&kept, "HTTP/1.1") == 1 && !kept.reset && h.requests == 1);
  client_close(&kept);
  until(&h, h.stopped);
  harness_stop(&h);
}

/* No handshake begins any more: else one would end between the last accept() and the close. */
Test(http_server, a_drain_lets_nobody_in)
{
  struct harness h;
  harness_start(&h);
  struct sockaddr_in at = {.sin_family = AF_INET,
                           .sin_port = htons((uint16_t)http_server_port(h.server)),
                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  http_server_drain(h.server, on_stopped, &h);
  struct pollfd late = {.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), .events = POLLOUT};
  cr_assert_eq(connect(late.fd, (struct sockaddr *)&at, sizeof at), -1);
  cr_assert_eq(errno, EINPROGRESS);
  until(&h, h.stopped);
  cr_assert_eq(poll(&late, 1, WAIT_MS), 1);
  int error;
  socklen_t len = sizeof error;
  getsockopt(late.fd, SOL_SOCKET, SO_ERROR, &error, &len);
  cr_assert_eq(error, ECONNREFUSED);
  close(late.fd);
  harness_stop(&h);
}

Test(http_server, drains_when_there_is_nobody)
{
  struct harness h;
  harness_start(&h);
  http_server_drain(h.server, on_stopped, &h);
  until(&h, h.stopped);
  harness_stop(&h);
}

/* With connections in every state, and an answer that comes when the server is long gone. */
Test(http_server, is_destroyed_in_the_middle_of_things)
{
  struct harness h;
  harness_start(&h);
  struct client idle = client_open(&h), head = client_open(&h), body = client_open(&h),
                busy = client_open(&h), closing = client_open(&h);
  client_send(&idle, GET("/now"));
  client_wait(&idle, "GET /now ;");
  client_send(&head, "GET /");
  client_send(&body, "POST /now HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
  client_send(&busy, GET("/later") GET("/now"));
  client_send(&closing, "\n");
  client_wait(&closing, "HTTP/1.1 400 ");
  until(&h, h.n_kept == 1 && h.heads == 3);
  harness_stop(&h);
  answer(&h, 0, "to nobody");
  client_read(&busy);
  cr_assert_eq(busy.in.len, 0);
  struct client *all[] = {&idle, &head, &body, &busy, &closing};
  for (int i = 0; i < 5; i++) client_close(all[i]);
}

static void destroy_inside(void *arg, const struct http_request *request, struct http_reply *reply)
{
  (void)request;
  struct harness *h = arg;
  http_server_destroy(h->server, on_stopped, h);
  answer_text(reply, 200, "to nobody");
}

Test(http_server, is_destroyed_by_a_handler)
{
  struct harness h;
  harness_init(&h);
  h.options.handler.on_request = destroy_inside;
  harness_listen(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/1") GET("/2"));
  until(&h, h.stopped);
  h.server = NULL;
  client_close(&c);
  harness_stop(&h);
}

static void drain_inside(void *arg, const struct http_request *request, struct http_reply *reply)
{
  struct harness *h = arg;
  if (under(request, "/1")) http_server_drain(h->server, on_stopped, h);
  answer_text(reply, 200, under(request, "/1") ? "the first;" : "the last;");
}

Test(http_server, is_drained_by_a_handler)
{
  struct harness h;
  harness_init(&h);
  h.options.handler.on_request = drain_inside;
  harness_listen(&h);
  struct client c = client_open(&h);
  client_send(&c, GET("/1") GET("/2"));
  client_wait(&c, "the last;");
  client_wait_eof(&c);
  client_close(&c);
  until(&h, h.stopped);
  harness_stop(&h);
}
