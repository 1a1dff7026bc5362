// The guards, and how each is taken out: replacements of source text, applied to a copy of the tree (mutate.mjs).
// A text that is not there exactly once is an error: whoever changes a guard changes its mutant with it.
//
// Each mutant names
//   guard, promise  what is missing then, and which promises may be seen broken (any one of them)
//   changes         {file, from, to}
//   cycles          within how many the checker must find it
//   limited, world  what its cycles have to be like, else drawn from the seed as in spec.mjs
//   failpoints, faults   what it is hunted with
// or
//   test            the integration test that must notice: a guard of hints alone, without which no promise breaks

const at = (atMs, kind, more = {}) => ({ atMs, kind, ...more })
const point = (slot, name, action, nth) => ({ slot, name, action, nth, afterUs: 0 })

// Workers that stand still for longer than their lease, until another one runs their orders.
const zombies = (name) => ({
  world: {
    ...{ workers: 3, concurrency: 8, leaseMs: 700, stoppedMs: 1700, orders: 50, everyMs: 80 },
    ...{ swapMs: '600-900', quoteMs: '50' }
  },
  failpoints: [point('worker0', name, 'stop', 3), point('worker1', name, 'stop', 6)]
})

// More orders than the limit lets through, all the time.
const backlog = {
  ...{ workers: 2, concurrency: 4, leaseMs: 1000, limit: 10, windowMs: 1000 },
  ...{ orders: 60, everyMs: 20, quoteMs: '0', swapMs: '0' }
}

const SUBMIT = 'workers/submit.c'
const STATEMENTS = 'src/journal/statements.c'
const LIMITER = 'workers/limiter.c'
const CLAIM = 'src/queue/lua/claim.lua'

export const MUTANTS = [
  {
    name: 'fence',
    guard: 'a step is refused unless fence and step are as its writer left them',
    promise: ['P2', 'P4', 'P11'],
    changes: [{ file: STATEMENTS, from: ' AND o.fence = u.fence AND o.step = u.step"', to: '"' }],
    cycles: 8,
    ...zombies('before_step')
  },
  {
    name: 'finish',
    guard: 'a step that ends an order is refused likewise',
    promise: ['P2', 'P4', 'P11'],
    changes: [
      {
        file: STATEMENTS,
        from: ' AND o.fence = u.fence AND o.step = u.step"',
        to: ' AND (u.phase >= 2 OR (o.fence = u.fence AND o.step = u.step))"'
      }
    ],
    cycles: 12,
    // The zombie wakes while the one that has its orders now is slow to end them.
    world: {
      ...{ workers: 3, concurrency: 24, leaseMs: 1500, stoppedMs: 2700, orders: 40, everyMs: 60 },
      ...{ swapMs: '20-60', quoteMs: '0' }
    },
    failpoints: [point('worker0', 'before_step', 'stop', 8), point('worker1', 'before_step', 'stop', 9)],
    faults: [at(0, 'slow_link', { link: 'worker2→postgres', delayMs: 300, ms: 8000 })]
  },
  {
    name: 'intent',
    guard: 'the intent is durable before the first byte leaves',
    promise: ['P2'],
    changes: [
      {
        file: SUBMIT,
        from: 'bool durable = host_flush(job, true) == ST_OK;',
        to: 'bool durable = host_flush(job, false) == ST_OK;'
      }
    ],
    cycles: 5,
    world: { workers: 3, concurrency: 6, orders: 60, everyMs: 10, swapMs: '20-60', quoteMs: '0' },
    failpoints: [4, 5, 6].map((nth, n) => point(`worker${n}`, 'after_send', 'kill', nth))
  },
  {
    name: 'watermark',
    guard: 'a transaction is given up only when the venue has not seen it past its expiry',
    promise: ['P2'],
    changes: [
      { file: SUBMIT, from: 'if (landing->as_of_ms > job->intent->tx.expires_at_ms) {', to: 'if (true) {' }
    ],
    cycles: 3,
    ...zombies('before_send')
  },
  {
    name: 'landing',
    guard: 'what has landed is closed in one step with the end of its order',
    promise: ['P2'],
    changes: [
      {
        file: SUBMIT,
        from: '    job->landed = true;\n    job->landing = *landing;\n',
        to: '    settle(job, JOURNAL_LANDED, landing);\n'
      }
    ],
    cycles: 3,
    // Its only worker stands still for longer than its lease, and nobody else takes the orders over.
    world: { ...zombies().world, workers: 1 },
    failpoints: [point('worker0', 'landed', 'stop', 3)]
  },
  {
    name: 'takeover',
    guard: 'an order is taken over only when the session of its owner is over',
    promise: ['P2'],
    changes: [
      {
        file: STATEMENTS,
        from: '" WHERE s.id = o.owner AND session_alive(s, $6::bigint * interval \'1 ms\')))"',
        to: '" WHERE s.id = o.owner AND false AND session_alive(s, $6::bigint * interval \'1 ms\')))"'
      }
    ],
    cycles: 6,
    world: { workers: 2, concurrency: 8, leaseMs: 700, swapMs: '2000-2500', orders: 24, everyMs: 60 },
    faults: [at(900, 'slow_link', { link: 'worker0→redis', delayMs: 2500, ms: 4000 })]
  },
  {
    name: 'sweeper',
    guard: 'orders that Redis does not know are enqueued again',
    promise: ['P3'],
    changes: [
      {
        file: 'src/journal/sweeper.c',
        from: 'if (!is_free(s, r, i)) continue;',
        to: 'if (is_free(s, r, i) || true) continue;'
      }
    ],
    cycles: 2,
    world: {
      ...{ workers: 2, concurrency: 2, leaseMs: 700, orders: 40, everyMs: 30, swapMs: '100-300' },
      ...{ attempts: 2, backoffMs: 50, quoteMs: '0' }
    },
    faults: [at(900, 'redis_flushall')]
  },
  {
    name: 'own',
    guard: 'orders that this process owns without knowing (their claim was not answered) are enqueued again',
    promise: ['P3'],
    changes: [
      {
        file: 'src/journal/sweeper.c',
        from: 'return pg_get_bool(r, i, 4) && !s->options.has(s->options.arg, &s->after);',
        to: 'return !s;'
      }
    ],
    cycles: 4,
    world: {
      ...{ workers: 1, concurrency: 16, leaseMs: 1500, orders: 70, everyMs: 40, swapMs: '0' },
      ...{ attempts: 3, backoffMs: 50, quoteMs: '0' }
    },
    faults: [600, 1200, 1800, 2400].flatMap((atMs) => [
      at(atMs, 'lose_reply', { link: 'worker0→postgres', label: 'ox journal' }),
      at(atMs + 60, 'redis_flushall')
    ])
  },
  {
    name: 'enqueue',
    guard: 'enqueueing leaves alone what is queued or runs',
    promise: ['P3'],
    changes: [
      {
        file: 'src/queue/lua/enqueue.lua',
        from: 'if not (in_waiting[i] or in_active[i] or in_delayed[i]) then',
        to: 'if true then'
      },
      { file: 'src/queue/lua/enqueue.lua', from: 'if runs then return false end', to: '' }
    ],
    cycles: 4,
    world: backlog,
    faults: [at(300, 'slow_link', { link: 'worker0→postgres', delayMs: 300, ms: 4000 })]
  },
  {
    name: 'token',
    guard: 'a lease in Redis is ended only with the token it was given with (in finish; PostgreSQL has refused before)',
    changes: [
      { file: 'src/queue/lua/finish.lua', from: 'if held[i] == token then', to: 'if held[i] then' }
    ],
    test: 'queue_test'
  },
  {
    name: 'clock',
    guard: "the queue's clock never goes back (P6 is kept without it: what comes back forward is a leap)",
    changes: [
      { file: 'src/queue/lua/prelude.lua', from: 'math.max(last, time + ahead)', to: 'time' }
    ],
    test: 'queue_test'
  },
  {
    name: 'leap',
    guard: "nobody starts anything for a window when the limiter's clock has leapt",
    promise: ['P6'],
    changes: [{ file: LIMITER, from: 'if (leap_ms == 0) {', to: 'if (true) {' }],
    cycles: 5,
    world: { ...backlog, orders: 70 },
    faults: [at(1800, 'redis_clock_ahead', { ms: 5000 })]
  },
  {
    name: 'run-id',
    guard: 'the limiter is closed unless its log is that of this run of Redis, and its epoch is there',
    promise: ['P6'],
    changes: [
      { file: CLAIM, from: 'if opened_by ~= run_id then return {CLOSED, -1, now} end', to: '' },
      { file: CLAIM, from: 'opens_at = tonumber(at)', to: 'opens_at = tonumber(at) or 0' }
    ],
    cycles: 3,
    world: backlog,
    faults: [at(1700, 'redis_flushall')]
  },
  {
    name: 'closed-window',
    guard: 'a limiter whose log may be gone stays closed for a window',
    promise: ['P6'],
    changes: [
      {
        file: LIMITER,
        from: '(own || others) && newest_ms < window_ms ? window_ms - newest_ms : 0;',
        to: 'newest_ms * 0;'
      }
    ],
    cycles: 8,
    world: backlog,
    faults: [at(1700, 'redis_flushall'), at(4200, 'redis_flushall')]
  },
  {
    name: 'late-start',
    guard: 'a hand-over that comes too late after its token is refused',
    promise: ['P6'],
    changes: [
      {
        file: LIMITER,
        from: 'return session_pg_earliest_ms(l->parts.session, sent_ns / 1000000) + l->late_ms;',
        to: 'return sent_ns ? INT64_MAX : 0;'
      },
      {
        file: LIMITER,
        from: 'return l->starts && now_ms - sent_ns / 1000000 > l->late_ms;',
        to: 'return l->starts && now_ms < 0 && sent_ns < 0;'
      }
    ],
    cycles: 5,
    world: backlog,
    faults: [at(300, 'slow_link', { link: 'worker0→postgres', delayMs: 300, ms: 3000 })]
  },
  {
    name: 'replay-merge',
    guard: 'history and live events are merged by seq: nothing is passed on before what precedes it',
    promise: ['P5'],
    changes: [
      {
        file: 'src/event/merge.c',
        from: 'return (int64_t)seq == (int64_t)m->last + 1;',
        to: 'return seq > m->last;'
      }
    ],
    cycles: 3,
    world: { apis: 1, orders: 60, everyMs: 20, quoteMs: '5-20', swapMs: '20-60' },
    faults: [at(300, 'slow_link', { link: 'api0→postgres', delayMs: 50, ms: 2000 })]
  },
  {
    name: 'look',
    guard: 'the watched orders are looked at each second, so that a lost last event is noticed',
    promise: ['P5'],
    changes: [
      {
        file: 'src/event/hub.c',
        from: 'merge_head(&container_of(node, struct hub_watch, node)->merge, heads[i].ver);',
        to: '(void)node;'
      }
    ],
    cycles: 3,
    world: { apis: 1, orders: 60, everyMs: 20, quoteMs: '5-20', swapMs: '20-60' },
    faults: [at(600, 'refused', { link: 'api0→redis', ms: 600 })]
  },
  {
    name: 'heir',
    guard: 'who takes the place of an order on its way out does not come before it has left',
    changes: [
      {
        file: 'src/journal/claim.c',
        from: 'return last && (last == t || last->telling);',
        to: 'return !last || t;'
      }
    ],
    test: 'heir_test'
  },
  {
    name: 'group',
    guard: 'of a group only the first that has not ended may run',
    promise: ['P7'],
    changes: [
      {
        file: 'src/journal/accept.c',
        from: '  if (op->group)\n    turn_wait(j, &op->id);\n  else\n    relay_enqueue(',
        to: '  (void)turn_wait;\n  relay_enqueue('
      },
      { file: STATEMENTS, from: '"(o.group_no IS NULL OR o.order_id = ', to: '"(true OR o.order_id = ' }
    ],
    cycles: 1,
    world: { workers: 2, concurrency: 8, leaseMs: 1000, orders: 40, everyMs: 20, swapMs: '100-300' }
  }
]
