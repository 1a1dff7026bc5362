/*
 * quoter.c - see quoter.h. A round belongs to whoever asks and to every quoter that has it in its
 * queue or in hand; the last of them frees it. One lock for each round: it guards all but what is
 * asked, which is const.
 */
#include "workers/quoter.h"

#include <assert.h>
#include <errno.h>
#include <ox/text.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/mailbox.h"
#include "base/ulid.h"
#include "order/order.h"

enum { STACK_BYTES = 512 * 1024 };

struct asked {
  struct quoter_round *round;
  struct ox_quote quote;
  bool answered;
};

struct quoter_round {
  struct ox_swap swap; /* its texts are those below */
  char order_id[ULID_ORDER_LEN + 1], draw_key[ORDER_OWN_ID_MAX + 1];
  char token_in[OX_NAME_MAX], token_out[OX_NAME_MAX];
  int64_t until_ns;

  pthread_mutex_t lock;
  pthread_cond_t complete;
  size_t n_answered, refs;
  bool over;
  size_t max, n;
  struct asked asked[];
};

struct quoter {
  struct quoter_call call;
  struct mailbox *tasks; /* of struct asked */
  size_t n_threads;
  pthread_t threads[];
};

/* ── rounds ─────────────────────────────────────────────────────────────────────────────────── */

static const char *copy(char *to, size_t len, const char *from)
{
  ox_text_copy(to, len, from);
  return to;
}

struct quoter_round *quoter_round_begin(const struct ox_swap *swap, size_t max, int64_t until_ns)
{
  struct quoter_round *r = mem_alloc(sizeof *r + max * sizeof *r->asked);
  pthread_condattr_t attr;
  r->swap = *swap;
  r->swap.order_id = copy(r->order_id, sizeof r->order_id, swap->order_id);
  r->swap.draw_key = copy(r->draw_key, sizeof r->draw_key, swap->draw_key);
  r->swap.token_in = copy(r->token_in, sizeof r->token_in, swap->token_in);
  r->swap.token_out = copy(r->token_out, sizeof r->token_out, swap->token_out);
  r->until_ns = until_ns;
  r->refs = 1;
  r->max = max;
  int failed = pthread_condattr_init(&attr);
  failed |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  failed |= pthread_mutex_init(&r->lock, NULL);
  failed |= pthread_cond_init(&r->complete, &attr);
  failed |= pthread_condattr_destroy(&attr);
  assert(!failed); /* these need no resources on Linux */
  return r;
}

/* Locked; unlocks. */
static void leave(struct quoter_round *r)
{
  bool last = --r->refs == 0;
  pthread_mutex_unlock(&r->lock);
  if (!last) return;
  pthread_cond_destroy(&r->complete);
  pthread_mutex_destroy(&r->lock);
  free(r);
}

bool quoter_round_ask(struct quoter_round *r, struct quoter *q)
{
  assert(r->n < r->max);
  struct asked *a = &r->asked[r->n];
  a->round = r;
  pthread_mutex_lock(&r->lock);
  r->refs++;
  pthread_mutex_unlock(&r->lock);
  if (mailbox_post(q->tasks, a)) {
    r->n++;
    return true;
  }
  pthread_mutex_lock(&r->lock);
  leave(r);
  return false;
}

void quoter_round_end(struct quoter_round *r, bool *answered, struct ox_quote *quotes)
{
  struct timespec until = {.tv_sec = r->until_ns / 1000000000, .tv_nsec = r->until_ns % 1000000000};
  int error = 0;
  pthread_mutex_lock(&r->lock);
  while (r->n_answered < r->n && error == 0)
    error = pthread_cond_timedwait(&r->complete, &r->lock, &until);
  r->over = true;
  for (size_t i = 0; i < r->n; i++) {
    answered[i] = r->asked[i].answered;
    if (answered[i]) quotes[i] = r->asked[i].quote;
  }
  leave(r);
}

/* ── threads ────────────────────────────────────────────────────────────────────────────────── */

static void answer(const struct quoter *q, struct asked *a)
{
  struct quoter_round *r = a->round;
  struct ox_quote quote = {.size = sizeof quote};
  pthread_mutex_lock(&r->lock);
  if (!r->over) {
    pthread_mutex_unlock(&r->lock);
    q->call.ask(q->call.arg, &r->swap, r->until_ns, &quote);
    pthread_mutex_lock(&r->lock);
    a->quote = quote;
    a->answered = true;
    r->n_answered++;
    pthread_cond_signal(&r->complete);
  }
  leave(r);
}

static void *quoter_main(void *arg)
{
  struct quoter *q = arg;
  for (struct asked *a; (a = mailbox_take(q->tasks, INT64_MAX)) != NULL;) answer(q, a);
  return NULL;
}

struct quoter *quoter_create(const struct quoter_call *call, size_t threads)
{
  struct quoter *q = mem_alloc(sizeof *q + threads * sizeof *q->threads);
  pthread_attr_t attr;
  q->call = *call;
  q->tasks = mailbox_create(2 * threads, NULL, NULL);
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  for (; q->n_threads < threads; q->n_threads++)
    if (pthread_create(&q->threads[q->n_threads], &attr, quoter_main, q) != 0) break;
  pthread_attr_destroy(&attr);
  if (q->n_threads < threads)
    LOG_WARN("fewer quote threads than wanted", LOG_INT("threads", (int64_t)q->n_threads));
  return q;
}

bool quoter_stop(struct quoter *q, int64_t until_ms)
{
  struct timespec until = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
  mailbox_close(q->tasks);
  while (q->n_threads > 0) {
    pthread_t thread = q->threads[q->n_threads - 1];
    if (pthread_timedjoin_np(thread, NULL, &until) != 0) return false;
    q->n_threads--;
  }
  return true;
}

void quoter_destroy(struct quoter *q)
{
  if (!q) return;
  assert(q->n_threads == 0);
  mailbox_destroy(q->tasks);
  free(q);
}
