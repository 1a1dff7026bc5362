/* pool.c - see pool.h. */
#include "workers/pool.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>

#include "base/alloc.h"
#include "base/log.h"

enum { INBOX = 64, STACK_BYTES = 512 * 1024 };

struct worker {
  pthread_t thread;
  struct mailbox *inbox; /* one job at a time, and nudges */
};

struct slot {
  struct worker *worker;
  struct job *job;
};

struct pool {
  size_t n, idle, n_lost;
  struct worker **lost; /* written off; at most n */
  struct slot slots[];
};

/* A worker that is woken takes the CPU from nobody, the loop least of all: what a commit has done
 * is told to all workers it concerns before the first of them runs, and what they then report is
 * one batch. It costs a worker nothing where a CPU is idle. */
static void wait_for_the_loop(void)
{
  const struct sched_param none = {0};
  (void)pthread_setschedparam(pthread_self(), SCHED_BATCH, &none);
}

static void *worker_main(void *arg)
{
  struct worker *w = arg;
  wait_for_the_loop();
  for (void *item; (item = mailbox_take(w->inbox, INT64_MAX)) != NULL;)
    if (item != job_nudge) job_run(item);
  return NULL;
}

static struct worker *worker_create(void)
{
  struct worker *w = mem_alloc(sizeof *w);
  pthread_attr_t attr;
  w->inbox = mailbox_create(INBOX, NULL, NULL);
  pthread_attr_init(&attr);
  pthread_attr_setstacksize(&attr, STACK_BYTES);
  int error = pthread_create(&w->thread, &attr, worker_main, w);
  pthread_attr_destroy(&attr);
  if (error == 0) return w;
  mailbox_destroy(w->inbox);
  free(w);
  return NULL;
}

static void worker_destroy(struct worker *w)
{
  mailbox_close(w->inbox);
  pthread_join(w->thread, NULL);
  mailbox_destroy(w->inbox);
  free(w);
}

struct pool *pool_create(size_t slots)
{
  struct pool *p = mem_alloc(sizeof *p + slots * sizeof *p->slots);
  p->lost = mem_alloc(slots * sizeof *p->lost);
  for (; p->n < slots; p->n++)
    if ((p->slots[p->n].worker = worker_create()) == NULL) break;
  if (p->n < slots)
    LOG_ERROR("fewer worker threads than wanted", LOG_INT("threads", (int64_t)p->n));
  p->idle = p->n;
  return p;
}

void pool_destroy(struct pool *p)
{
  if (!p) return;
  for (size_t i = 0; i < p->n; i++) worker_destroy(p->slots[i].worker);
  free(p->lost);
  free(p);
}

size_t pool_slots(const struct pool *p)
{
  return p->n;
}

size_t pool_idle(const struct pool *p)
{
  return p->idle;
}

struct job *pool_job(const struct pool *p, size_t slot)
{
  return p->slots[slot].job;
}

void pool_start(struct pool *p, struct job *job)
{
  size_t i = 0;
  while (i < p->n && p->slots[i].job) i++;
  assert(i < p->n);
  p->slots[i].job = job;
  p->idle--;
  job->slot = i;
  job->inbox = p->slots[i].worker->inbox;
  bool posted = mailbox_post_wait(job->inbox, job);
  assert(posted);
  (void)posted;
}

void pool_done(struct pool *p, struct job *job)
{
  assert(p->slots[job->slot].job == job);
  p->slots[job->slot].job = NULL;
  p->idle++;
}

void pool_write_off(struct pool *p, struct job *job)
{
  struct worker *fresh = worker_create();
  if (!fresh || p->n_lost == p->n) {
    LOG_ERROR("cannot replace a worker thread");
    if (fresh) worker_destroy(fresh);
    return;
  }
  struct slot *slot = &p->slots[job->slot];
  p->lost[p->n_lost++] = slot->worker;
  slot->worker = fresh;
  slot->job = NULL;
  p->idle++;
  job->abandoned = true;
}

void pool_returned(struct pool *p, struct job *job)
{
  for (size_t i = 0; i < p->n_lost; i++) {
    if (p->lost[i]->inbox != job->inbox) continue;
    worker_destroy(p->lost[i]);
    p->lost[i] = p->lost[--p->n_lost];
    return;
  }
}

bool pool_exhausted(const struct pool *p)
{
  return p->n_lost * 2 >= p->n && p->n_lost > 0;
}
