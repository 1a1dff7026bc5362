// What the engine makes of executors that fail, hang or lie: tests/plugin/odd.c does what its payload says.
import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { OXD, SLOW, createWorld, ulidToUuid, until } from './lib.mjs'

let world, daemon, dir
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ox-plugins-'))
  for (const file of ['odd.so', 'moody.so'])
    await symlink(path.join(path.dirname(OXD), 'tests/plugin', file), path.join(dir, file))
  world = await createWorld({
    EXECUTOR_DIR: dir,
    QUEUE_BACKOFF_MS: '200',
    QUEUE_CONCURRENCY: '4',
    JOB_DEADLINE_MS: '1000'
  })
  daemon = await world.start()
})
after(async () => {
  await world.destroy()
  await rm(dir, { recursive: true })
})

const place = (what, ms, more) =>
  daemon.execute({ type: 'odd', do: what, ...(ms ? { ms } : {}), ...more })
const statuses = async (id) => (await world.events(id)).map((e) => `${e.status} ${e.attempt}`)

test('an order of any type: its payload, its result', async () => {
  const order = await daemon.ended(await place('done'))
  assert.deepEqual([order.type, order.status, order.do, order.by], ['odd', 'done', 'done', 'odd'])
})

test('retries back off and double, count attempts, and end with the reason', async () => {
  const id = await place('retry')
  const order = await daemon.ended(id)
  assert.equal(order.status, 'failed')
  assert.equal(order.attempt, 3)
  assert.deepEqual(order.error, {
    code: 'TRANSIENT',
    message: 'it never works',
    retryable: true,
    outcome: 'none'
  })
  assert.deepEqual(await statuses(id), [
    'pending 1',
    'working 1',
    'working 2',
    'working 3',
    'failed 3'
  ])
  const at = (await world.events(id)).map((e) => Date.parse(e.at))
  assert(at[2] - at[1] >= 200 && at[2] - at[1] < 200 + 1000 * SLOW, `first gap ${at[2] - at[1]}`)
  assert(at[3] - at[2] >= 400 && at[3] - at[2] < 400 + 1000 * SLOW, `second gap ${at[3] - at[2]}`)
})

// What the venues of tests/plugin/moody.c have seen.
async function moods(body = {}) {
  const headers = { 'content-type': 'application/json' }
  const put = { method: 'PUT', headers, body: JSON.stringify(body) }
  const { status, json, text } = await daemon.get('/test/moods', put)
  assert.equal(status, 200, text)
  return json
}
const landed = async () => (await moods()).east
const transaction = async (id) =>
  world.sql(`SELECT o.intent_open AS open, x.outcome FROM orders o JOIN intents i USING (order_id)
    LEFT JOIN outcomes x USING (order_id, n) WHERE order_id = '${ulidToUuid(id)}'`)

for (const [then, status, attempt] of [
  ['fail', 'failed', 1],
  ['retry', 'failed', 3],
  ['again', 'done', 1]
])
  test(`what has landed is the only one, whatever comes after it: ${then}`, async () => {
    const before = await landed()
    const id = await place('swap', 1, { then })
    const order = await daemon.ended(id)
    assert.deepEqual([order.status, order.attempt], [status, attempt])
    if (status === 'failed')
      assert.deepEqual([order.error.code, order.error.outcome], ['AFTERWARDS', 'landed'])
    assert.deepEqual(await transaction(id), [{ open: false, outcome: 'landed' }])
    assert.equal(await landed(), before + 1)
  })

test('what has landed stays open until the order ends', async () => {
  const id = await place('swap', 800, { then: 'sleep' })
  await until('the state after the landing', 5000, async () => (await statuses(id)).at(-1) === 'half 1')
  assert.deepEqual(await transaction(id), [{ open: true, outcome: null }])
  assert.equal((await daemon.ended(id)).status, 'done')
  assert.deepEqual(await transaction(id), [{ open: false, outcome: 'landed' }])
})

// swaps() has so many orders swap at once, and gives how many of them landed, and how many of those together.
async function swaps(n) {
  const was = await moods()
  const ids = await Promise.all(Array.from({ length: n }, () => place('swap', 1, { then: 'again' })))
  for (const id of ids) {
    assert.equal((await daemon.ended(id)).status, 'done')
    assert.deepEqual(await transaction(id), [{ open: false, outcome: 'landed' }])
  }
  const is = await moods()
  return { landed: is.east - was.east, together: is.together - was.together }
}

test('transactions whose intents become durable together are sent together, each once', async () => {
  await until('two at a time', 60000, async () => {
    const seen = await swaps(12)
    assert.equal(seen.landed, 12)
    return seen.together > 1
  })
})

test('a venue that does not take them together gets each by itself', async () => {
  await moods({ east: 'shy' })
  assert.deepEqual(await swaps(12), { landed: 12, together: 0 })
  await moods({ east: 'well' })
})

test('a final failure is tried once', async () => {
  const id = await place('fail')
  const order = await daemon.ended(id)
  assert.deepEqual([order.attempt, order.error.code, order.error.retryable], [1, 'FINAL', false])
  assert.equal(order.error.message, 'it "cannot" work')
  const { json } = await daemon.get(`/api/orders/${id}/events`)
  assert.deepEqual(json.events.at(-1).data.error, order.error)
})

test('what an executor keeps is there in its next run', async () => {
  const order = await daemon.ended(await place('remember'))
  assert.deepEqual([order.status, order.attempt], ['done', 2])
})

test('a report that PostgreSQL will not take fails the order, and nobody else', async () => {
  const [bad, good] = [await place('bad json'), await place('done')]
  assert.equal((await daemon.ended(bad)).error.code, 'REPORT_REFUSED')
  assert.equal((await daemon.ended(good)).status, 'done')
})

test('a state that is not in the table is refused, and the executor told', async () => {
  assert.equal((await daemon.ended(await place('bad state'))).status, 'done')
})

test('done without a succeeded state is a failure that says so', async () => {
  assert.equal((await daemon.ended(await place('no end'))).error.code, 'EXECUTOR_PROTOCOL')
})

test('a park by time alone, which counts no attempt', async () => {
  const order = await daemon.ended(await place('park', 300))
  assert.deepEqual([order.status, order.attempt], ['done', 1])
  assert.deepEqual(await statuses(order.orderId), ['pending 1', 'working 1', 'working 1', 'done 1'])
  const at = (await world.events(order.orderId)).map((e) => Date.parse(e.at))
  assert(at[2] - at[1] >= 300, `woken after ${at[2] - at[1]} ms`)
})

test('a park on a topic: the level wakes it, published by another order', async () => {
  const parked = await place('park', 0, { topic: 'price:A-B', level: 10 })
  const row = `SELECT order_id FROM parks WHERE topic = 'price:A-B'`
  await until('the park', 10000, async () => (await world.sql(row)).length === 1)
  const say = async (level) =>
    (await daemon.ended(await place('publish', 0, { topic: 'price:A-B', level }))).status
  assert.equal(await say(9), 'done')
  assert.equal((await world.sql(row)).length, 1)
  assert.equal((await daemon.get(`/api/orders/${parked}`)).json.phase, 'queued')
  assert.equal(await say(10), 'done')
  assert.equal((await daemon.ended(parked)).attempt, 1)
  assert.equal((await world.sql(row)).length, 0)
})

test('a topic that cannot be is refused, and a park without a word too', async () => {
  const bad = await daemon.ended(await place('park', 0, { topic: 'no blanks', level: 1 }))
  assert.equal(bad.error.code, 'NO_TOPIC')
  const order = await daemon.ended(await place('park without a word'))
  assert.equal(order.error.code, 'EXECUTOR_PROTOCOL')
})

test('an executor may end an order as cancelled in a way of its own', async () => {
  const order = await daemon.ended(await place('expire'))
  assert.deepEqual([order.status, order.phase, order.error], ['expired', 'cancelled', null])
  assert(order.completedAt)
})

test('a job over its deadline is cancelled and comes back', async () => {
  const id = await place('sleep', 60000)
  await until('a second run', 10000, async () => (await statuses(id)).length >= 3)
  assert.equal((await daemon.get(`/api/orders/${id}`)).json.attempt, 1)
})

test('a job that ignores its cancel loses its order; its thread is replaced', async () => {
  const id = await place('hang', 9000 * SLOW)
  const log = () => daemon.log.some((line) => line.includes('thread written off'))
  await until('the thread to be written off', 20000, log)
  assert.equal((await daemon.ended(await place('done'))).status, 'done')
  await until('another run of the order', 10000, async () => (await statuses(id)).length >= 3)
})
