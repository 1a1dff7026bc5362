/* limiter.c - see limiter.h. */
#include "workers/limiter.h"

#include <ox/text.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "workers/starts.h"
#include "workers/witness.h"

enum { PROOF_MAX = 8192, NEWCOMER_MS = 2 * LIMITER_ASKS_MS };

struct limiter {
  struct limiter_parts parts;
  int64_t window_ms;            /* for how long a start counts: that of the options and its slack */
  int64_t late_ms;              /* a hand-over may take so long */
  struct starts *starts;        /* NULL: no limit */
  struct witness witness, leap; /* leap: what it is to be when the limiter is closed */
  int64_t settled_ms;           /* monotonic: nothing starts before; 0: nothing is known */
  int64_t last_start_ms;        /* monotonic; 0: never */
  char last_token[QUEUE_TOKEN_MAX];
  bool busy, company;
};

int64_t limiter_slack_ms(int64_t rate_window_ms)
{
  int64_t slack = rate_window_ms / 200;
  return slack < 25 ? 25 : slack > 500 ? 500 : slack;
}

struct limiter *limiter_create(const struct limiter_parts *parts)
{
  struct limiter *l = mem_alloc(sizeof *l);
  const struct workers_options *o = parts->options;
  int64_t slack_ms = limiter_slack_ms(o->rate_window_ms);
  l->parts = *parts;
  l->window_ms = o->rate_window_ms + slack_ms;
  l->late_ms = slack_ms - WITNESS_TOLERANCE_MS;
  if (o->rate_limit > 0) l->starts = starts_create((size_t)o->rate_limit, o->rate_window_ms);
  return l;
}

void limiter_destroy(struct limiter *l)
{
  starts_destroy(l->starts);
  free(l);
}

bool limiter_busy(const struct limiter *l)
{
  return l->busy;
}

/* ── by what this process knows itself ──────────────────────────────────────────────────────── */

size_t limiter_allows(const struct limiter *l, size_t wanted, int64_t *wait_ms)
{
  int64_t now = clock_mono_ms();
  *wait_ms = 0;
  if (!l->starts) return wanted;
  if (l->company && l->settled_ms > now) {
    *wait_ms = l->settled_ms - now;
    return 0;
  }
  size_t allowed = starts_allowed(l->starts, now, wanted);
  if (allowed == 0) *wait_ms = starts_wait_ms(l->starts, now);
  return allowed;
}

void limiter_armed(struct limiter *l, bool company)
{
  l->company = company;
}

int64_t limiter_commit_by_ms(const struct limiter *l, int64_t sent_ns)
{
  if (!l->starts) return INT64_MAX;
  return session_pg_earliest_ms(l->parts.session, sent_ns / 1000000) + l->late_ms;
}

bool limiter_too_late(const struct limiter *l, int64_t sent_ns, int64_t now_ms)
{
  return l->starts && now_ms - sent_ns / 1000000 > l->late_ms;
}

void limiter_note(struct limiter *l, const char *token, int64_t now_ms)
{
  l->last_start_ms = now_ms;
  if (l->starts) starts_note(l->starts, now_ms);
  ox_text_copy(l->last_token, sizeof l->last_token, token);
}

bool limiter_last(const struct limiter *l, struct session_start *out)
{
  *out = (struct session_start){clock_mono_ms() - l->last_start_ms, l->last_token};
  return l->last_start_ms != 0;
}

/* ── its clock ──────────────────────────────────────────────────────────────────────────────── */

bool limiter_asks(const struct limiter *l)
{
  return l->starts && clock_mono_ns() - l->witness.sent_ns >= LIMITER_ASKS_MS * 1000000LL;
}

/* Until it is known that the limiter is held, each claim sees the leap again. */
static void on_held(void *arg, enum status status)
{
  struct limiter *l = arg;
  l->busy = false;
  if (status == ST_OK) l->witness = l->leap;
  l->parts.on_change(l->parts.arg);
}

/* After a leap all starts look older than they are: nobody starts anything until all starts of
 * before have left the window. */
bool limiter_leapt(struct limiter *l, int64_t queue_ms, int64_t sent_ns)
{
  if (!l->starts) return false;
  if (!l->settled_ms) l->settled_ms = clock_mono_ms() + NEWCOMER_MS;
  int64_t leap_ms = witness_leap_ms(&l->witness, queue_ms, clock_mono_ns());
  if (leap_ms == 0) {
    witness_note(&l->witness, queue_ms, sent_ns);
    return false;
  }
  LOG_WARN("Redis' clock was set forward, nothing starts for a window", LOG_INT("leapMs", leap_ms),
           LOG_INT("closedMs", l->window_ms));
  witness_note(&l->leap, queue_ms, sent_ns);
  l->busy = queue_hold(l->parts.queue, l->window_ms, on_held, l) == ST_OK;
  return true;
}

/* ── its log ────────────────────────────────────────────────────────────────────────────────── */

static void on_open(void *arg, enum status status)
{
  struct limiter *l = arg;
  l->busy = false;
  if (status == ST_OK) l->parts.on_change(l->parts.arg);
}

/* What proves that the log is whole: the names of the newest starts, ours with the others'. "" when
 * they are not all known. */
static void write_proof(const struct limiter *l, bool own, bool others, const char *names,
                        struct buf *out)
{
  if (others && !names) return;
  if (others) buf_append_str(out, names);
  if (own) buf_appendf(out, " %s", l->last_token);
}

/* The log may be gone: unless it is proved whole, the limiter stays closed until no start that was
 * in it can count any more. */
static void on_last_start(void *arg, bool ok, int64_t ago_ms, const char *names)
{
  struct limiter *l = arg;
  int64_t window_ms = l->window_ms;
  int64_t own_ago_ms = l->last_start_ms ? clock_mono_ms() - l->last_start_ms : -1;
  bool own = own_ago_ms >= 0 && own_ago_ms < window_ms, others = ago_ms >= 0;
  int64_t newest_ms = !others || (own && own_ago_ms < ago_ms) ? own_ago_ms : ago_ms;
  int64_t closed_ms = (own || others) && newest_ms < window_ms ? window_ms - newest_ms : 0;
  struct buf proof;
  buf_init(&proof, PROOF_MAX);
  write_proof(l, own, others, names, &proof);
  if (closed_ms > 0)
    LOG_INFO("the limiter opens when its log is known to be whole, or after a window",
             LOG_INT("closedMs", closed_ms));
  const char *text = proof.len > 0 && !proof.overflow ? proof.data : NULL;
  if (!ok || queue_open_epoch(l->parts.queue, closed_ms, text, on_open, l) != ST_OK)
    l->busy = false; /* the next claim finds it closed again */
  buf_deinit(&proof);
}

void limiter_reopen(struct limiter *l)
{
  if (l->busy) return;
  l->busy = true;
  l->parts.on_lost(l->parts.arg);
  session_last_start(l->parts.session, l->window_ms, on_last_start, l);
}
