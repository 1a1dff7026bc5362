/* cached.c - see cached.h. Loop thread only. */
#include "http/cached.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "http/answer.h"
#include "metrics/metrics.h"

enum { AGE_MAX = 24, SECOND_MS = 1000 };

static void count(const struct call *call, bool hit)
{
  static struct metric_series *series[2];
  if (!series[hit])
    series[hit] = metric_series(METRIC_CACHE_ASKED, hit ? "hit" : "miss", NULL, NULL);
  metric_add(series[hit], 1);
  cache_count(call->api->cache, hit);
}

void cached_send(const struct call *call, int status, const struct cached_head *head)
{
  bool hit = head->stored_ms != CACHED_NOW;
  char age[AGE_MAX];
  snprintf(age, sizeof age, "%" PRId64, hit ? (clock_mono_ms() - head->stored_ms) / SECOND_MS : 0);
  const struct http_header headers[] = {{"Cache-Control", "private, no-cache"},
                                        {"X-Cache", hit ? "HIT" : "MISS"},
                                        {"X-Cache-Age", age},
                                        {head->name, head->value}};
  size_t n = *head->value ? 4 : 3;
  count(call, hit);
  if (status == 304)
    answer_empty(call, status, headers, n);
  else
    answer_send(call, status, headers, n);
}

void cached_send_kept(const struct call *call, int status, const char *header_name,
                      const struct cache_entry *e)
{
  const struct cache_answer *a = &e->answer;
  buf_append(answer_body(call), a->body, a->body_len);
  cached_send(call, status, &(struct cached_head){header_name, a->header, e->stored_ms});
}
