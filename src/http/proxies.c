/* proxies.c - see proxies.h. */
#include "http/proxies.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

enum { ITEM_MAX = 64, NETWORK_LEN = 8, MAPPED_PREFIX = 12 };

static const char separators[] = ", \t";

static bool parse(const char *text, struct in6_addr *out)
{
  struct in_addr v4;
  if (inet_pton(AF_INET6, text, out) == 1) return true;
  if (inet_pton(AF_INET, text, &v4) != 1) return false;
  *out = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
  memcpy(out->s6_addr + MAPPED_PREFIX, &v4, sizeof v4);
  return true;
}

static void format(const struct in6_addr *address, char *out)
{
  if (IN6_IS_ADDR_V4MAPPED(address))
    inet_ntop(AF_INET, address->s6_addr + MAPPED_PREFIX, out, INET6_ADDRSTRLEN);
  else
    inet_ntop(AF_INET6, address, out, INET6_ADDRSTRLEN);
}

void proxies_init(struct proxies *p, const char *list)
{
  *p = (struct proxies){0};
  for (const char *at = list; at && *(at += strspn(at, separators));) {
    char item[ITEM_MAX];
    size_t len = strcspn(at, separators);
    snprintf(item, sizeof item, "%.*s", (int)len, at);
    p->list = mem_resize(p->list, (p->n + 1) * sizeof *p->list);
    if (parse(item, &p->list[p->n])) p->n++;
    at += len;
  }
}

void proxies_deinit(struct proxies *p)
{
  free(p->list);
  *p = (struct proxies){0};
}

static bool is_ours(const struct proxies *p, const struct in6_addr *address)
{
  for (size_t i = 0; i < p->n; i++)
    if (memcmp(&p->list[i], address, sizeof *address) == 0) return true;
  return false;
}

/* "1.2.3.4", "1.2.3.4:567", "::1" or "[::1]:567". */
static bool parse_hop(const char *text, size_t len, struct in6_addr *out)
{
  char item[ITEM_MAX];
  if (len >= sizeof item) return false;
  memcpy(item, text, len);
  item[len] = '\0';
  if (parse(item, out)) return true;
  if (item[0] == '[') {
    item[strcspn(item, "]")] = '\0';
    return parse(item + 1, out);
  }
  item[strcspn(item, ":")] = '\0';
  return parse(item, out);
}

/* walk() goes from the last hop of value to the first; true: *client was not a proxy of ours, or
 * not an address, and nothing before it counts. */
static bool walk(const struct proxies *p, const char *value, struct in6_addr *client)
{
  size_t end = strlen(value);
  while (end > 0) {
    while (end > 0 && strchr(separators, value[end - 1])) end--;
    size_t start = end;
    while (start > 0 && !strchr(separators, value[start - 1])) start--;
    if (start == end) break;
    struct in6_addr hop;
    if (!parse_hop(value + start, end - start, &hop)) return true;
    *client = hop;
    if (!is_ours(p, &hop)) return true;
    end = start;
  }
  return false;
}

void proxies_client(const struct proxies *p, const struct http_request *request, char *out)
{
  struct in6_addr client;
  snprintf(out, INET6_ADDRSTRLEN, "%s", request->peer);
  if (p->n == 0 || !parse(request->peer, &client) || !is_ours(p, &client)) return;
  for (size_t i = request->n_headers; i-- > 0;)
    if (strcasecmp(request->headers[i].name, "X-Forwarded-For") == 0 &&
        walk(p, request->headers[i].value, &client))
      break;
  format(&client, out);
}

void proxies_group(char *address)
{
  struct in6_addr bytes;
  if (!parse(address, &bytes) || IN6_IS_ADDR_V4MAPPED(&bytes)) return;
  memset(bytes.s6_addr + NETWORK_LEN, 0, sizeof bytes - NETWORK_LEN);
  format(&bytes, address);
}
