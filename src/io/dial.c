/*
 * dial.c - names to addresses on libuv's thread pool, and the wait between tries. Loop thread. A
 * look-up owns itself: it cannot always be stopped, so a cancelled one ends unheard.
 */
#include "io/dial.h"

#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

enum { FIRST_DELAY_MS = 50, LAST_DELAY_MS = 2000 };

struct dial_lookup {
  uv_getaddrinfo_t request;
  dial_resolved_fn done; /* NULL: cancelled */
  void *arg;
};

bool dial_is_address(const char *host)
{
  unsigned char address[16];
  return uv_inet_pton(AF_INET, host, address) == 0 || uv_inet_pton(AF_INET6, host, address) == 0;
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *list)
{
  struct dial_lookup *l = request->data;
  struct dial_addresses found = {0};

  for (struct addrinfo *a = list; a && found.n < DIAL_ADDRESSES_MAX; a = a->ai_next)
    if (getnameinfo(a->ai_addr, a->ai_addrlen, found.text[found.n], DIAL_ADDRESS_LEN, NULL, 0,
                    NI_NUMERICHOST) == 0)
      found.n++;
  uv_freeaddrinfo(list);
  if (l->done && found.n)
    l->done(l->arg, &found, NULL);
  else if (l->done)
    l->done(l->arg, NULL, status ? uv_strerror(status) : "no address");
  free(l);
}

struct dial_lookup *dial_resolve(uv_loop_t *loop, const char *host, dial_resolved_fn done,
                                 void *arg)
{
  const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct dial_lookup *l = mem_alloc(sizeof *l);

  l->request.data = l;
  l->done = done;
  l->arg = arg;
  if (uv_getaddrinfo(loop, &l->request, on_resolved, host, NULL, &hints) == 0) return l;
  free(l);
  return NULL;
}

void dial_cancel(struct dial_lookup *lookup)
{
  if (!lookup) return;
  lookup->done = NULL;
  uv_cancel((uv_req_t *)&lookup->request);
}

uint64_t dial_delay_ms(unsigned failures)
{
  uint64_t delay = LAST_DELAY_MS;
  uint16_t random = 0;

  if (failures >= 1 && failures <= 6) delay = (uint64_t)FIRST_DELAY_MS << (failures - 1);
  /* Without randomness the delay is merely the shortest. */
  if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL) != 0) random = 0;
  return delay / 2 + delay / 2 * random / UINT16_MAX;
}

void dial_log_away(const char *server, const char *connection, unsigned failures, const char *why)
{
  char line[256];

  snprintf(line, sizeof line, "%.*s", (int)strcspn(why, "\r\n"), why);
  LOG_AT(failures == 0 ? LOG_LEVEL_WARN : LOG_LEVEL_DEBUG, "connection away",
         LOG_STR("server", server), LOG_STR("connection", connection), LOG_STR("reason", line));
}
