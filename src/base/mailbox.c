/*
 * mailbox.c - a ring of pointers under one mutex. Any thread. The lock is held for a few
 * instructions and never while calling out; conditions wait on the monotonic clock.
 */
#include "base/mailbox.h"

#include <assert.h>
#include <pthread.h>
#include <time.h>

#include "base/alloc.h"

struct mailbox {
  pthread_mutex_t lock;
  pthread_cond_t not_empty;
  pthread_cond_t not_full;
  void (*wake)(void *arg);
  void *wake_arg;
  bool closed;
  size_t head; /* index of the oldest item */
  size_t len;
  size_t takers; /* that wait for an item */
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

  pthread_condattr_t attr;
  int failed = pthread_condattr_init(&attr);
  failed |= pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  failed |= pthread_mutex_init(&m->lock, NULL);
  failed |= pthread_cond_init(&m->not_empty, &attr);
  failed |= pthread_cond_init(&m->not_full, &attr);
  failed |= pthread_condattr_destroy(&attr);
  assert(!failed); /* these need no resources on Linux */
  return m;
}

void mailbox_destroy(struct mailbox *m)
{
  if (!m) return;
  pthread_cond_destroy(&m->not_full);
  pthread_cond_destroy(&m->not_empty);
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

/* Signals come after the unlock, and only where somebody waits: whoever wakes finds the lock free.
 */
static bool post(struct mailbox *m, void *item, bool wait)
{
  assert(item);
  pthread_mutex_lock(&m->lock);
  if (wait) wait_room(m);
  bool posted = !m->closed && m->len < m->capacity;
  if (posted) put(m, item);
  bool taker = posted && m->takers > 0, wake = posted && m->len == 1 && m->wake;
  pthread_mutex_unlock(&m->lock);
  if (taker) pthread_cond_signal(&m->not_empty);
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

/* Locked. False when the time is up. */
static bool wait_item(struct mailbox *m, int64_t deadline_ns)
{
  if (deadline_ns == INT64_MAX) return pthread_cond_wait(&m->not_empty, &m->lock) == 0;
  if (deadline_ns < 0) deadline_ns = 0;
  struct timespec until = {.tv_sec = deadline_ns / 1000000000, .tv_nsec = deadline_ns % 1000000000};
  return pthread_cond_timedwait(&m->not_empty, &m->lock, &until) == 0;
}

void *mailbox_take(struct mailbox *m, int64_t deadline_ns)
{
  pthread_mutex_lock(&m->lock);
  bool time_left = true;
  m->takers++;
  while (m->len == 0 && !m->closed && time_left) time_left = wait_item(m, deadline_ns);
  m->takers--;
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
  pthread_cond_broadcast(&m->not_empty);
  pthread_cond_broadcast(&m->not_full);
  pthread_mutex_unlock(&m->lock);
}
