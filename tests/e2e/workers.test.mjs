// The worker map: what each slot of each process does and has done, from any process; and without Redis.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { SWAP, createWorld, startRedis, until } from './lib.mjs'

let redis, world, api, first
before(async () => {
  redis = await startRedis()
  world = await createWorld({ REDIS_URL: redis.url, SWAP_DELAY_MS: '1500', QUEUE_ATTEMPTS: '2', QUEUE_BACKOFF_MS: '10' })
  api = await world.start({ role: 'api' })
  first = await world.start({ role: 'worker', env: { QUEUE_CONCURRENCY: '2' } })
})
after(async () => {
  await world.destroy()
  await redis.stop()
})

const status = async (from = api) => (await from.get('/handler/status')).json
const stats = async (from = api) => (await from.get('/handler/stats')).json
const sum = (list, key) => list.reduce((n, item) => n + item[key], 0)

test('an idle worker process is there, with all its slots', async () => {
  const map = await until('the first report', 5000, async () => {
    const now = await status()
    return now.workers.length === 1 && now
  })
  const [worker] = map.workers
  assert.deepEqual([map.complete, map.slots, map.busy], [true, 2, 0])
  assert.match(worker.worker, new RegExp(`^.+:${first.pid}$`))
  assert(worker.reportAgeMs >= 0 && worker.reportAgeMs < 5000)
  const idle = { busy: false, orderId: null, type: null, stage: null, attempt: null, ageMs: null }
  assert.deepEqual(worker.slots, [{ slot: 0, ...idle }, { slot: 1, ...idle }])
})

test('what runs is seen where it runs: the order, its stage, its age', async () => {
  const id = await api.execute()
  const slot = await until('the map to have it', 5000, async () => {
    const slots = (await status()).workers.flatMap((w) => w.slots)
    return slots.find((s) => s.orderId === id && s.stage === 'submitted')
  })
  assert.deepEqual([slot.busy, slot.type, slot.attempt], [true, 'market', 1])
  assert(slot.ageMs >= 0 && slot.ageMs < 10000)
  await api.ended(id)
  await until('the slot to be free', 5000, async () => (await status()).busy === 0)
})

test('several processes, and the sums of what they have done', async () => {
  const own = await world.start({ env: { QUEUE_CONCURRENCY: '3' } })
  await until('both', 5000, async () => (await status(own)).slots === 5)
  const before = (await stats(own)).total
  await api.setFaults({ venue: 'raydium', kind: 'no_liquidity' }, { venue: 'meteora', kind: 'no_liquidity' })
  const doomed = await api.execute()
  assert.equal((await api.ended(doomed)).phase, 'failed')
  await api.setFaults()
  const ids = await Promise.all(Array.from({ length: 4 }, () => api.execute()))
  const parked = await api.execute({ ...SWAP, type: 'limit', limitPrice: '100000' })
  for (const id of ids) await api.ended(id)
  await until('it to wait', 5000, async () => (await api.get(`/api/orders/${parked}/status`)).json.status === 'watching')
  const now = await until('the sums', 5000, async () => {
    const all = await stats(own)
    return all.total.succeeded - before.succeeded === 4 && all.total.other > before.other && all
  })
  assert.equal(now.complete, true)
  assert.equal(now.total.failed - before.failed, 1)
  assert.equal(now.workers.length, 2)
  assert.equal(now.workers[0].reportAgeMs, 0, 'it knows its own at once')
  assert.match(now.workers[0].worker, new RegExp(`:${own.pid}$`))
  for (const key of ['run', 'succeeded', 'failed', 'retried', 'other']) {
    assert.equal(sum(now.workers, key), now.total[key], key)
    for (const worker of now.workers) assert.equal(sum(worker.slots, key), worker[key], key)
  }
  for (const one of [now.total, ...now.workers, ...now.workers.flatMap((w) => w.slots)]) {
    assert.equal(one.run, one.succeeded + one.failed + one.retried + one.other)
    assert(one.busyShare >= 0 && one.busyShare <= 1, `${one.busyShare}`)
  }
  assert(now.total.busyShare > 0)
  assert.deepEqual((await own.get('/workers/stats')).json.total.run, now.total.run)
  await own.stop()
  await until('it to be forgotten', 10000, async () => (await status()).workers.length === 1)
})

test('garbage among the reports is passed over', async () => {
  const key = `${world.name}:{0}:`
  await redis.cli('zadd', `${key}workers`, '99999999999999', '01ARZ3NDEKTSV4RRFFQ69G5FAV')
  await redis.cli('hset', `${key}reports`, '01ARZ3NDEKTSV4RRFFQ69G5FAV', '1 2 nonsense')
  assert.deepEqual((await status()).workers.length, 1)
})

test('without Redis there is this process alone, and it says so', async () => {
  const own = await world.start()
  await redis.stop()
  const map = await until('it to notice', 10000, async () => {
    const now = await status(own)
    return now.complete === false && now
  })
  assert.deepEqual([map.workers.length, map.slots], [1, 10])
  assert.deepEqual((await stats()).workers, [])
})
