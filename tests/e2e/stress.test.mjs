// POST /api/system/stress-test: what it says is what PostgreSQL has; one at a time; others are served meanwhile.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { SLOW, assertProblem, createWorld, until } from './lib.mjs'

let world, ox
before(async () => {
  world = await createWorld()
  ox = await world.start()
})
after(() => world.destroy())

const run = (orders, batchSize, concurrentBatches, more = {}) =>
  ox.post('/api/system/stress-test', { orders, batchSize, concurrentBatches, ...more })
const placed = async (type) =>
  (await world.sql(`SELECT count(*)::int AS n, count(completed_at)::int AS ended FROM orders WHERE type = '${type}'`))[0]

test('it places as many as it says, and times the batches', async () => {
  const { status, json, text } = await run(1050, 100, 4)
  assert.equal(status, 200, text)
  const { elapsedMs, ordersPerSecond, batchMs, ...rest } = json
  assert.deepEqual(rest, {
    type: 'record',
    orders: 1050,
    accepted: 1050,
    failed: 0,
    firstError: null,
    batches: 11,
    batchSize: 100,
    concurrentBatches: 4
  })
  assert.deepEqual(await placed('record'), { n: 1050, ended: 1050 })
  assert(elapsedMs > 0 && Math.abs(ordersPerSecond - (1050 / elapsedMs) * 1000) < 0.01)
  const { p50, p95, p99, max } = batchMs
  assert(p50 > 0 && p50 <= p95 && p95 <= p99 && p99 <= max && max <= elapsedMs + 1, JSON.stringify(batchMs))
})

test('a single order; and orders that are really run', async () => {
  assert.equal((await run(1, 1000, 100)).json.accepted, 1)
  const { json } = await run(20, 10, 2, { type: 'market' })
  assert.deepEqual([json.type, json.accepted, json.failed], ['market', 20, 0])
  await until('them to end', 20000, async () => (await placed('market')).ended === 20)
})

test('what is out of range is said, all of it', async () => {
  const problem = assertProblem(await run(0, 1001, 1.5, { type: 'none', x: 1 }), 400, [
    '/orders',
    '/batchSize',
    '/concurrentBatches',
    '/type',
    '/x'
  ])
  assert.equal(problem.errors.length, 5)
  assertProblem(await ox.post('/api/system/stress-test', {}), 400, ['/orders', '/batchSize', '/concurrentBatches'])
  for (const orders of [100001, -1, '10', null, 1e30, true]) assertProblem(await run(orders, 1, 1), 400, ['/orders'])
  assertProblem(await ox.post('/api/system/stress-test', 'orders=1'), 400)
})

test('one at a time, and nobody waits for it', async () => {
  const first = run(20000, 500, 10)
  const refused = await until('a second one to be refused', 5000, async () => {
    const answer = await run(1, 1, 1)
    return answer.status === 409 && answer
  })
  assert.equal(assertProblem(refused, 409).code, 'STRESS_TEST_RUNNING')
  let slowest = 0
  for (let done = false; !done; ) {
    const begun = performance.now()
    assert.equal((await ox.get('/livez')).status, 200)
    slowest = Math.max(slowest, performance.now() - begun)
    done = await Promise.race([first.then(() => true), new Promise((r) => setTimeout(r, 5, false))])
  }
  const { json } = await first
  assert.deepEqual([json.accepted, json.failed], [20000, 0])
  assert(slowest < 1000 * SLOW, `the loop was held up for ${slowest} ms`)
  assert.equal((await run(1, 1, 1)).status, 200)
})

test('a stop ends it with what it has done', async () => {
  const running = run(100000, 1000, 5)
  await until('it to be under way', 5000, async () => (await placed('record')).n > 21500)
  await ox.stop()
  const { status, json } = await running
  assert.equal(status, 200)
  assert.equal(json.accepted + json.failed, 100000)
  assert.equal(json.firstError, 'REQUEST_TIMEOUT')
  const before = 1050 + 1 + 20000 + 1
  const now = (await placed('record')).n - before
  assert(Math.abs(now - json.accepted) <= 1, `${now} are there, ${json.accepted} were counted`)
})
