// Two worker processes share one limit: never more than N starts in any window, and hardly less.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createWorld, redisCli, SLOW, until } from './lib.mjs'

const LIMIT = 10
const WINDOW_MS = 2000
let world, api
before(async () => {
  world = await createWorld({
    QUEUE_RATE_LIMIT: String(LIMIT),
    QUEUE_RATE_WINDOW_MS: String(WINDOW_MS),
    SWAP_DELAY_MS: '5-10'
  })
  api = await world.start({ role: 'api' })
  await world.start({ role: 'worker' })
  await world.start({ role: 'worker' })
})
after(() => world.destroy())

// A hand-over that came too late after its token is refused: the order keeps its routing event, goes back, and
// is routed again. Such an event is no start.
const startTimes = async (of = world) => {
  const rows = await of.sql(`SELECT ms FROM (
    SELECT status, extract(epoch FROM at) * 1000 AS ms,
           lead(status) OVER (PARTITION BY order_id ORDER BY seq) AS following
    FROM order_events) e WHERE status = 'routing' AND following <> 'routing' ORDER BY ms`)
  return rows.map((r) => Number(r.ms))
}
const refused = async () => {
  const [{ n }] = await world.sql(
    `SELECT count(*)::int AS n FROM order_events WHERE status = 'routing'`
  )
  return n - (await startTimes()).length
}

function assertNoWindowOver(times, windowMs = WINDOW_MS) {
  for (let i = 0; i + LIMIT < times.length; i++) {
    const span = times[i + LIMIT] - times[i]
    assert(span >= windowMs, `${LIMIT + 1} starts within ${span} ms, from start ${i + 1} on`)
  }
}

test('30 orders, 10 per 2 s, two workers', async () => {
  const ids = await Promise.all(Array.from({ length: 30 }, () => api.execute()))
  for (const id of ids) assert.equal((await api.ended(id, 40000)).status, 'confirmed')
  const times = await startTimes()
  assert.equal(times.length, 30)
  assertNoWindowOver(times)
  const took = times.at(-1) - times[0] // ideal: two windows between the first and the last ten
  if ((await refused()) === 0)
    assert(took < 2 * WINDOW_MS * 1.25 * SLOW, `30 starts took ${took} ms`)
  await world.auditSwaps(ids)
})

test('the limit is seen in the stats', async () => {
  const { json } = await api.get('/api/orders/stats')
  assert.equal(json.rateLimit.limit, LIMIT)
  assert.equal(json.rateLimit.windowMs, WINDOW_MS)
  assert(json.rateLimit.usedInWindow <= LIMIT)
})

test('a burst late in a window, then another at once', async () => {
  const before = (await startTimes()).length
  const ids = await Promise.all(Array.from({ length: 5 }, () => api.execute()))
  for (const id of ids) await api.ended(id, 20000)
  const more = await Promise.all(Array.from({ length: 20 }, () => api.execute()))
  for (const id of more) await api.ended(id, 40000)
  const times = await startTimes()
  assert.equal(times.length, before + 25)
  assertNoWindowOver(times)
})

// Redis' clock is put forward under two workers, again and again: each time all that was started looks old. Both
// have asked it for the time before: they are armed after that.
test('no clock of Redis makes processes start more than the limit', async () => {
  const LEAPS = 20
  const other = await createWorld({
    ...{ QUEUE_RATE_LIMIT: String(LIMIT), QUEUE_RATE_WINDOW_MS: String(WINDOW_MS), SWAP_DELAY_MS: '0' },
    ...{ QUOTE_DELAY_MS: '0', QUEUE_CONCURRENCY: '8' }
  })
  try {
    const daemon = await other.start()
    await other.start({ role: 'worker' })
    const key = `${other.name}:{0}:clock`
    await until('both to have asked', 20000, async () => {
      const [{ n }] = await other.sql('SELECT count(*)::int AS n FROM worker_sessions WHERE armed')
      return n === 2
    })
    const ids = await Promise.all(Array.from({ length: 30 }, () => daemon.execute()))
    for (let n = 0; n < LEAPS; n++) {
      const [last, ahead] = (await redisCli('get', key)).split(' ').map(Number)
      await redisCli('set', key, `${last + 3600000} ${ahead + 3600000}`)
      await pause(n % 5 === 4 ? WINDOW_MS : 100)
    }
    for (const id of ids) assert.equal((await daemon.ended(id, 40000)).status, 'confirmed')
    const times = await startTimes(other)
    assert.equal(times.length, 30)
    assertNoWindowOver(times)
    assert(daemon.log.some((line) => line.includes("Redis' clock was set forward")))
    await daemon.stop()
  } finally {
    await other.destroy()
  }
})

// Who is new has no past to compare Redis' time with. One who has sees the leap when he next asks for the time, also
// when his own starts are used up: the newcomer gives him long enough.
test('a process that starts up in a leap starts nothing before others have seen it', async () => {
  const ROUNDS = 2
  const WINDOW = 4000
  const other = await createWorld({
    ...{ QUEUE_RATE_LIMIT: String(LIMIT), QUEUE_RATE_WINDOW_MS: String(WINDOW), SWAP_DELAY_MS: '0' },
    ...{ QUOTE_DELAY_MS: '0', QUEUE_CONCURRENCY: '8' }
  })
  const leap = `local last, ahead = redis.call('GET', KEYS[1]):match('(%d+) (%d+)')
    redis.call('SET', KEYS[1], string.format('%.0f %.0f', last + 3600000, ahead + 3600000))`
  try {
    const daemon = await other.start()
    const ids = await Promise.all(Array.from({ length: (ROUNDS + 1) * LIMIT }, () => daemon.execute()))
    for (let n = 1; n <= ROUNDS; n++) {
      await until('the limit to be used up', 20000, async () => (await startTimes(other)).length >= n * LIMIT)
      const newcomer = await other.start({ role: 'worker' })
      await until('the newcomer to see Redis', 20000, () => newcomer.log.some((l) => l.includes('redis connected')))
      await redisCli('eval', leap, '1', `${other.name}:{0}:clock`)
    }
    for (const id of ids) assert.equal((await daemon.ended(id, 40000)).status, 'confirmed')
    const times = await startTimes(other)
    assert.equal(times.length, ids.length)
    assertNoWindowOver(times, WINDOW)
  } finally {
    await other.destroy()
  }
})
