/*
 * check.c - what texts of the configuration must look like. Pure. Lists are separated by commas or
 * spaces; nothing is resolved or connected to.
 */
#include "config/check.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

enum { ITEM_MAX = 256, SECRET_MIN = 32, PREFIX_MAX = 32 };

static bool is_address(const char *text)
{
  unsigned char address[sizeof(struct in6_addr)];
  return inet_pton(AF_INET, text, address) == 1 || inet_pton(AF_INET6, text, address) == 1;
}

bool check_host(const char *text)
{
  return strcmp(text, "localhost") == 0 || is_address(text);
}

bool check_loopback(const char *text)
{
  struct in_addr v4;
  if (inet_pton(AF_INET, text, &v4) == 1) return ntohl(v4.s_addr) >> 24 == 127;
  struct in6_addr v6;
  if (inet_pton(AF_INET6, text, &v6) == 1) return IN6_IS_ADDR_LOOPBACK(&v6);
  return strcmp(text, "localhost") == 0;
}

static bool each(const char *list, bool (*check)(const char *item))
{
  static const char separators[] = ", \t";
  for (const char *p = list + strspn(list, separators); *p; p += strspn(p, separators)) {
    char item[ITEM_MAX];
    size_t len = strcspn(p, separators);
    if (len >= sizeof item) return false;
    memcpy(item, p, len);
    item[len] = '\0';
    if (!check(item)) return false;
    p += len;
  }
  return true;
}

bool check_addresses(const char *text)
{
  return each(text, is_address);
}

static bool starts_with(const char *text, const char *start)
{
  return strncmp(text, start, strlen(start)) == 0;
}

/* As browsers send it: scheme, host, port if not the usual one, and nothing after. */
static bool is_origin(const char *text)
{
  if (!starts_with(text, "http://") && !starts_with(text, "https://")) return false;
  const char *host = strstr(text, "://") + 3;
  return *host && !strpbrk(host, "/?#@*\"'\\<>");
}

bool check_origins(const char *text)
{
  return each(text, is_origin);
}

bool check_postgres(const char *text)
{
  if (strstr(text, "://"))
    return starts_with(text, "postgresql://") || starts_with(text, "postgres://");
  return strchr(text, '=') != NULL;
}

bool check_redis(const char *text)
{
  const char *rest = strstr(text, "://");
  return rest && rest[3] && (starts_with(text, "redis://") || starts_with(text, "unix://"));
}

bool check_prefix(const char *text)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  size_t len = strlen(text);
  return len >= 1 && len <= PREFIX_MAX && strspn(text, allowed) == len;
}

bool check_secret(const char *text)
{
  return strlen(text) >= SECRET_MIN;
}
