/*
 * mailbox.c - a ring of pointers under one mutex. Any thread. The lock is held for a few
 * instructions and never while calling out.
 *
 * Takers sleep on a semaphore, without the lock: after a wait for a condition glibc takes the lock
 * as one that others wait for, and lets it go with a call to the kernel that wakes nobody.
 */
#include "base/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <time.h>

#include "base/alloc.h"

struct mailbox {
  pthread_mutex_t lock;
  pthread_cond_t not_full;
  sem_t calls; /* one for each taker that was called */
  void (*wake)(void *arg);
  void *wake_arg;
  bool closed;
  size_t head; /* index of the oldest item */
  size_t len;
  size_t takers; /* that sleep and were not called yet */
  size_t waiting_posters;
  size_t capacity;
  void *items[];
};

struct mailbox *mailbox_create(size_t capacity, void (*wake)(void *arg), void *arg)
{
  assert(capacity > 0);
  struct mailbox *m = mem_alloc(sizeof *m + capacity * sizeof m->items[0]);
  m->capacity = capacity;
  m->wake = wake;
  m->wake_arg = arg;

  int failed = pthread_mutex_init(&m->lock, NULL);
  failed |= pthread_cond_init(&m->not_full, NULL);
  failed |= sem_init(&m->calls, 0, 0);
  assert(!failed); /* these need no resources on Linux */
  return m;
}

void mailbox_destroy(struct mailbox *m)
{
  if (!m) return;
  sem_destroy(&m->calls);
  pthread_cond_destroy(&m->not_full);
  pthread_mutex_destroy(&m->lock);
  free(m);
}

/* Locked, with room. */
static void put(struct mailbox *m, void *item)
{
  size_t at = m->head + m->len;
  m->items[at < m->capacity ? at : at - m->capacity] = item;
  m->len++;
}

/* Locked, not empty. */
static void *get(struct mailbox *m)
{
  void *item = m->items[m->head];
  if (++m->head == m->capacity) m->head = 0;
  m->len--;
  return item;
}

/* Locked. */
static void wait_room(struct mailbox *m)
{
  m->waiting_posters++;
  while (!m->closed && m->len == m->capacity) pthread_cond_wait(&m->not_full, &m->lock);
  m->waiting_posters--;
}

/* Takers are called after the unlock, and only where one sleeps: who wakes finds the lock free. */
static bool post(struct mailbox *m, void *item, bool wait)
{
  assert(item);
  pthread_mutex_lock(&m->lock);
  if (wait) wait_room(m);
  bool posted = !m->closed && m->len < m->capacity;
  if (posted) put(m, item);
  bool taker = posted && m->takers > 0, wake = posted && m->len == 1 && m->wake;
  m->takers -= taker;
  pthread_mutex_unlock(&m->lock);
  if (taker) sem_post(&m->calls);
  if (wake) m->wake(m->wake_arg);
  return posted;
}

bool mailbox_post(struct mailbox *m, void *item)
{
  return post(m, item, false);
}

bool mailbox_post_wait(struct mailbox *m, void *item)
{
  return post(m, item, true);
}

static int wait_call(struct mailbox *m, int64_t deadline_ns)
{
  if (deadline_ns == INT64_MAX) return sem_wait(&m->calls);
  if (deadline_ns < 0) deadline_ns = 0;
  struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
  return sem_clockwait(&m->calls, CLOCK_MONOTONIC, &until);
}

/* Locked; not while it sleeps. False when the time is up: then nobody may call this taker any more.
 * When all were called already, so was this one, and its call is about to come. */
static bool sleep_taker(struct mailbox *m, int64_t deadline_ns)
{
  int failed;
  m->takers++;
  pthread_mutex_unlock(&m->lock);
  do failed = wait_call(m, deadline_ns);
  while (failed && errno == EINTR);
  pthread_mutex_lock(&m->lock);
  if (!failed) return true;
  if (m->takers > 0) {
    m->takers--;
    return false;
  }
  pthread_mutex_unlock(&m->lock);
  while (wait_call(m, INT64_MAX) != 0) continue;
  pthread_mutex_lock(&m->lock);
  return true;
}

void *mailbox_take(struct mailbox *m, int64_t deadline_ns)
{
  pthread_mutex_lock(&m->lock);
  bool time_left = true;
  while (m->len == 0 && !m->closed && time_left) time_left = sleep_taker(m, deadline_ns);
  void *item = m->len ? get(m) : NULL;
  bool poster = item && m->waiting_posters > 0;
  pthread_mutex_unlock(&m->lock);
  if (poster) pthread_cond_signal(&m->not_full);
  return item;
}

size_t mailbox_drain(struct mailbox *m, void **out, size_t max)
{
  size_t n = 0;
  pthread_mutex_lock(&m->lock);
  while (n < max && m->len) out[n++] = get(m);
  bool posters = n > 0 && m->waiting_posters > 0;
  pthread_mutex_unlock(&m->lock);
  if (posters) pthread_cond_broadcast(&m->not_full);
  return n;
}

size_t mailbox_len(struct mailbox *m)
{
  pthread_mutex_lock(&m->lock);
  size_t len = m->len;
  pthread_mutex_unlock(&m->lock);
  return len;
}

void mailbox_close(struct mailbox *m)
{
  pthread_mutex_lock(&m->lock);
  m->closed = true;
  for (; m->takers > 0; m->takers--) sem_post(&m->calls);
  pthread_cond_broadcast(&m->not_full);
  pthread_mutex_unlock(&m->lock);
}
