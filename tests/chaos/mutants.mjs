// The guards, and how each is taken out: replacements of source text, applied to a copy of the tree (mutate.mjs).
// A text that is not there exactly once is an error: whoever changes a guard changes its mutant with it.
//
// Each mutant names
//   guard, promise  what is missing then, and which promises may be seen broken (any one of them)
//   changes         {file, from, to}
//   cycles          within how many the checker must find it
//   limited, world  what its cycles have to be like, else drawn from the seed as in spec.mjs
//   failpoints, faults   what it is hunted with

const ms = (atMs, kind, more = {}) => ({ atMs, kind, ...more })
const point = (slot, name, action, nth) => ({ slot, name, action, nth, afterUs: 0 })

// A worker that stands still for longer than its lease, until others run its orders.
const zombies = (name) => ({
  world: {
    ...{ workers: 3, concurrency: 4, leaseMs: 700, stoppedMs: 1700, orders: 50, everyMs: 30 },
    ...{ swapMs: '600-900', quoteMs: '50', limit: 0 }
  },
  failpoints: [point('worker0', name, 'stop', 6), point('worker1', name, 'stop', 14)]
})

export const MUTANTS = [
  {
    name: 'fence',
    guard: 'a step is refused unless fence and step are as the writer left them',
    promise: ['P2', 'P4', 'P11'],
    changes: [
      {
        file: 'src/journal/statements.c',
        from: ' AND o.fence = u.fence AND o.step = u.step"',
        to: '"'
      }
    ],
    cycles: 3,
    ...zombies('before_step')
  },
  {
    name: 'sweeper',
    guard: 'the sweeper enqueues orders that Redis does not know',
    promise: ['P3'],
    changes: [{ file: 'src/journal/sweeper.c', from: 'if (!pg_get_bool(r, i, 1)) continue;', to: 'continue;' }],
    cycles: 1,
    limited: true,
    faults: [ms(700, 'redis_flushall')]
  }
]
