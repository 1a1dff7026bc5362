// A paused queue starts nothing, whatever Redis loses and whoever restarts; what runs goes on.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createWorld, startRedis, until } from './lib.mjs'

let redis, world, api, worker
before(async () => {
  redis = await startRedis()
  world = await createWorld({
    REDIS_URL: redis.url,
    QUEUE_LEASE_MS: '2000',
    QUEUE_RATE_LIMIT: '0' // no epoch to wait for: nothing but the pause holds orders back
  })
  api = await world.start({ role: 'api' })
  worker = await world.start({ role: 'worker' })
})
after(async () => {
  await world.destroy()
  await redis.stop()
})

const pause = (daemon = api) => daemon.post('/queue/pause', '')
const resume = (daemon = api) => daemon.post('/queue/resume', '')
const stats = async () => (await api.get('/queue/stats')).json
const started = async (ids) => {
  const all = await Promise.all(ids.map((id) => api.get(`/api/orders/${id}/status`)))
  return all.filter((a) => a.json.status !== 'pending').length
}
const place = (n) => Promise.all(Array.from({ length: n }, () => api.execute()))

// nothingStarts() gives every process the time in which it would have started something.
async function nothingStarts(ids, ms = 1500) {
  const end = Date.now() + ms
  while (Date.now() < end) {
    assert.equal(await started(ids), 0, 'an order was started while the queue was paused')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

test('paused, nothing starts; what runs goes on; resumed, all of it runs', async () => {
  const running = await api.execute()
  await until('it to run', 10000, async () => (await started([running])) === 1)
  const answer = await pause()
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.paused, true)
  const again = await pause()
  assert.deepEqual(again.json, answer.json)
  assert.equal((await stats()).paused, true)
  assert.equal((await api.ended(running)).status, 'confirmed')
  const ids = await place(5)
  await nothingStarts(ids, 800)
  assert.equal((await stats()).waiting, 5)
  assert.equal((await resume()).json.paused, false)
  for (const id of ids) assert.equal((await api.ended(id, 5000)).status, 'confirmed')
})

test('FLUSHALL while paused, again and again, and at once after the pause', async () => {
  const ids = []
  for (let i = 0; i < 5; i++) {
    await resume()
    await pause()
    await redis.cli('flushall') // the worker has not been told of this pause yet, and Redis has forgotten it
    ids.push(...(await place(1)))
    await nothingStarts(ids.slice(-1), 400)
  }
  await until('Redis to know again', 5000, async () => (await stats()).paused)
  await resume()
  for (const id of ids) assert.equal((await api.ended(id)).status, 'confirmed')
  await pause()
  const more = await place(3)
  await redis.cli('flushall')
  await until('the orders to wait again', 5000, async () => (await stats()).waiting === 3)
  assert.equal(await started(more), 0)
  await resume()
  for (const id of more) assert.equal((await api.ended(id)).status, 'confirmed')
})

test('every process restarted and Redis wiped while paused', async () => {
  await pause()
  const ids = await place(3)
  await worker.kill()
  await api.kill()
  await redis.cli('flushall')
  api = await world.start({ role: 'api' })
  worker = await world.start({ role: 'worker' })
  await nothingStarts(ids)
  assert.equal((await stats()).paused, true)
  await resume()
  for (const id of ids) assert.equal((await api.ended(id)).status, 'confirmed')
})

test('paused and resumed while Redis is away', async () => {
  await redis.stop()
  assert.equal((await pause()).status, 200)
  const ids = await place(3)
  redis = await startRedis(Number(new URL(redis.url).port))
  await nothingStarts(ids)
  await redis.stop()
  assert.equal((await resume()).status, 200)
  redis = await startRedis(Number(new URL(redis.url).port))
  for (const id of ids) assert.equal((await api.ended(id)).status, 'confirmed')
})

test('Redis comes back with what it knew before the pause', async () => {
  const before = await redis.cli('get', `${world.name}:{0}:paused`)
  assert.match(before, /:0$/)
  await pause()
  await redis.cli('set', `${world.name}:{0}:paused`, before)
  const ids = await place(3) // half a second later everybody knows
  await until('Redis to know', 2000, async () => (await stats()).paused)
  const early = await started(ids)
  await nothingStarts(ids.slice(early), 600)
  await resume()
  for (const id of ids) assert.equal((await api.ended(id)).status, 'confirmed')
})
