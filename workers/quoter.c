/*
 * quoter.c - see quoter.h. A task is shared by the worker that asks and the quoter that answers,
 * and freed by whichever of the two is done with it last.
 */
#include "workers/quoter.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "workers/host.h"

enum { VENUES_MAX = 16 };

struct quote_task {
  const struct registry_venue *venue;
  struct mailbox *inbox; /* of the worker that waits: outlives the quoters */
  struct ox_swap swap;
  char order_id[ULID_ORDER_LEN + 1], draw_key[ORDER_OWN_ID_MAX + 1];
  char token_in[OX_NAME_MAX], token_out[OX_NAME_MAX];
  int64_t deadline_ms;
  struct ox_quote quote;
  _Atomic int done; /* answered by the quoter, or given up by the worker: the second one frees */
};

struct quoter {
  struct mailbox *tasks;
  size_t n;
  pthread_t threads[];
};

static void ask(const struct registry_venue *v, const struct ox_swap *swap, int64_t deadline_ms,
                struct ox_quote *quote)
{
  memset(quote, 0, sizeof *quote);
  quote->size = sizeof *quote;
  quote->result = v->venue->quote(v->self, swap, deadline_ms, quote);
  snprintf(quote->venue, sizeof quote->venue, "%s", v->venue->name);
}

static void *quoter_main(void *arg)
{
  struct quoter *q = arg;
  for (struct quote_task *t; (t = mailbox_take(q->tasks, INT64_MAX)) != NULL;) {
    ask(t->venue, &t->swap, t->deadline_ms, &t->quote);
    struct mailbox *inbox = t->inbox;
    if (atomic_exchange(&t->done, 1))
      free(t);
    else
      mailbox_post(inbox, job_nudge);
  }
  return NULL;
}

struct quoter *quoter_create(struct mailbox *tasks, size_t threads)
{
  struct quoter *q = mem_alloc(sizeof *q + threads * sizeof *q->threads);
  q->tasks = tasks;
  for (; q->n < threads; q->n++)
    if (pthread_create(&q->threads[q->n], NULL, quoter_main, q) != 0) break;
  if (q->n < threads)
    LOG_WARN("fewer quote threads than wanted", LOG_INT("threads", (int64_t)q->n));
  return q;
}

void quoter_destroy(struct quoter *q)
{
  if (!q) return;
  mailbox_close(q->tasks);
  for (size_t i = 0; i < q->n; i++) pthread_join(q->threads[i], NULL);
  free(q);
}

static struct quote_task *task_create(const struct job *job, const struct registry_venue *venue,
                                      const struct ox_swap *swap, int64_t deadline_ms)
{
  struct quote_task *t = mem_alloc(sizeof *t);
  t->venue = venue;
  t->inbox = job->inbox;
  t->deadline_ms = deadline_ms;
  t->swap = *swap;
  snprintf(t->order_id, sizeof t->order_id, "%s", swap->order_id);
  snprintf(t->draw_key, sizeof t->draw_key, "%s", swap->draw_key);
  snprintf(t->token_in, sizeof t->token_in, "%s", swap->token_in);
  snprintf(t->token_out, sizeof t->token_out, "%s", swap->token_out);
  t->swap.order_id = t->order_id;
  t->swap.draw_key = t->draw_key;
  t->swap.token_in = t->token_in;
  t->swap.token_out = t->token_out;
  return t;
}

/* Waits for the quoter, at the latest until until_ns, and takes what it said. */
static void collect(struct job *job, struct quote_task *t, int64_t until_ns, struct ox_quote *quote)
{
  while (!atomic_load(&t->done) && clock_mono_ns() < until_ns) mailbox_take(job->inbox, until_ns);
  if (atomic_exchange(&t->done, 1)) {
    *quote = t->quote;
    free(t);
    return;
  }
  *quote = (struct ox_quote){.size = sizeof *quote, .result = OX_VENUE_TIMEOUT};
  snprintf(quote->venue, sizeof quote->venue, "%s", t->venue->venue->name);
}

static bool waits(const struct registry_venue *v)
{
  return !v->venue->quote_waits || v->venue->quote_waits(v->self);
}

/* Gives the venue to a quoter; NULL when there is none to take it, and it has to be asked here. */
static struct quote_task *delegate(struct job *job, const struct registry_venue *v,
                                   const struct ox_swap *swap, int64_t deadline_ms)
{
  struct quote_task *t = task_create(job, v, swap, deadline_ms);
  if (mailbox_post(job->env->quotes, t)) return t;
  free(t);
  return NULL;
}

size_t host_quotes(struct job *job, const struct ox_swap *swap, struct ox_quote *quotes, size_t max)
{
  const struct registry *registry = job->env->registry;
  struct quote_task *tasks[VENUES_MAX] = {0};
  size_t n = registry_venues(registry), waiting = 0;
  if (n > max) n = max;
  if (n > VENUES_MAX) n = VENUES_MAX;
  int64_t deadline_ms = clock_unix_ms() + job->env->venue_deadline_ms;
  int64_t until_ns = clock_mono_ns() + job->env->venue_deadline_ms * 1000000;
  for (size_t i = 0; i < n; i++) waiting += waits(registry_venue_at(registry, i));
  if (waiting > 0) host_flush(job, false);
  for (size_t i = 0; i < n; i++) {
    const struct registry_venue *v = registry_venue_at(registry, i);
    if (waits(v) && --waiting > 0) tasks[i] = delegate(job, v, swap, deadline_ms);
  }
  for (size_t i = 0; i < n; i++)
    if (!tasks[i]) ask(registry_venue_at(registry, i), swap, deadline_ms, &quotes[i]);
  for (size_t i = 0; i < n; i++)
    if (tasks[i]) collect(job, tasks[i], until_ns, &quotes[i]);
  return n;
}
