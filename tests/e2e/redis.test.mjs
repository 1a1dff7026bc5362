// Redis holds hints: wiped, stopped or restarted in the middle, no order is lost and none swapped twice.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertHistory,
  createWorld,
  startRedis,
  SWAP_STATES,
  until,
  watch,
  within
} from './lib.mjs'

let redis, world, ox
before(async () => {
  redis = await startRedis()
  world = await createWorld({
    REDIS_URL: redis.url,
    QUEUE_LEASE_MS: '2000',
    SWAP_DELAY_MS: '300-500'
  })
  ox = await world.start({ env: { QUEUE_CONCURRENCY: '3' } })
})
after(async () => {
  await world.destroy()
  await redis.stop()
})

const tenSwaps = () => Promise.all(Array.from({ length: 10 }, () => ox.execute()))
const someRunning = () =>
  until('some orders to run', 10000, async () => {
    const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase = 1')
    return n >= 2
  })

for (const [name, wipe] of [
  ['FLUSHALL', () => redis.cli('flushall')],
  ['SCRIPT FLUSH', () => redis.cli('script', 'flush')],
  [
    'FLUSHALL three times',
    async () => {
      for (let i = 0; i < 3; i++) await redis.cli('flushall')
    }
  ]
])
  test(`${name} in the middle of ten swaps`, async () => {
    const ids = await tenSwaps()
    const listeners = ids.map((id) => watch(ox, id))
    await someRunning()
    await wipe()
    for (const id of ids) assert.equal((await ox.ended(id, 40000)).status, 'confirmed')
    for (const listener of listeners) {
      await within('the close', 10000, listener.closed)
      assertHistory(listener.messages, SWAP_STATES)
    }
    await world.auditSwaps(ids)
  })

test('connections to Redis cut again and again', async () => {
  const ids = await tenSwaps()
  await someRunning()
  for (let i = 0; i < 5; i++) {
    await redis.cli('client', 'kill', 'type', 'normal', 'skipme', 'yes')
    await redis.cli('client', 'kill', 'type', 'pubsub')
    await ox.get('/health')
  }
  for (const id of ids) assert.equal((await ox.ended(id, 40000)).status, 'confirmed')
  await world.auditSwaps(ids)
})

test('Redis gone: orders are accepted, health says degraded; they run with the next Redis', async () => {
  await redis.stop()
  const ids = await tenSwaps()
  await until('health to say degraded', 10000, async () => {
    const health = await ox.get('/health')
    return health.status === 200 && health.json.status === 'degraded'
  })
  assert.equal((await ox.get('/readyz')).status, 200)
  redis = await startRedis(Number(new URL(redis.url).port))
  for (const id of ids) assert.equal((await ox.ended(id, 60000)).status, 'confirmed')
  await world.auditSwaps(ids)
})
