// Orders of every type: POST /api/orders, what is moved by hand, and records through their lives.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertHistory,
  assertProblem,
  createWorld,
  request,
  SWAP,
  until,
  watch,
  within
} from './lib.mjs'

let world, api
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '2000' })
  api = await world.start()
})
after(() => world.destroy())

const create = (order, headers) => api.post('/api/orders', order, headers)
const move = (id, status) => api.put(`/api/orders/${id}/status`, { status })
const cancel = (id) => request(`${api.url}/api/orders/${id}`, { method: 'DELETE' })
const codes = (problem) => problem.errors.map((e) => `${e.pointer} ${e.code}`).sort()
let n = 0
const record = (more = {}) => ({ id: `rec-${++n}`, amount: 19.9, ...more })

test('a swap: 201 with the whole order, and it runs', async () => {
  const answer = await create({ ...SWAP, clientOrderId: 'swap-1' })
  assert.equal(answer.status, 201, answer.text)
  const order = answer.json
  assert.equal(answer.headers.get('location'), `/api/orders/${order.orderId}`)
  assert.deepEqual(
    [order.type, order.status, order.phase, order.attempt, order.seq, order.error],
    ['market', 'pending', 'queued', 1, 1, null]
  )
  assert.deepEqual([order.tokenIn, order.tokenOut, order.amount], ['SOL', 'USDC', 1.5])
  assert.equal(order.createdAt, order.updatedAt)
  assert.equal((await api.ended(order.orderId)).status, 'confirmed')
  const again = await create({ ...SWAP, clientOrderId: 'swap-1' })
  assert.equal(again.text, answer.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.equal(
    assertProblem(await create({ ...SWAP, amount: 2, clientOrderId: 'swap-1' }), 422).code,
    'IDEMPOTENCY_MISMATCH'
  )
})

test('every wrong field is named, the type’s own first', async () => {
  const wrong = async (order) => codes(assertProblem(await create(order), 400))
  assert.deepEqual(await wrong({ type: 'barter' }), ['/type UNKNOWN_TYPE'])
  assert.deepEqual(await wrong({ id: 'ord_1', amount: 0, status: 'pending', x: 1 }), [
    '/amount AMOUNT_NOT_POSITIVE',
    '/id INVALID_CLIENT_ORDER_ID',
    '/status UNKNOWN_STATUS',
    '/x UNKNOWN_FIELD'
  ])
  assert.deepEqual(await wrong({ type: 'record', createdAt: 'now', updatedAt: -1 }), [
    '/amount REQUIRED',
    '/createdAt INVALID_TIME',
    '/id REQUIRED',
    '/updatedAt INVALID_TIME'
  ])
  assert.deepEqual(await wrong({ ...SWAP, status: 'pending' }), ['/status UNKNOWN_FIELD'])
  assertProblem(await create([]), 400)
  assertProblem(await create('{"id":"a","id":"b","amount":1}'), 400)
  assert.equal((await api.post('/api/orders/execute', record())).status, 400)
  const big = await create(JSON.stringify({ id: 'big', amount: 1, createdAt: 'x'.repeat(70000) }))
  assertProblem(big, 413)
})

test('a record: moved by hand, watched, ended', async () => {
  const created = await create(record({ amount: '19.90' }))
  assert.equal(created.status, 201, created.text)
  const { orderId: id, id: own } = created.json
  assert.equal(created.json.clientOrderId, own)
  assert.equal(created.json.amount, '19.90')
  const listener = watch(api, id)
  await listener.opened
  const moved = await move(own, 'PROCESSING')
  assert.equal(moved.status, 200, moved.text)
  assert.deepEqual([moved.json.status, moved.json.phase, moved.json.seq], ['PROCESSING', 'active', 2])
  assert.equal((await move(id, 'COMPLETED')).json.phase, 'succeeded')
  assert.equal((await within('the close', 10000, listener.closed)).code, 1000)
  assertHistory(listener.messages, ['PENDING', 'PROCESSING', 'COMPLETED'])
  const { json } = await api.get(`/api/orders/${own}/status`)
  assert.deepEqual(json, { orderId: id, status: 'COMPLETED', phase: 'succeeded' })
  const { json: history } = await api.get(`/api/orders/${own}/events`)
  assertHistory(history.events, ['PENDING', 'PROCESSING', 'COMPLETED'])
})

test('edges that are none, words that are none, orders that are none', async () => {
  const { json } = await create(record())
  const illegal = async (id, word) =>
    assert.equal(assertProblem(await move(id, word), 409).code, 'ILLEGAL_TRANSITION')
  for (const word of ['PENDING', 'COMPLETED', 'FAILED']) await illegal(json.id, word)
  for (const word of ['Processing', 'confirmed', ''])
    assert.equal(assertProblem(await move(json.id, word), 400).code, 'UNKNOWN_STATUS')
  assertProblem(await api.put(`/api/orders/${json.id}/status`, {}), 400)
  assertProblem(await api.put(`/api/orders/${json.id}/status`, { status: 7 }), 400)
  assertProblem(await api.put(`/api/orders/${json.id}/status`, { status: 'PROCESSING', x: 1 }), 400)
  assertProblem(await move('nobodys', 'PROCESSING'), 404)
  assertProblem(await move('ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3', 'PROCESSING'), 404)
  assertProblem(await move('ord_x', 'PROCESSING'), 400)
  assert.equal((await move(json.id, 'PROCESSING')).status, 200)
  await illegal(json.id, 'PROCESSING')
  assert.equal((await move(json.id, 'FAILED')).status, 200)
  for (const word of ['PROCESSING', 'COMPLETED', 'FAILED', 'CANCELLED'])
    await illegal(json.id, word)
  const swap = await api.execute()
  for (const word of ['routing', 'confirmed', 'cancelled']) await illegal(swap, word)
  assertProblem(await move(swap, 'COMPLETED'), 400)
  await api.ended(swap)
  await illegal(swap, 'failed')
})

test('DELETE in the type’s own casing; terminal is final', async () => {
  const { json } = await create(record())
  const answer = await cancel(json.id)
  assert.equal(answer.status, 200, answer.text)
  assert.deepEqual([answer.json.status, answer.json.phase], ['CANCELLED', 'cancelled'])
  assertProblem(await cancel(json.id), 409)
  const other = await create(record({ status: 'PROCESSING' }))
  assert.equal((await cancel(other.json.id)).status, 200)
})

test('times in the form in which they came', async () => {
  const ms = 1769855400123
  const text = '2026-01-31T10:30:00.5+01:00'
  const a = (await create(record({ createdAt: ms, updatedAt: ms }))).json
  const b = (await create(record({ createdAt: text }))).json
  assert.deepEqual([a.createdAt, a.updatedAt], [ms, ms])
  assert.equal(b.createdAt, text)
  const moved = (await move(a.id, 'PROCESSING')).json
  assert.equal(moved.createdAt, ms)
  assert(Number.isInteger(moved.updatedAt) && moved.updatedAt > ms, moved.updatedAt)
  const later = (await move(b.id, 'PROCESSING')).json
  assert.equal(later.createdAt, text)
  assert.match(later.updatedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  assert.deepEqual((await api.get(`/api/orders/${a.id}`)).json, moved)
})

test('a record that was kept elsewhere comes in any state', async () => {
  const phases = { PENDING: 'queued', PROCESSING: 'active', COMPLETED: 'succeeded', FAILED: 'failed' }
  for (const [status, phase] of Object.entries(phases)) {
    const { json } = await create(record({ status }))
    assert.deepEqual([json.status, json.phase], [status, phase])
    assert.equal(json.completedAt === null, ['queued', 'active'].includes(phase))
    const { json: seen } = await api.get(`/api/orders/${json.id}`)
    assert.deepEqual(seen, json)
    const { json: history } = await api.get(`/api/orders/${json.id}/events`)
    assertHistory(history.events, [status])
    if (json.completedAt) assertProblem(await move(json.id, 'PROCESSING'), 409)
  }
})

test('one namespace for all own ids; a race for one gives one order', async () => {
  await create(record({ id: 'shared' }))
  const swap = await api.post('/api/orders/execute', { ...SWAP, clientOrderId: 'shared' })
  assert.equal(assertProblem(swap, 422).code, 'IDEMPOTENCY_MISMATCH')
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => create({ id: 'raced', amount: 1 }))
  )
  for (const answer of answers)
    if (answer.status !== 201)
      assert.equal(assertProblem(answer, 409).code, 'REQUEST_IN_PROGRESS')
  const ids = answers.filter((a) => a.status === 201).map((a) => a.json.orderId)
  assert(ids.length > 0)
  assert.equal(new Set(ids).size, 1)
})

test('two hands at once: one of them moves it', async () => {
  const { json } = await create(record({ status: 'PROCESSING' }))
  const words = ['COMPLETED', 'FAILED', 'CANCELLED', 'COMPLETED', 'FAILED']
  const answers = await Promise.all(words.map((word) => move(json.id, word)))
  assert.equal(answers.filter((a) => a.status === 200).length, 1)
  for (const a of answers.filter((x) => x.status !== 200)) assertProblem(a, 409)
  const { json: history } = await api.get(`/api/orders/${json.id}/events`)
  const winner = answers.find((a) => a.status === 200).json.status
  assertHistory(history.events, ['PROCESSING', winner])
})

test('records are no work for the queue: not swept, not purged, no dead letters', async () => {
  const open = (await create(record())).json
  const failed = (await create(record({ status: 'PROCESSING' }))).json
  assert.equal((await move(failed.id, 'FAILED')).status, 200)
  await until('nothing waits', 10000, async () => {
    const { json } = await api.get('/api/orders/stats')
    return json.queue.waiting + json.queue.active + json.queue.delayed === 0
  })
  assert.equal((await request(`${api.url}/queue/purge`, { method: 'DELETE' })).status, 200)
  assert.equal((await api.get(`/api/orders/${open.id}`)).json.status, 'PENDING')
  const { json: letters } = await api.get('/dlq')
  assert(!letters.orders.some((o) => o.type === 'record'))
  assertProblem(await api.post(`/dlq/${failed.id}/redrive`, ''), 409)
})

test('API and workers killed between the moves: nothing is lost', async () => {
  const second = await world.start({ role: 'api' })
  const { json } = await second.post('/api/orders', record())
  await second.kill()
  const third = await world.start({ role: 'api' })
  assert.equal((await third.put(`/api/orders/${json.id}/status`, { status: 'PROCESSING' })).status, 200)
  await third.kill()
  const { json: history } = await api.get(`/api/orders/${json.id}/events`)
  assertHistory(history.events, ['PENDING', 'PROCESSING'])
})
