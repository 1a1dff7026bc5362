/*
 * redis_url.c - see redis_url.h. Pure; any thread.
 */
#include "io/redis_url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { DEFAULT_PORT = 6379, MAX_PORT = 65535, MAX_DB = 1 << 20 };

static int hex_digit(char c)
{
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/* decode() gives text without its percent signs, or NULL; a NUL is not let in. */
static char *decode(const char *text, size_t len)
{
  char *out = mem_alloc(len + 1);
  size_t n = 0;

  for (size_t i = 0; i < len; i++) {
    if (text[i] != '%') {
      out[n++] = text[i];
      continue;
    }
    int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
    int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;
    if (high < 0 || low < 0 || high + low == 0) {
      free(out);
      return NULL;
    }
    out[n++] = (char)(high << 4 | low);
    i += 2;
  }
  return out;
}

static bool parse_number(const char *text, size_t len, int max, int *out)
{
  int value = 0;

  if (len == 0) return false;
  for (size_t i = 0; i < len; i++) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
    if (value > max) return false;
  }
  *out = value;
  return true;
}

/* [user]:password; a password alone has its colon too. */
static bool parse_login(const char *text, size_t len, struct redis_url *out)
{
  const char *colon = memchr(text, ':', len);
  size_t user_len = colon ? (size_t)(colon - text) : 0;

  if (!colon) return false;
  if (user_len && !(out->user = decode(text, user_len))) return false;
  out->password = decode(colon + 1, len - user_len - 1);
  return out->password != NULL;
}

/* host[:port] or [v6][:port] */
static bool parse_host(const char *text, size_t len, struct redis_url *out)
{
  bool bracket = len && *text == '[';
  const char *end = text + len;
  const char *host_end = memchr(text, bracket ? ']' : ':', len);
  const char *rest;

  if (bracket && !host_end) return false;
  if (bracket) text++;
  if (!host_end) host_end = end;
  rest = host_end + bracket;
  if (host_end == text) return false;
  out->host = decode(text, (size_t)(host_end - text));
  if (!out->host) return false;
  if (rest == end) return true;
  return *rest == ':' && parse_number(rest + 1, (size_t)(end - rest - 1), MAX_PORT, &out->port) &&
         out->port > 0;
}

/* take_login() reads what stands in front of an @ and leaves *text behind it. */
static bool take_login(const char **text, size_t authority, struct redis_url *out)
{
  const char *login = *text, *at = memrchr(login, '@', authority);

  if (!at) return true;
  *text = at + 1;
  return parse_login(login, (size_t)(at - login), out);
}

static bool parse_tcp(const char *text, struct redis_url *out)
{
  const char *rest = text + strcspn(text, "/?#");

  out->port = DEFAULT_PORT;
  if (!take_login(&text, (size_t)(rest - text), out)) return false;
  if (!parse_host(text, (size_t)(rest - text), out)) return false;
  if (*rest == '\0' || strcmp(rest, "/") == 0) return true;
  return *rest == '/' && parse_number(rest + 1, strlen(rest + 1), MAX_DB, &out->db);
}

static bool parse_unix(const char *text, struct redis_url *out)
{
  if (!take_login(&text, strcspn(text, "/"), out)) return false;
  if (*text != '/' || text[1] == '\0') return false;
  out->path = decode(text, strlen(text));
  return out->path != NULL;
}

enum status redis_url_parse(const char *text, struct redis_url *out)
{
  static const char TCP[] = "redis://", UNIX[] = "unix://";
  struct redis_url url = {0};
  bool ok = false;

  if (strncmp(text, TCP, sizeof TCP - 1) == 0) {
    ok = parse_tcp(text + sizeof TCP - 1, &url);
  } else if (strncmp(text, UNIX, sizeof UNIX - 1) == 0) {
    ok = parse_unix(text + sizeof UNIX - 1, &url);
  }
  if (!ok) redis_url_deinit(&url);
  *out = url;
  return ok ? ST_OK : ST_INVALID;
}

void redis_url_deinit(struct redis_url *url)
{
  free(url->path);
  free(url->host);
  free(url->user);
  free(url->password);
  *url = (struct redis_url){0};
}
