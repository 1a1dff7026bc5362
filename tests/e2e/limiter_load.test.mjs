// Two and four worker processes and a backlog: never more starts than the limit in any window by PostgreSQL's
// clock, and hardly less, while workers are restarted and killed and Redis is wiped. LONG=1 (make limiter): 600
// orders, 100 in 10 s; else the same in small.
import assert from 'node:assert/strict'
import { after, afterEach, test } from 'node:test'
import { groupBy, MOVES, startsOf } from '../chaos/checker.mjs'
import { createWorld, SLOW, startRedis, until } from './lib.mjs'

const LONG = Boolean(process.env.LONG)
const [LIMIT, WINDOW_MS, USED] = LONG ? [100, 10000, 0.99] : [20, 1500, 0.8 / SLOW]
const ORDERS = 6 * LIMIT
const closing = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})
after(() => closing.splice(0).forEach((close) => close()))

const started = async (world) => {
  const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE fence > 0')
  return n
}

const startedAtLeast = (world, n) =>
  until(`${n} orders to start`, 8 * WINDOW_MS, async () => (await started(world)) >= n)

async function backlogged() {
  const redis = await startRedis()
  closing.push(() => redis.stop())
  const world = await createWorld({
    REDIS_URL: redis.url,
    QUEUE_RATE_LIMIT: String(LIMIT),
    QUEUE_RATE_WINDOW_MS: String(WINDOW_MS),
    QUEUE_LEASE_MS: '2000',
    QUOTE_DELAY_MS: '0',
    SWAP_DELAY_MS: '0'
  })
  closing.push(() => world.destroy())
  const api = await world.start({ role: 'api' })
  await world.audit()
  const ids = []
  while (ids.length < ORDERS)
    ids.push(...(await Promise.all(Array.from({ length: 20 }, () => api.execute()))))
  return { redis, world, api, ids }
}

const startTimes = async (world) => {
  const moves = groupBy(await world.sql(MOVES), (m) => m.id)
  return startsOf(moves.values()).map((m) => m.stamped)
}

function assertNoWindowOver(times) {
  for (let i = 0; i + LIMIT < times.length; i++) {
    const span = times[i + LIMIT] - times[i]
    assert(span >= WINDOW_MS, `${LIMIT + 1} starts within ${span} ms, from start ${i + 1} on`)
  }
}

// used() is how much of the limit was used: each start of the limit comes round once in a window at best.
function used(times) {
  const rounds = times.slice(LIMIT).map((t, i) => t - times[i])
  return WINDOW_MS / (rounds.reduce((sum, ms) => sum + ms, 0) / rounds.length)
}

for (const n of [2, 4])
  test(`${ORDERS} orders, ${LIMIT} in ${WINDOW_MS} ms, ${n} workers`, async (t) => {
    const { redis, world, api, ids } = await backlogged()
    const workers = []
    for (let i = 0; i < n; i++) workers.push(await world.start({ role: 'worker' }))
    const replace = async (i, end) => {
      await end(workers[i])
      workers[i] = await world.start({ role: 'worker' })
    }
    await startedAtLeast(world, 1.5 * LIMIT)
    await replace(0, (w) => w.stop())
    await startedAtLeast(world, 2.5 * LIMIT)
    await replace(1, (w) => w.stop())
    await startedAtLeast(world, 4 * LIMIT)
    // What a wipe closes, or a dying process had claimed, is never used: it does not count from here on.
    const wipedAt = await world.clock()
    await redis.cli('flushall')
    await startedAtLeast(world, 4.5 * LIMIT)
    await replace(n - 1, (w) => w.kill())
    await startedAtLeast(world, 5.5 * LIMIT)
    await replace(0, (w) => w.kill())
    for (const id of ids) assert.equal((await api.ended(id, 6 * WINDOW_MS)).status, 'confirmed')

    const times = await startTimes(world)
    assert(times.length >= ORDERS, `${times.length} starts`)
    assertNoWindowOver(times)
    const before = used(times.filter((at) => at < wipedAt))
    t.diagnostic(`${times.length} starts, ${(100 * before).toFixed(2)} % of the limit used`)
    assert(before >= USED, `${(100 * before).toFixed(2)} % of the limit used`)
    await world.auditSwaps(ids)
  })
