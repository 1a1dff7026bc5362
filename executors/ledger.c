/*
 * ledger.c - the callers' side of the ledger: requests into a queue, a thread that serves what has
 * gathered, and what this process has seen. lock guards the queue, and the cache; the
 * thread holds it neither while it talks to PostgreSQL, nor while it logs or wakes whoever waits.
 */
#include "ledger.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ledger_db.h"

enum {
  WAITING_MAX = 4096,
  CACHE_SLOTS = 16384,
  RECONNECT_MS = 250,
  COMPANY = 2,    /* callers at a time that make it likely that more are on their way */
  MOMENT_US = 30, /* and the kernel's slack, 50 */
  MOMENTS_MAX = 4,
  ENOUGH = 8, /* transactions that wait for no more company */
};

enum request_state { UNDER_WAY, ANSWERED, ABANDONED };

/* What is asked of one hash, and what is answered. */
struct item {
  enum item_kind { SUBMIT, LOOKUP } kind;
  struct ledger_row row; /* of a lookup the hash alone */

  enum ox_venue_result result;
  struct ledger_entry entry; /* its hash is "" when it is absent */
  int64_t as_of_ms;
};

/* One call. The caller waits until it is answered or its time is up; then it is abandoned, and the
 * thread frees it. */
struct request {
  struct request *next;
  sem_t answered;
  _Atomic(enum request_state) state;
  size_t n;
  struct item items[]; /* n */
};

struct ledger {
  const struct ox_config *config;
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t work;
  bool idle; /* the thread waits for work */
  pthread_condattr_t monotonic;
  struct request *first, **last;
  size_t waiting;
  bool stopping;
  struct ledger_entry cache[CACHE_SLOTS];

  _Atomic int64_t clock_ahead_ms; /* of the ledger's clock over this host's monotonic one */
  _Atomic bool clock_known;

  struct ledger_db *db; /* from here on: the thread's own */
  int64_t reconnect_at_ms;
  bool away; /* and said so */
};

static int64_t mono_ms(void)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ── the clock ───────────────────────────────────────────────────────────────────────────────── */

/* PostgreSQL read its clock as now_ms at some moment between asked_ms and now: the least correction
 * that agrees with that. It never makes a row that has landed pending again. */
static void set_clock(struct ledger *l, int64_t asked_ms, int64_t now_ms)
{
  int64_t least = now_ms - mono_ms(), most = now_ms - asked_ms;
  int64_t ahead = atomic_load(&l->clock_ahead_ms);
  if (ahead < least || !atomic_load(&l->clock_known)) ahead = least;
  if (ahead > most) ahead = most;
  atomic_store(&l->clock_ahead_ms, ahead);
  atomic_store(&l->clock_known, true);
}

int64_t ledger_now_ms(struct ledger *l)
{
  if (!atomic_load(&l->clock_known)) return l->config->now_ms();
  return mono_ms() + atomic_load(&l->clock_ahead_ms);
}

/* ── what this process has seen ──────────────────────────────────────────────────────────────── */

static struct ledger_entry *cache_slot(struct ledger *l, const char *tx_hash)
{
  uint32_t sum = 2166136261u;
  for (; *tx_hash; tx_hash++) sum = (sum ^ (unsigned char)*tx_hash) * 16777619u;
  return &l->cache[sum % CACHE_SLOTS];
}

static bool cache_find(struct ledger *l, const char *tx_hash, struct ledger_entry *entry)
{
  const struct ledger_entry *slot = cache_slot(l, tx_hash);
  if (strcmp(slot->tx_hash, tx_hash) != 0) return false;
  *entry = *slot;
  return true;
}

/* ── the thread ──────────────────────────────────────────────────────────────────────────────── */

static bool connected(struct ledger *l)
{
  if (ledger_db_connected(l->db)) return true;
  if (mono_ms() < l->reconnect_at_ms) return false;
  int64_t asked_ms = mono_ms(), now_ms;
  bool up = ledger_db_connect(l->db, &now_ms);
  if (up)
    set_clock(l, asked_ms, now_ms);
  else
    l->reconnect_at_ms = mono_ms() + RECONNECT_MS;
  if (up == l->away) {
    char line[320];
    snprintf(line, sizeof line, up ? "sim ledger: PostgreSQL is back" : "sim ledger: %s",
             ledger_db_error(l->db));
    l->config->log(up ? "info" : "warn", line);
    l->away = !up;
  }
  return up;
}

/* What a transaction serves: the items of some requests. */
struct batch {
  struct request *requests[LEDGER_BATCH_MAX];
  struct item *items[LEDGER_BATCH_MAX];
  size_t n_requests, n;
};

/* Inserts the batch's submits. Those that were not accepted (expired, or there already) stay
 * without an entry: reading them tells which. */
static bool insert(struct ledger *l, const struct batch *batch, bool some_known)
{
  const struct ledger_row *rows[LEDGER_BATCH_MAX];
  struct item *items[LEDGER_BATCH_MAX];
  int64_t accepted_ms[LEDGER_BATCH_MAX], asked_ms = mono_ms();
  size_t k = 0;
  for (size_t i = 0; i < batch->n; i++) {
    if (batch->items[i]->kind != SUBMIT) continue;
    items[k] = batch->items[i];
    rows[k++] = &batch->items[i]->row;
  }
  if (k == 0) return true;
  if (!ledger_db_insert(l->db, rows, k, some_known, accepted_ms)) return false;
  for (size_t i = 0; i < k; i++) {
    const struct ledger_row *row = rows[i];
    if (accepted_ms[i] == 0) continue;
    struct ledger_entry *entry = &items[i]->entry;
    memcpy(entry->tx_hash, row->tx_hash, sizeof entry->tx_hash);
    entry->in_amount = row->in_amount;
    entry->out_amount = row->out_amount;
    entry->leg_in = row->leg_in;
    entry->leg_out = row->leg_out;
    entry->accepted_at_ms = accepted_ms[i];
    entry->lands_at_ms =
        row->delay_ms < 0 ? row->expires_at_ms - row->delay_ms : accepted_ms[i] + row->delay_ms;
    entry->landed = row->landed;
    set_clock(l, asked_ms, accepted_ms[i]);
  }
  return true;
}

static bool read_rest(struct ledger *l, const struct batch *batch)
{
  const char *hashes[LEDGER_BATCH_MAX];
  struct item *items[LEDGER_BATCH_MAX];
  struct ledger_entry entries[LEDGER_BATCH_MAX];
  int64_t as_of_ms, asked_ms = mono_ms();
  size_t k = 0;
  for (size_t i = 0; i < batch->n; i++) {
    if (batch->items[i]->entry.tx_hash[0]) continue;
    items[k] = batch->items[i];
    hashes[k++] = batch->items[i]->row.tx_hash;
  }
  if (k == 0) return true;
  if (!ledger_db_read(l->db, hashes, k, entries, &as_of_ms)) return false;
  set_clock(l, asked_ms, as_of_ms);
  for (size_t i = 0; i < k; i++) {
    items[i]->entry = entries[i];
    items[i]->as_of_ms = as_of_ms;
  }
  return true;
}

/* A batch that failed goes once more over a new connection: what was accepted all the same, or had
 * been sent before, which fails the first insert, is found by its hash. */
static void serve(struct ledger *l, const struct batch *batch)
{
  bool served = false;
  for (int tries = 0; tries < 2 && !served && connected(l); tries++) {
    served = insert(l, batch, tries > 0) && read_rest(l, batch);
    if (!served) l->reconnect_at_ms = 0;
  }
  for (size_t i = 0; i < batch->n; i++) {
    struct item *item = batch->items[i];
    bool absent = item->entry.tx_hash[0] == '\0';
    if (!served)
      item->result = OX_VENUE_UNAVAILABLE;
    else
      item->result = item->kind == SUBMIT && absent ? OX_VENUE_REJECTED : OX_VENUE_OK;
  }
}

static void request_free(struct request *r)
{
  sem_destroy(&r->answered);
  free(r);
}

/* Takes what has gathered; what was abandoned before it was sent never is. Under the lock. */
static void take(struct ledger *l, struct batch *batch)
{
  batch->n = batch->n_requests = 0;
  while (l->first && batch->n + l->first->n <= LEDGER_BATCH_MAX) {
    struct request *r = l->first;
    l->first = r->next;
    l->waiting -= r->n;
    if (atomic_load(&r->state) == ABANDONED) {
      request_free(r);
      continue;
    }
    batch->requests[batch->n_requests++] = r;
    for (size_t i = 0; i < r->n; i++) batch->items[batch->n++] = &r->items[i];
  }
  if (!l->first) l->last = &l->first;
}

/* Under the lock. */
static void remember(struct ledger *l, const struct batch *batch)
{
  for (size_t i = 0; i < batch->n; i++) {
    const struct ledger_entry *entry = &batch->items[i]->entry;
    if (entry->tx_hash[0]) *cache_slot(l, entry->tx_hash) = *entry;
  }
}

static void answer(const struct batch *batch)
{
  for (size_t i = 0; i < batch->n_requests; i++) {
    struct request *r = batch->requests[i];
    if (atomic_exchange(&r->state, ANSWERED) == ABANDONED)
      request_free(r);
    else
      sem_post(&r->answered);
  }
}

static struct timespec timespec_of(int64_t ms)
{
  return (struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
}

/* Without work the connection is still made: its clock is wanted. Under the lock. */
static void wait_for_work(struct ledger *l)
{
  struct timespec until = timespec_of(l->reconnect_at_ms);
  int late = 0;
  l->idle = true;
  if (ledger_db_connected(l->db))
    pthread_cond_wait(&l->work, &l->lock);
  else
    late = pthread_cond_timedwait(&l->work, &l->lock, &until);
  l->idle = false;
  if (late != ETIMEDOUT) return;
  pthread_mutex_unlock(&l->lock);
  (void)connected(l);
  pthread_mutex_lock(&l->lock);
}

static void moment(struct ledger *l)
{
  struct timespec us = {.tv_nsec = MOMENT_US * 1000};
  pthread_mutex_unlock(&l->lock);
  clock_nanosleep(CLOCK_MONOTONIC, 0, &us, NULL);
  pthread_mutex_lock(&l->lock);
}

/* A statement costs much the same for one row as for some. Where callers have had company lately,
 * moments' wait finds more of it, as PostgreSQL's commit_delay does. Under the lock. */
static void gather(struct ledger *l, size_t company)
{
  size_t seen = 0;
  for (int i = 0; i < MOMENTS_MAX && company >= COMPANY && !l->stopping; i++) {
    if (l->waiting == seen || l->waiting >= ENOUGH) return;
    seen = l->waiting;
    moment(l);
  }
}

static void *run(void *arg)
{
  struct ledger *l = arg;
  struct batch batch;
  size_t company = 0;
  pthread_mutex_lock(&l->lock);
  for (;;) {
    while (!l->first && !l->stopping) wait_for_work(l);
    if (!l->first) break;
    gather(l, company);
    take(l, &batch);
    company = batch.n > company / 2 ? batch.n : company / 2;
    if (batch.n == 0) continue;
    pthread_mutex_unlock(&l->lock);
    serve(l, &batch);
    pthread_mutex_lock(&l->lock);
    remember(l, &batch);
    pthread_mutex_unlock(&l->lock);
    answer(&batch);
    pthread_mutex_lock(&l->lock);
  }
  pthread_mutex_unlock(&l->lock);
  return NULL;
}

/* ── calls ───────────────────────────────────────────────────────────────────────────────────── */

/* False: abandoned, and no longer the caller's. Answered in the very moment its time was up: the
 * post is still to come, and r is needed until it has. */
static bool wait_for(struct request *r, int64_t wait_ms)
{
  struct timespec until = timespec_of(mono_ms() + wait_ms);
  int failed;
  do failed = sem_clockwait(&r->answered, CLOCK_MONOTONIC, &until);
  while (failed && errno == EINTR);
  if (failed && atomic_exchange(&r->state, ABANDONED) != ANSWERED) return false;
  while (failed) failed = sem_wait(&r->answered);
  return atomic_load(&r->state) != UNDER_WAY;
}

static struct request *request_new(size_t n)
{
  struct request *r = calloc(1, sizeof *r + n * sizeof *r->items);
  if (!r) return NULL;
  r->n = n;
  sem_init(&r->answered, 0, 0);
  return r;
}

/* Queues r and waits. OX_VENUE_OK: it is answered, and the caller's to free; else it is gone. */
static enum ox_venue_result call(struct ledger *l, struct request *r, int64_t wait_ms)
{
  pthread_mutex_lock(&l->lock);
  if (wait_ms <= 0 || l->waiting + r->n > WAITING_MAX) {
    pthread_mutex_unlock(&l->lock);
    request_free(r);
    return wait_ms <= 0 ? OX_VENUE_TIMEOUT : OX_VENUE_RATE_LIMITED;
  }
  *l->last = r;
  l->last = &r->next;
  l->waiting += r->n;
  bool idle = l->idle;
  pthread_mutex_unlock(&l->lock);
  if (idle) pthread_cond_signal(&l->work);
  return wait_for(r, wait_ms) ? OX_VENUE_OK : OX_VENUE_TIMEOUT;
}

void ledger_submit_batch(struct ledger *l, const struct ledger_row *rows, size_t n, int64_t wait_ms,
                         enum ox_venue_result *results)
{
  struct request *r = request_new(n);
  for (size_t i = 0; r && i < n; i++) r->items[i] = (struct item){.kind = SUBMIT, .row = rows[i]};
  enum ox_venue_result result = r ? call(l, r, wait_ms) : OX_VENUE_UNAVAILABLE;
  for (size_t i = 0; i < n; i++) results[i] = result == OX_VENUE_OK ? r->items[i].result : result;
  if (result == OX_VENUE_OK) request_free(r);
}

enum ox_venue_result ledger_submit(struct ledger *l, const struct ledger_row *row, int64_t wait_ms)
{
  enum ox_venue_result result;
  ledger_submit_batch(l, row, 1, wait_ms, &result);
  return result;
}

/* The entry of a hash as PostgreSQL has it, and as of when that is. */
static enum ox_venue_result read_one(struct ledger *l, const char *tx_hash, int64_t wait_ms,
                                     struct ledger_entry *entry, int64_t *as_of_ms)
{
  struct request *r = request_new(1);
  if (!r) return OX_VENUE_UNAVAILABLE;
  r->items[0].kind = LOOKUP;
  memcpy(r->items[0].row.tx_hash, tx_hash, strlen(tx_hash) + 1);
  enum ox_venue_result result = call(l, r, wait_ms);
  if (result != OX_VENUE_OK) return result;
  result = r->items[0].result;
  *entry = r->items[0].entry;
  *as_of_ms = r->items[0].as_of_ms;
  request_free(r);
  return result;
}

static void describe_legs(const struct ledger_entry *entry, struct ox_landing *landing)
{
  landing->n_legs = entry->landed && entry->leg_in > 0 ? 2 : 0;
  landing->legs[0] = (struct ox_leg){.in_amount = entry->leg_in, .out_amount = entry->leg_out};
  landing->legs[1] = (struct ox_leg){.in_amount = entry->in_amount - entry->leg_in,
                                     .out_amount = entry->out_amount - entry->leg_out};
}

static void describe(const struct ledger_entry *entry, int64_t as_of_ms, struct ox_landing *landing)
{
  bool absent = entry->tx_hash[0] == '\0';
  landing->as_of_ms = as_of_ms;
  landing->in_amount = entry->landed ? entry->in_amount : 0;
  landing->out_amount = entry->landed ? entry->out_amount : 0;
  landing->landed_at_ms = entry->lands_at_ms;
  describe_legs(entry, landing);
  if (absent)
    landing->state = OX_LANDING_ABSENT;
  else if (as_of_ms < entry->lands_at_ms)
    landing->state = OX_LANDING_PENDING;
  else
    landing->state = entry->landed ? OX_LANDING_LANDED : OX_LANDING_REVERTED;
}

enum ox_venue_result ledger_lookup(struct ledger *l, const char *tx_hash, int64_t wait_ms,
                                   int64_t lag_ms, struct ox_landing *landing)
{
  struct ledger_entry entry = {0};
  int64_t as_of_ms = 0;
  if (strlen(tx_hash) >= LEDGER_HASH_MAX) return OX_VENUE_REJECTED;
  pthread_mutex_lock(&l->lock);
  bool seen = cache_find(l, tx_hash, &entry);
  pthread_mutex_unlock(&l->lock);
  enum ox_venue_result result = OX_VENUE_OK;
  if (!seen) result = read_one(l, tx_hash, wait_ms, &entry, &as_of_ms);
  if (result != OX_VENUE_OK) return result;
  as_of_ms = (entry.tx_hash[0] ? ledger_now_ms(l) : as_of_ms) - lag_ms;
  /* What was accepted since is absent, and as of then that is true. */
  if (lag_ms > 0 && entry.accepted_at_ms > as_of_ms) entry = (struct ledger_entry){0};
  describe(&entry, as_of_ms, landing);
  return result;
}

/* ── life ────────────────────────────────────────────────────────────────────────────────────── */

/* Signals are for the threads of the host. */
static bool start_thread(struct ledger *l)
{
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int failed = pthread_create(&l->thread, NULL, run, l);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return !failed;
}

struct ledger *ledger_create(const struct ox_config *config, const char *database_url)
{
  struct ledger *l = calloc(1, sizeof *l);
  if (!l) return NULL;
  l->config = config;
  l->last = &l->first;
  l->db = ledger_db_create(database_url);
  if (!l->db) goto no_db;
  if (pthread_mutex_init(&l->lock, NULL) != 0) goto no_lock;
  if (pthread_condattr_init(&l->monotonic) != 0) goto no_attr;
  pthread_condattr_setclock(&l->monotonic, CLOCK_MONOTONIC);
  if (pthread_cond_init(&l->work, &l->monotonic) != 0) goto no_cond;
  if (start_thread(l)) return l;
  pthread_cond_destroy(&l->work);
no_cond:
  pthread_condattr_destroy(&l->monotonic);
no_attr:
  pthread_mutex_destroy(&l->lock);
no_lock:
  ledger_db_destroy(l->db);
no_db:
  free(l);
  return NULL;
}

void ledger_destroy(struct ledger *l)
{
  if (!l) return;
  pthread_mutex_lock(&l->lock);
  l->stopping = true;
  pthread_cond_signal(&l->work);
  pthread_mutex_unlock(&l->lock);
  pthread_join(l->thread, NULL);
  ledger_db_destroy(l->db);
  pthread_cond_destroy(&l->work);
  pthread_condattr_destroy(&l->monotonic);
  pthread_mutex_destroy(&l->lock);
  free(l);
}
