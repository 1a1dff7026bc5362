/*
 * order.pml - how an order is run once: claim, fence, intent, send, reconcile, and the hints in Redis.
 * 3 worker processes, 2 orders, 2 attempts; faults as often as the budgets below say, at any moment.
 * README.md maps it to the code and says what is left out.
 *
 * DESIGN. A statement of PostgreSQL and a script of Redis are one step each. `fence` is only ever
 * compared for equality and only grows, so one bit for each worker says all there is to know: its
 * fence is the row's, or never will be again. What changes nothing (a refused claim that puts its hint
 * back, a look-up without news) is no step: so every run ends, and liveness needs no fairness beyond
 * that something happens as long as anything can. Workers are alike: after each step they are sorted,
 * which takes nothing from the promises, since none names a worker.
 */
#ifndef CRASHES
#define CRASHES 1 /* kill -9 of a worker process */
#endif
#ifndef LOSSES
#define LOSSES 1 /* a session lost by a process that lives, noticed or not; a job cancelled */
#endif
#ifndef WIPES
#define WIPES 1 /* FLUSHALL */
#endif
#ifndef DOUBTS
#define DOUBTS 1 /* an intent's COMMIT whose reply is lost */
#endif
#ifndef CANCELS
#define CANCELS 0 /* DELETE /api/orders/:id */
#endif
#ifndef DRAINS
#define DRAINS 0 /* SIGTERM to a worker process; its end may come too soon. Less than WORKERS */
#endif
#define WORKERS 3
#define ATTEMPTS 2 /* and so transactions: a retry ends each, at the latest */

/* ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────── */

#define WAITS 0  /* phase queued */
#define RUNS  1  /* phase active */
#define ENDED 2

/* An owner is a worker by its present session, or a session that nobody beats any more. */
#define NOBODY  3
#define GHOST   4 /* not expired yet */
#define EXPIRED 5

typedef Row {
  unsigned phase : 2;
  unsigned owner : 3 = NOBODY;
  unsigned attempt : 1;
  unsigned intents : 2;
  bit open /* number intents - 1 is */
};
Row row[2];

/* ── Redis ────────────────────────────────────────────────────────────────────────────────────── */

#define ABSENT  0
#define WAITING 1
#define LEASED  2
typedef Hint {
  unsigned is : 2;
  unsigned holder : 2
};
Hint hint[2];

/* ── the venue ────────────────────────────────────────────────────────────────────────────────── */

#define PENDING  0
#define LANDED   1
#define REVERTED 2
#define DEAD     3 /* past its expiry, and never seen */
#define TX(o, k) tx[(o) * ATTEMPTS + (k)]
typedef Tx {
  unsigned is : 2;
  bit sent; /* bytes are on their way; they may take as long as they like, or get lost */
  bit told  /* look-ups show it; before that they lag and say: absent, as of before the expiry */
};
Tx tx[4];
bit landed[2];

/* ── the workers ──────────────────────────────────────────────────────────────────────────────── */

#define IDLE     0
#define BUILD    1
#define IN_DOUBT 2 /* its intent's COMMIT was not answered */
#define SEND     3 /* the intent is durable, session and cancel were looked at: what follows may be late */
#define REFUSED  4 /* the venue said no */
#define AWAIT    5
#define SENT     6 /* only without an intent: SEND_FIRST */
/* With drains a claim is not one step: */
#define TAKEN    7 /* in Redis; PostgreSQL is being asked */
#define OWNED    8 /* PostgreSQL has said yes, which is not read yet */
#define OWNED_IN 9 /* the same, and an intent is open */

#define SERVES   0
#define DRAINING 1
#define CLOSED   2 /* its session; the process is about to end */
#define GONE     3 /* it ended, and nobody starts it again */
typedef Worker {
  unsigned at : 4;
  unsigned life : 2;
  unsigned order : 1;
  unsigned k : 1;
  bit current; /* its fence is the row's */
  bit lost     /* what host_lost() says */
};
Worker worker[WORKERS];

unsigned crashes : 2 = CRASHES, losses : 2 = LOSSES, wipes : 2 = WIPES;
unsigned doubts : 2 = DOUBTS, cancels : 2 = CANCELS, drains : 2 = DRAINS;

#define me worker[w]
#define mine row[me.order]
#define my_hint hint[me.order]
#define my_tx TX(me.order, me.k)

/* ── what must hold ───────────────────────────────────────────────────────────────────────────── */

#define LAST_TX(o) TX(o, row[o].intents - 1)
#define AT_MOST_ONE(o) assert(!landed[o]) /* before something lands */
#ifndef ONLY_LANDED                       /* or else only this is asked: whether anything lands twice */
#define FINAL(o) assert(row[o].phase != ENDED) /* before a row is written, or something lands */
#define TRUE_END(o, yes) assert(landed[o] == yes)
#define PROOF_OF_DEATH(o)                                                                          \
  assert(LAST_TX(o).is == REVERTED || LAST_TX(o).is == DEAD ||                                     \
         (LAST_TX(o).is == PENDING && !LAST_TX(o).sent))
#define OWNS_NOTHING(x) assert(row[0].owner != x && row[1].owner != x)
#else
#define FINAL(o) skip
#define TRUE_END(o, yes) skip
#define PROOF_OF_DEATH(o) skip
#define OWNS_NOTHING(x) skip
#endif

/* ── guards, and what model.sh takes out ────────────────────────────────────────────────────────── */

#define FREE(o) (row[o].owner == NOBODY || row[o].owner == EXPIRED)
#define CLAIMABLE(o) (row[o].phase != ENDED && FREE(o))
#define FENCED(w) (me.current && mine.phase != ENDED)
#define MAY_OPEN(w) (FENCED(w) && !mine.open)
#define MAY_CANCEL(o) (row[o].phase != ENDED && !row[o].open)
#define TOLD_LANDED(w) (my_tx.told && my_tx.is == LANDED)
#define TOLD_DEAD(w) (my_tx.told && my_tx.is != LANDED)

#ifdef NO_FENCE /* a step looks at the phase alone */
#undef FENCED
#define FENCED(w) (mine.phase != ENDED)
#endif
#ifdef NO_END /* claim and step do not ask whether the order has ended */
#undef CLAIMABLE
#define CLAIMABLE(o) FREE(o)
#undef FENCED
#define FENCED(w) me.current
#endif
#ifdef NO_WATERMARK /* the first absent is believed */
#undef TOLD_DEAD
#define TOLD_DEAD(w) !TOLD_LANDED(w)
#endif
#ifdef SEND_FIRST /* the bytes leave before their intent is durable */
#undef MAY_OPEN
#define MAY_OPEN(w) (FENCED(w) && !mine.open && mine.intents < ATTEMPTS)
#endif
#ifdef DOUBT_IS_DONE /* no read-back: a COMMIT without a reply is taken for done */
#define SPENT 1      /* so that whoever comes next builds other bytes than these */
#undef MAY_OPEN
#define MAY_OPEN(w) (FENCED(w) && !mine.open && mine.intents < ATTEMPTS)
#else
#define SPENT 0
#endif
#ifdef SECOND_INTENT /* who takes over builds anew */
#undef MAY_OPEN
#define MAY_OPEN(w) (FENCED(w) && mine.intents < ATTEMPTS)
#endif
#ifdef RELEASE_FORGETS /* a release closes the intent */
#define KEPT_OPEN(w) 0
#undef MAY_OPEN
#define MAY_OPEN(w) (FENCED(w) && !mine.open && mine.intents < ATTEMPTS)
#else
#define KEPT_OPEN(w) mine.open
#endif
#ifdef CANCEL_OPEN
#undef MAY_CANCEL
#define MAY_CANCEL(o) (row[o].phase != ENDED)
#endif

/* ── small things ─────────────────────────────────────────────────────────────────────────────── */

/* A free slot remembers nothing. */
inline forget(x) {
  worker[x].at = IDLE;
  worker[x].order = 0;
  worker[x].k = 0;
  worker[x].current = 0;
  worker[x].lost = 0
}

/* fence + 1: whoever had it has lost the order. */
inline raise_fence(nr) {
  worker[0].current = worker[0].current && worker[0].order != nr;
  worker[1].current = worker[1].current && worker[1].order != nr;
  worker[2].current = worker[2].current && worker[2].order != nr
}

/* An order that has ended needs no history; bytes that can do nothing any more are all alike. */
inline tidy_tx(nr, kk) {
  if
  :: TX(nr, kk).is != PENDING -> TX(nr, kk).is = DEAD; TX(nr, kk).told = 1
  :: else
  fi
}
inline tidy(nr) {
  tidy_tx(nr, 0);
  tidy_tx(nr, 1);
  if
  :: row[nr].phase == ENDED ->
    row[nr].attempt = 0;
    row[nr].intents = 0;
    row[nr].open = 0
  :: else
  fi
}

/* Workers by what they do; the names of owners and holders go along. */
byte spare;
#define KEY(x) (worker[x].life * 512 + worker[x].at * 32 + worker[x].order * 16 + worker[x].k * 8 + worker[x].current * 4 + \
                worker[x].lost * 2)
#define RENAMED(who, x, y) (who == x -> y : (who == y -> x : who))
#define SWAP(x, y, field) spare = worker[x].field; worker[x].field = worker[y].field; \
                          worker[y].field = spare;
inline order_two(x, y) {
  if
  :: KEY(x) < KEY(y) ->
    SWAP(x, y, at)
    SWAP(x, y, life)
    SWAP(x, y, order)
    SWAP(x, y, k)
    SWAP(x, y, current)
    SWAP(x, y, lost)
    row[0].owner = RENAMED(row[0].owner, x, y);
    row[1].owner = RENAMED(row[1].owner, x, y);
    if :: hint[0].is == LEASED -> hint[0].holder = RENAMED(hint[0].holder, x, y) :: else fi;
    if :: hint[1].is == LEASED -> hint[1].holder = RENAMED(hint[1].holder, x, y) :: else fi
  :: else
  fi;
  spare = 0
}
inline gone_owns_nothing(x) {
  if
  :: worker[x].life == GONE -> OWNS_NOTHING(x)
  :: else
  fi
}
inline sort() {
#if DRAINS
  gone_owns_nothing(0);
  gone_owns_nothing(1);
  gone_owns_nothing(2);
#endif
  order_two(0, 1);
  order_two(1, 2);
  order_two(0, 1)
}

/* ── a worker process: dispatcher, job, submit ────────────────────────────────────────────────── */

/* A hint is taken (claim.lua), then confirmed (CLAIM in statements.c). Workers that are idle are alike:
 * the first of them stands for all. */
#define MAY_TAKE(w) (worker[w].at == IDLE && worker[w].life == SERVES)
#define FIRST_IDLE(w) (MAY_TAKE(w) && (w == 0 || !MAY_TAKE(w - 1)))
#ifdef DRAIN_CLAIMS /* SIGTERM does not end the claiming */
#undef MAY_TAKE
#define MAY_TAKE(w) (worker[w].at == IDLE && worker[w].life <= DRAINING)
#undef FIRST_IDLE
#define FIRST_IDLE(w) MAY_TAKE(w)
#endif
#define CAN_CLAIM(o) (hint[o].is == WAITING && CLAIMABLE(o))
inline take(w, nr) {
  me.order = nr;
  hint[nr].is = LEASED;
  hint[nr].holder = w
}
/* CLAIM does not ask whether its own session is closed: then the order is free at once. */
inline own(w, nr) {
  FINAL(nr);
  raise_fence(nr);
  me.current = 1;
  row[nr].owner = (me.life == CLOSED -> EXPIRED : w);
  row[nr].phase = RUNS;
  if
  :: row[nr].open -> me.at = OWNED_IN; me.k = row[nr].intents - 1
  :: else -> me.at = OWNED
  fi
}
#ifndef SECOND_INTENT
#define FIRST_STEP(owned) (owned == OWNED_IN -> AWAIT : BUILD)
#else
#define FIRST_STEP(owned) BUILD
#endif
inline start(w) {
  me.at = FIRST_STEP(me.at)
}
/* It was committed, and its answer was lost: the process owns the order and does not know. */
inline claim_unheard(w, nr) {
  take(w, nr);
  own(w, nr);
  forget(w)
}
#define UNAWARE(x, o) (row[o].owner == x && row[o].phase != ENDED && \
                       (worker[x].at == IDLE || worker[x].order != o))
inline claim(w, nr) {
  take(w, nr);
#if DRAINS
  me.at = TAKEN
#else
  own(w, nr);
  start(w)
#endif
}

/* STEP_INTENT in statements.c */
inline open_intent(w) {
  FINAL(me.order);
  me.k = mine.intents;
  mine.intents++;
  mine.open = 1
}

/* A lease that is this worker's ends; what others hold stays. Redis may as well not hear of it: then
 * the lease runs out. */
inline relay(w, to) {
  if
  :: my_hint.is == LEASED && my_hint.holder == w -> my_hint.is = to; my_hint.holder = 0
  :: my_hint.is == WAITING && to == ABSENT -> my_hint.is = ABSENT
  :: true
  fi;
  forget(w)
}

/* STEP_SETTLE in statements.c, with the order's end. */
inline succeed(w) {
  FINAL(me.order);
  TRUE_END(me.order, 1);
  raise_fence(me.order);
  mine.phase = ENDED;
  mine.owner = NOBODY;
  tidy(me.order);
  relay(w, ABSENT)
}

/* The same for a transaction that is dead, or for none: a new attempt, or none left. */
inline retry(w) {
  FINAL(me.order);
  if
  :: mine.open -> PROOF_OF_DEATH(me.order)
  :: else
  fi;
  raise_fence(me.order);
  mine.open = 0;
  mine.owner = NOBODY;
  if
  :: mine.attempt + 1 < ATTEMPTS -> mine.attempt++; mine.phase = WAITS; tidy(me.order); relay(w, WAITING)
  :: else -> TRUE_END(me.order, 0); mine.phase = ENDED; tidy(me.order); relay(w, ABSENT)
  fi
}

/* What is open stays open: whoever comes next looks into it. */
inline release(w) {
  FINAL(me.order);
  raise_fence(me.order);
  mine.phase = WAITS;
  mine.owner = NOBODY;
  mine.open = KEPT_OPEN(w);
  relay(w, WAITING)
}

/* The bytes leave. Once they have ended, they do nothing any more. */
inline send(w) {
  my_tx.sent = (my_tx.is == PENDING)
}

/* Its session goes on in PostgreSQL until it expires. */
inline orphan(x) {
  if :: row[0].owner == x -> row[0].owner = GHOST :: else fi;
  if :: row[1].owner == x -> row[1].owner = GHOST :: else fi
}

/* ── the drain of a worker process: dispatcher, serve's stages, session ───────────────────────── */

#define REPLY_DUE(w) (me.at == TAKEN || me.at == OWNED || me.at == OWNED_IN)
#define MAY_CLOSE(w) (me.at == IDLE || me.lost || REPLY_DUE(w)) /* drained, or its time is up */
#ifdef CLOSE_FIRST /* the session is closed whatever still runs */
#undef MAY_CLOSE
#define MAY_CLOSE(w) true
#endif

inline free_of(w, nr) {
  if :: row[nr].owner == w -> row[nr].owner = EXPIRED :: else fi
}
inline close_session(w) {
  if
  :: me.lost || REPLY_DUE(w) /* the time is up; what is left is free for others at once */
  :: else -> OWNS_NOTHING(w)
  fi;
#ifndef NO_CLOSE
  free_of(w, 0);
  free_of(w, 1);
#endif
  me.life = CLOSED
}

/* The process ends. It is started again, some time or never. */
inline leave(w) {
  forget(w);
  if
  :: me.life = GONE
  :: me.life = SERVES
  fi
}

/* A claim that is answered during the drain is handed back. */
inline hand_back(w) {
#ifdef CLAIM_KEPT
  forget(w)
#else
  if
  :: FENCED(w) -> release(w)
  :: else -> forget(w)
  fi
#endif
}

/* One step: what may happen now, then the sorting. */
#define WHEN(condition) (condition) ->
#define STEPS end: do :: atomic { if
#define SORTED fi; sort() } od

proctype work(byte w) {
  STEPS
  :: WHEN(FIRST_IDLE(w) && CAN_CLAIM(0)) claim(w, 0)
  :: WHEN(FIRST_IDLE(w) && CAN_CLAIM(1)) claim(w, 1)

#if !DRAINS
  :: WHEN(doubts > 0 && FIRST_IDLE(w) && CAN_CLAIM(0)) doubts--; claim_unheard(w, 0)
  :: WHEN(doubts > 0 && FIRST_IDLE(w) && CAN_CLAIM(1)) doubts--; claim_unheard(w, 1)
  :: WHEN(MAY_TAKE(w) && hint[0].is == WAITING && UNAWARE(w, 0)) claim(w, 0)
  :: WHEN(MAY_TAKE(w) && hint[1].is == WAITING && UNAWARE(w, 1)) claim(w, 1)
#else
  :: WHEN(me.at == TAKEN && CLAIMABLE(me.order)) own(w, me.order)
  :: WHEN(me.at == TAKEN && !CLAIMABLE(me.order)) relay(w, WAITING)
  :: WHEN((me.at == OWNED || me.at == OWNED_IN) && me.life == SERVES) start(w)
  :: WHEN((me.at == OWNED || me.at == OWNED_IN) && me.life != SERVES) hand_back(w)

  /* SIGTERM; half of the time is over, or a second SIGTERM; nothing runs any more, or all of the time
   * is over; exit 0 */
  :: WHEN(drains > 0 && me.life == SERVES && (me.at != IDLE || FIRST_IDLE(w))) drains--;
       me.life = DRAINING
  :: WHEN(me.life == DRAINING && !me.lost && (me.at == BUILD || me.at == IN_DOUBT || me.at == SEND ||
          me.at == REFUSED || me.at == AWAIT)) me.lost = 1
  :: WHEN(me.life == DRAINING && MAY_CLOSE(w)) close_session(w)
  :: WHEN(me.life == CLOSED) OWNS_NOTHING(w); leave(w)
  /* it ends, and PostgreSQL never hears that its session is closed */
  :: WHEN((me.life == DRAINING || me.life == CLOSED) && me.at != IDLE) orphan(w); leave(w)
#endif

  /* The compare-and-sets of a worker that lost its order change nothing, and it hears so. */
#ifndef SEND_FIRST
  :: WHEN(me.at == BUILD && MAY_OPEN(w)) open_intent(w); me.at = SEND
#else
  :: WHEN(me.at == BUILD && MAY_OPEN(w)) me.k = mine.intents; mine.intents++; send(w); me.at = SENT
  :: WHEN(me.at == SENT && FENCED(w)) mine.open = 1; me.at = AWAIT
  :: WHEN(me.at == SENT && !FENCED(w)) forget(w)
#endif
  :: WHEN(me.at == BUILD && !MAY_OPEN(w)) forget(w)
  :: WHEN(me.at == BUILD && FENCED(w)) retry(w) /* no quote, no venue */

  :: WHEN(me.at == BUILD && doubts > 0 && MAY_OPEN(w)) doubts--; open_intent(w); me.at = IN_DOUBT
  :: WHEN(me.at == BUILD && doubts > 0 && MAY_OPEN(w)) doubts--; me.k = mine.intents; me.at = IN_DOUBT;
       mine.intents = mine.intents + SPENT
#ifdef DOUBT_IS_DONE
  :: WHEN(me.at == IN_DOUBT) me.at = SEND
#else
  :: WHEN(me.at == IN_DOUBT && !FENCED(w)) forget(w)
  :: WHEN(me.at == IN_DOUBT && FENCED(w) && mine.intents > me.k) me.at = SEND
  :: WHEN(me.at == IN_DOUBT && FENCED(w) && mine.intents == me.k) me.k = 0; me.at = BUILD
#endif

  /* A worker that looked at its session before may still send, at any time. */
  :: WHEN(me.at == SEND) send(w); me.at = AWAIT
  :: WHEN(me.at == SEND) me.at = REFUSED
  :: WHEN(me.at == AWAIT && my_tx.is == PENDING && !my_tx.sent) send(w)

  :: WHEN(me.at == AWAIT && TOLD_LANDED(w) && FENCED(w)) succeed(w)
  :: WHEN(me.at == AWAIT && TOLD_DEAD(w) && FENCED(w)) retry(w)
  :: WHEN(me.at == REFUSED && FENCED(w)) retry(w)
  :: WHEN(me.at == AWAIT && (TOLD_LANDED(w) || TOLD_DEAD(w)) && !FENCED(w)) forget(w)
  :: WHEN(me.at == REFUSED && !FENCED(w)) forget(w)

  :: WHEN(me.lost && (me.at == BUILD || me.at == SEND || me.at == AWAIT) && FENCED(w)) release(w)
  :: WHEN(me.lost && (me.at == BUILD || me.at == SEND || me.at == AWAIT) && !FENCED(w)) forget(w)
  SORTED
}

/* ── the rest of the world ────────────────────────────────────────────────────────────────────── */

#define IS_OPEN(o, k) (row[o].open && row[o].intents == k + 1)

/* What arrives before its expiry lands or reverts; look-ups catch up. */
inline end_tx(nr, kk, how) {
  TX(nr, kk).is = how;
  TX(nr, kk).sent = 0
}
#define VENUE(o, k)                                                                                \
  :: WHEN(TX(o, k).is == PENDING && TX(o, k).sent)                                                 \
       AT_MOST_ONE(o); FINAL(o); landed[o] = 1; end_tx(o, k, LANDED) \
  :: WHEN(TX(o, k).is == PENDING && TX(o, k).sent) end_tx(o, k, REVERTED) \
  :: WHEN(TX(o, k).is == PENDING && IS_OPEN(o, k)) end_tx(o, k, DEAD) \
  :: WHEN(TX(o, k).is != PENDING && !TX(o, k).told) TX(o, k).told = 1

/* Sessions expire in PostgreSQL, leases in Redis; the sweeper puts back what Redis does not know. */
#define LEASE_BEATEN(o) (worker[hint[o].holder].at != IDLE && worker[hint[o].holder].order == o)
#ifdef NO_EXPIRY
#define SESSIONS(o)
#else
#define SESSIONS(o) :: WHEN(row[o].owner == GHOST) row[o].owner = EXPIRED
#endif
#ifdef NO_REAPER
#define REAPER(o)
#else
#define REAPER(o)                                                                                  \
  :: WHEN(hint[o].is == LEASED && !LEASE_BEATEN(o)) hint[o].is = WAITING; hint[o].holder = 0
#endif
#ifdef NO_OWN_SWEEP /* a process does not look for what it owns without knowing */
#define SOME_UNAWARE(o) false
#else
#define SOME_UNAWARE(o) (UNAWARE(0, o) || UNAWARE(1, o) || UNAWARE(2, o))
#endif
#ifdef NO_SWEEPER
#define SWEEPER(o)
#else
#define SWEEPER(o) :: WHEN(hint[o].is == ABSENT && (CLAIMABLE(o) || SOME_UNAWARE(o))) hint[o].is = WAITING
#endif

/* finish, or the claim that is refused because the order has ended (drop.lua). */
#define DROP(o)                                                                                    \
  :: WHEN(hint[o].is == WAITING && row[o].phase == ENDED) hint[o].is = ABSENT

proctype world() {
  STEPS
  VENUE(0, 0) VENUE(0, 1) SESSIONS(0) REAPER(0) SWEEPER(0) DROP(0)
  VENUE(1, 0) VENUE(1, 1) SESSIONS(1) REAPER(1) SWEEPER(1) DROP(1)
  SORTED
}

/* ── faults ───────────────────────────────────────────────────────────────────────────────────── */

#define FAULTY(x)                                                                                  \
  :: WHEN(crashes > 0 && worker[x].at != IDLE) crashes--; orphan(x); forget(x); \
       worker[x].life = SERVES \
  :: WHEN(losses > 0 && worker[x].at != IDLE) losses--; orphan(x); worker[x].lost = 1 \
  :: WHEN(losses > 0 && worker[x].at != IDLE) losses--; orphan(x) /* it does not notice */     \
  :: WHEN(losses > 0 && worker[x].at != IDLE) losses--; worker[x].lost = 1 /* a job's deadline */

/* A sweeper that read just before still enqueues what has an owner by now. */
inline wipe_hint(nr) {
  hint[nr].holder = 0;
  if
  :: hint[nr].is = ABSENT
  :: row[nr].phase != ENDED -> hint[nr].is = WAITING
  fi
}
inline cancel(nr) {
  cancels--;
  FINAL(nr);
  TRUE_END(nr, 0);
  raise_fence(nr);
  row[nr].phase = ENDED;
  row[nr].owner = NOBODY;
  tidy(nr)
}

proctype faults() {
  STEPS
  FAULTY(0) FAULTY(1) FAULTY(2)
  :: WHEN(wipes > 0) wipes--; wipe_hint(0); wipe_hint(1)
  :: WHEN(cancels > 0 && MAY_CANCEL(0)) cancel(0)
  :: WHEN(cancels > 0 && MAY_CANCEL(1)) cancel(1)
  SORTED
}

/* ── ──────────────────────────────────────────────────────────────────────────────────────────── */

#define ALL_ENDED (row[0].phase == ENDED && row[1].phase == ENDED)

/* Both orders are committed; whether Redis was told is open, for the sweeper enqueues as an accept does. */
init {
  atomic {
    run work(0);
    run work(1);
    run work(2);
    run world();
    run faults()
  }
  ALL_ENDED /* not labelled as an end: a system that comes to rest before this is an error */
}

/* "-f" is not needed: see DESIGN. */
ltl ends { <> ALL_ENDED }
