/* company.c - see company.h. */
#include "journal/company.h"

enum { ALL = 1024, PROMPT = ALL * 3 / 4, MEMORY = 8 };

void company_init(struct company *c, uv_loop_t *loop)
{
  *c = (struct company){0};
  uv_timer_init(loop, &c->timer);
}

void company_close(struct company *c, uv_close_cb on_closed)
{
  uv_close((uv_handle_t *)&c->timer, on_closed);
}

static bool within(int64_t since_ns, int64_t ms, int64_t now_ns)
{
  return now_ns - since_ns < ms * INT64_C(1000000);
}

static bool in_time(const struct company *c, int64_t now_ns)
{
  return within(c->told_ns, COMPANY_FIRST_MS, now_ns) &&
         (!c->first_ns || within(c->first_ns, COMPANY_MS, now_ns));
}

void company_told(struct company *c, size_t n, int64_t now_ns)
{
  if (n == 0) return;
  if (c->told > 0) {
    size_t back = c->back < c->told ? c->back : c->told;
    c->prompt += ((int)(back * ALL / c->told) - c->prompt) / MEMORY;
  }
  c->told = n;
  c->back = 0;
  c->told_ns = now_ns;
  c->first_ns = 0;
}

void company_came(struct company *c, int64_t now_ns)
{
  if (!in_time(c, now_ns)) return;
  c->back++;
  if (!c->first_ns) c->first_ns = now_ns;
}

void company_expects_claims(struct company *c, bool expected, int64_t now_ns)
{
  c->claims_expected_ns = expected ? now_ns : 0;
}

static void on_timer(uv_timer_t *timer)
{
  (void)timer; /* the turn is what was wanted */
}

/* One in eight may be late: he is not worth the wait of the others. */
static bool workers_awaited(const struct company *c, int64_t now_ns)
{
  return c->prompt > PROMPT && c->back < c->told - c->told / 8 && in_time(c, now_ns);
}

bool company_awaited(struct company *c, int64_t now_ns)
{
  bool claims = c->claims_expected_ns && within(c->claims_expected_ns, COMPANY_MS, now_ns);
  if (!claims && !workers_awaited(c, now_ns)) return false;
  if (!uv_is_active((uv_handle_t *)&c->timer)) uv_timer_start(&c->timer, on_timer, COMPANY_MS, 0);
  return true;
}
