/*
 * pg_start.c - connection parameters. What the URL says wins over what is only a default here
 * (keep-alives); statement time-outs go in front of the URL's own options, so those win too.
 *
 * The server's time-outs are shorter than the caller's deadline: a statement that hangs is then
 * rolled back by an answer, instead of being in doubt.
 *
 * enable_seqscan: a prepared statement keeps the plan it got while its table was empty or had just
 * been emptied, and then reads all of it for each key until the statistics are made again. All our
 * statements have an index to go by. jit: never worth it for statements this short.
 */
#include "io/pg_start.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"

enum { PARAMS_MAX = 16, OPTIONS_MAX = 64 << 10, LIST_MAX = 4096 };

struct params {
  const char *keys[PARAMS_MAX + 1];
  const char *values[PARAMS_MAX + 1];
  int n;
};

static void param(struct params *p, const char *key, const char *value)
{
  assert(p->n < PARAMS_MAX);
  p->keys[p->n] = key;
  p->values[p->n++] = value;
}

/* url_value() gives what url says of key (free it), or NULL. */
static char *url_value(const char *url, const char *key)
{
  PQconninfoOption *all = PQconninfoParse(url, NULL);
  char *value = NULL;

  for (PQconninfoOption *o = all; o && o->keyword; o++)
    if (strcmp(o->keyword, key) == 0 && o->val && *o->val) value = mem_strdup(o->val);
  PQconninfoFree(all);
  return value;
}

char *pg_start_host(const char *url)
{
  char *host = url_value(url, "host");
  char *address = url_value(url, "hostaddr");
  bool is_path = host && (*host == '/' || *host == '@');

  if (host && (address || is_path || strchr(host, ',') || dial_is_address(host))) {
    free(host);
    host = NULL;
  }
  free(address);
  return host;
}

/* One entry for each address: libpq pairs host and hostaddr, and tries them in turn. */
static void add_addresses(struct params *p, const struct dial_addresses *addresses,
                          const char *host, struct buf lists[2])
{
  for (size_t i = 0; i < addresses->n; i++) {
    buf_appendf(&lists[0], "%s%s", i ? "," : "", host);
    buf_appendf(&lists[1], "%s%s", i ? "," : "", addresses->text[i]);
  }
  param(p, "host", lists[0].data);
  param(p, "hostaddr", lists[1].data);
}

PGconn *pg_start(const char *url, const char *name, int64_t deadline_ms,
                 const struct dial_addresses *addresses)
{
  struct params p = {.n = 0};
  struct buf options, lists[2];
  char user_timeout[24];
  char *own_options = url_value(url, "options");
  char *host = url_value(url, "host");
  int64_t limit_ms = deadline_ms * 3 / 4;
  PGconn *pg;

  buf_init(&options, OPTIONS_MAX);
  buf_init(&lists[0], LIST_MAX);
  buf_init(&lists[1], LIST_MAX);
  buf_appendf(&options,
              "-c statement_timeout=%" PRId64 " -c idle_in_transaction_session_timeout=%" PRId64
              " -c enable_seqscan=off -c jit=off %s",
              limit_ms, limit_ms, own_options ? own_options : "");
  snprintf(user_timeout, sizeof user_timeout, "%" PRId64, deadline_ms);

  param(&p, "keepalives_idle", "10");
  param(&p, "keepalives_interval", "5");
  param(&p, "keepalives_count", "3");
  param(&p, "tcp_user_timeout", user_timeout);
  param(&p, "dbname", url);
  param(&p, "client_encoding", "UTF8");
  param(&p, "application_name", name);
  param(&p, "options", options.data);
  if (addresses) add_addresses(&p, addresses, host, lists);

  pg = PQconnectStartParams(p.keys, p.values, 1);
  if (!pg) abort(); /* out of memory, as base/alloc.h */
  buf_deinit(&options);
  buf_deinit(&lists[0]);
  buf_deinit(&lists[1]);
  free(own_options);
  free(host);
  return pg;
}
