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

static bool in_time(const struct told *t, int64_t now_ns)
{
  return within(t->last_ns, COMPANY_FIRST_MS, now_ns) &&
         (!t->first_ns || within(t->first_ns, COMPANY_MS, now_ns));
}

/* Who is told soon after others is awaited together with them. */
void company_told(struct company *c, enum told_of of, size_t n, int64_t now_ns)
{
  struct told *t = &c->told[of];
  if (n == 0) return;
  if (t->n == 0 || !within(t->since_ns, COMPANY_FIRST_MS, now_ns)) {
    size_t back = t->back < t->n ? t->back : t->n;
    if (t->n > 0) t->prompt += ((int)(back * ALL / t->n) - t->prompt) / MEMORY;
    t->since_ns = now_ns;
    t->n = t->back = 0;
  }
  t->n += n;
  t->last_ns = now_ns;
  t->first_ns = 0;
}

void company_came(struct company *c, enum told_of of, int64_t now_ns)
{
  struct told *t = &c->told[of];
  if (!in_time(t, now_ns)) return;
  t->back++;
  if (!t->first_ns) t->first_ns = now_ns;
}

void company_expects_claims(struct company *c, bool expected, int64_t now_ns)
{
  c->claims_expected_ns = expected ? now_ns : 0;
}

static void on_timer(uv_timer_t *timer)
{
  (void)timer; /* the turn is what was wanted */
}

/* As many as have come lately. */
static bool workers_awaited(const struct told *t, int64_t now_ns)
{
  size_t usual = (t->n * (size_t)t->prompt + ALL / 2) / ALL;
  return t->prompt > PROMPT && t->back < usual && in_time(t, now_ns);
}

bool company_awaited(struct company *c, unsigned kinds, int64_t now_ns)
{
  bool awaited = c->claims_expected_ns && within(c->claims_expected_ns, COMPANY_MS, now_ns);
  for (unsigned of = 0; of < TOLD_KINDS; of++)
    awaited |= kinds >> of & 1 && workers_awaited(&c->told[of], now_ns);
  if (awaited && !uv_is_active((uv_handle_t *)&c->timer))
    uv_timer_start(&c->timer, on_timer, COMPANY_MS, 0);
  return awaited;
}
