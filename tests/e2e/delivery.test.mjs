// Deliveries: from order to door, killed on the way, moved by hand, cancelled, parked; the form of shops.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertHistory, assertProblem, createWorld, request, ulidToUuid, until, watch, within } from './lib.mjs'

const STATES = ['Pending', 'Processing', 'Shipped', 'Completed']
let world, api
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '1000', DELIVERY_DELAY_MS: '20' })
  api = await world.start({ role: 'api' })
})
after(() => world.destroy())
afterEach(async () => {
  for (const daemon of world.daemons) if (daemon.role === 'worker') await daemon.kill()
})

const parcel = (more = {}) => ({ user_id: 'u-1', item_ids: ['a', 2], total_amount: 19.9, ...more })
const move = (id, status) => api.put(`/api/orders/${id}/status`, { status })
const cancel = (id) => request(`${api.url}/api/orders/${id}`, { method: 'DELETE' })
const statuses = async (id) => (await world.events(id)).map((e) => e.status)
const reach = (id, status) =>
  until(`${id} ${status}`, 20000, async () =>
    (await api.get(`/api/orders/${id}/status`)).json.status === status)

// assertWholeWay() expects that each of the deliveries took each step, once.
async function assertWholeWay(ids) {
  for (const id of ids) assert.equal((await api.ended(id, 30000)).status, 'Completed')
  const rows = await world.sql(
    `SELECT order_id AS id, json_agg(status ORDER BY seq) AS states FROM order_events GROUP BY 1`)
  const of = new Map(rows.map((row) => [row.id, row.states]))
  for (const id of ids) assert.deepEqual(of.get(ulidToUuid(id)), STATES, id)
}

async function order(more) {
  const answer = await api.post('/api/orders', parcel(more))
  assert.equal(answer.status, 201, answer.text)
  assert.equal(answer.json.type, 'delivery')
  return answer.json.orderId
}

test('from order to door, watched, with a shipment that is tracked', async () => {
  const id = await order({ address: { street: 'Here 1' } })
  assertProblem(await api.get(`/api/orders/${id}/shipment`), 404)
  const listener = watch(api, id)
  await listener.opened
  const worker = await world.start({ role: 'worker' })
  assert.equal((await within('the close', 20000, listener.closed)).code, 1000)
  assertHistory(listener.messages, STATES)
  const { json: shipment } = await api.get(`/api/orders/${id}/shipment`)
  assert.equal(shipment.orderId, id)
  assert.equal(shipment.shipmentId, id.replace('ord_', 'shp_'))
  assert.match(shipment.trackingNumber, /^OX\d{16}$/)
  assert(shipment.carrier.length > 0)
  assert.deepEqual(
    shipment.steps.map((s) => [s.step, s.status]),
    [
      ['label_created', 'Processing'],
      ['in_transit', 'Shipped'],
      ['delivered', 'Completed']
    ]
  )
  assert.deepEqual((await api.get(`/api/shipments/${shipment.shipmentId}`)).json, shipment)
  const { json: done } = await api.get(`/api/orders/${id}`)
  assert.equal(done.phase, 'succeeded')
  assert.equal(done.shipment.trackingNumber, shipment.trackingNumber)
  assert.deepEqual([done.user_id, done.item_ids, done.total_amount], ['u-1', ['a', 2], 19.9])
  assertProblem(await cancel(id), 409)
  await worker.stop()
})

test('kill -9 at every step: each step once, one shipment', async () => {
  const ids = []
  for (const status of ['Processing', 'Shipped']) {
    const victim = await world.start({ role: 'worker', env: { DELIVERY_DELAY_MS: '1500' } })
    const id = await order({ user_id: `killed-${status}` })
    await reach(id, status)
    await victim.kill()
    ids.push([id, (await api.get(`/api/orders/${id}/shipment`)).json])
  }
  const rescuer = await world.start({ role: 'worker' })
  await assertWholeWay(ids.map(([id]) => id))
  for (const [id, before] of ids) {
    const { json: shipment } = await api.get(`/api/orders/${id}/shipment`)
    assert.equal(shipment.trackingNumber, before.trackingNumber)
    assert.equal(shipment.carrier, before.carrier)
    assert.equal(shipment.steps.length, 3)
  }
  await rescuer.stop()
})

test('workers killed at any moment, one after the other: each step of each delivery once', async () => {
  const env = { DELIVERY_DELAY_MS: '20-60', QUEUE_LEASE_MS: '500', QUEUE_CONCURRENCY: '3' }
  const ids = await Promise.all(
    Array.from({ length: 30 }, (_, i) => order({ user_id: `chaos-${i}` }))
  )
  const steps = async () =>
    (await world.sql('SELECT count(*)::int AS n FROM order_events WHERE seq > 1'))[0].n
  for (let i = 0; i < 4; i++) {
    const seen = await steps()
    const victim = await world.start({ role: 'worker', env })
    await until('it to take some steps', 20000, async () => (await steps()) > seen + i)
    await victim.kill()
  }
  const rescuer = await world.start({ role: 'worker', env })
  await assertWholeWay(ids)
  await rescuer.stop()
})

test('a hand takes over a delivery that runs: its worker drops it, nobody else takes it', async () => {
  const worker = await world.start({
    role: 'worker',
    env: { QUEUE_CONCURRENCY: '1', DELIVERY_DELAY_MS: '8000' }
  })
  const id = await order({ user_id: 'by-hand' })
  await reach(id, 'Processing')
  const moved = await move(id, 'Shipped')
  assert.equal(moved.status, 200, moved.text)
  const next = await order({ user_id: 'another' }) // the one worker is free at once
  await reach(next, 'Processing')
  assert.equal((await cancel(next)).json.status, 'Cancelled')
  await worker.stop()
  const second = await world.start({ role: 'worker' })
  await assertWholeWay([await order({ user_id: 'a third' })])
  const [row] = await world.sql(
    `SELECT owner, by_hand FROM orders WHERE order_id = '${ulidToUuid(id)}'`)
  assert.deepEqual(row, { owner: null, by_hand: true }, 'nobody has it, nobody will')
  assert.deepEqual(await statuses(id), ['Pending', 'Processing', 'Shipped'])
  assert.equal(assertProblem(await move(id, 'Processing'), 409).code, 'ILLEGAL_TRANSITION')
  assert.equal(assertProblem(await move(id, 'SHIPPED'), 400).code, 'UNKNOWN_STATUS')
  assertProblem(await cancel(id), 409)
  assert.equal((await move(id, 'Completed')).json.phase, 'succeeded')
  const { json: shipment } = await api.get(`/api/orders/${id}/shipment`)
  assert.deepEqual(
    shipment.steps.map((s) => [s.step, s.status]),
    [
      ['label_created', 'Processing'],
      [null, 'Shipped'],
      [null, 'Completed']
    ]
  )
  await second.stop()
})

test('a hand races the worker, 60 times: one history, and no step twice', async () => {
  const worker = await world.start({ role: 'worker', env: { DELIVERY_DELAY_MS: '5-15' } })
  const race = async (i) => {
    const id = await order({ user_id: `race-${i}` })
    await new Promise((resolve) => setTimeout(resolve, i % 30))
    const answer = await move(id, i % 2 ? 'Processing' : 'Shipped')
    if (answer.status !== 200) assert.equal(assertProblem(answer, 409).code, 'ILLEGAL_TRANSITION')
    return [id, answer.status === 200]
  }
  const ids = []
  let taken = 0
  for (let i = 0; i < 60; i += 10) {
    const races = await Promise.all(Array.from({ length: 10 }, (_, k) => race(i + k)))
    for (const [id, byHand] of races) {
      taken += byHand
      if (byHand)
        for (const word of ['Shipped', 'Completed']) await move(id, word)
      ids.push(id)
    }
  }
  await assertWholeWay(ids)
  assert(taken > 0, 'no hand was ever first')
  await worker.stop()
})

test('cancelled on the way; not any more when it is shipped', async () => {
  const slow = await world.start({ role: 'worker', env: { DELIVERY_DELAY_MS: '8000' } })
  const id = await order({ user_id: 'c-1' })
  await reach(id, 'Processing')
  const cancelled = await cancel(id)
  assert.equal(cancelled.json.status, 'Cancelled', cancelled.text)
  await slow.stop()
  const worker = await world.start({ role: 'worker', env: { DELIVERY_DELAY_MS: '1000' } })
  const other = await order({ user_id: 'c-2' })
  await reach(other, 'Shipped')
  assert.equal(assertProblem(await cancel(other), 409).code, 'ORDER_SUBMITTED')
  assert.equal((await api.ended(other)).status, 'Completed')
  assert.deepEqual(await statuses(id), ['Pending', 'Processing', 'Cancelled'])
  await worker.stop()
})

test('a long way holds no worker', async () => {
  const worker = await world.start({
    role: 'worker',
    env: { QUEUE_CONCURRENCY: '1', DELIVERY_DELAY_MS: '600000' }
  })
  const ids = [await order({ user_id: 'far-1' }), await order({ user_id: 'far-2' })]
  for (const id of ids) await reach(id, 'Processing')
  await until('both to wait', 10000, async () => {
    const [{ n }] = await world.sql('SELECT count(owner)::int AS n FROM orders')
    return n === 0
  })
  assert.equal((await cancel(ids[0])).json.status, 'Cancelled')
  assert.equal((await move(ids[1], 'Failed')).json.phase, 'failed')
  await worker.stop()
})

test('every wrong field is named', async () => {
  const problem = assertProblem(
    await api.post('/api/orders', { item_ids: [1, null], total_amount: -1, address: 7, x: 1 }),
    400
  )
  assert.deepEqual(problem.errors.map((e) => `${e.pointer} ${e.code}`).sort(), [
    '/address WRONG_TYPE',
    '/item_ids/1 INVALID_ITEM_ID',
    '/total_amount AMOUNT_NOT_POSITIVE',
    '/user_id REQUIRED',
    '/x UNKNOWN_FIELD'
  ])
})

test('the deliveries of a user are listed', async () => {
  const mine = [await order({ user_id: 'lister' }), await order({ user_id: 'lister' })]
  const { json } = await api.get('/api/orders?user_id=lister')
  assert.deepEqual(
    json.orders.map((o) => o.orderId),
    mine.reverse()
  )
  for (const id of mine) await cancel(id)
})

test('the form of shops', async () => {
  const worker = await world.start({ role: 'worker' })
  const body = { user_id: 'shop-1', item_ids: [1, 'b'], total_amount: 19.9 }
  const answer = await api.post('/orders', body)
  assert.equal(answer.status, 201, answer.text)
  const { order_id: id, ...rest } = answer.json
  assert.match(id, /^ord_/)
  assert.deepEqual(rest, { ...body, status: 'Pending' })
  assert.equal(answer.headers.get('location'), `/api/orders/${id}`)
  await until('Completed', 20000, async () => {
    const { json } = await api.get(`/orders/${id}/status`)
    assert.deepEqual(Object.keys(json), ['status'])
    return json.status === 'Completed'
  })
  const named = await api.post('/orders', { order_id: 'shop-own', ...body })
  assert.equal(named.json.order_id, 'shop-own')
  const again = await api.post('/orders', { order_id: 'shop-own', ...body })
  assert.equal(again.text, named.text)
  assert.equal((await api.get('/api/orders/shop-own')).json.type, 'delivery')
  assert.equal((await api.get('/orders/shop-own/status')).status, 200)
  assertProblem(await api.get('/orders/nobodys/status'), 404)
  assertProblem(await api.get('/orders/ord_x/status'), 400)
  assertProblem(await api.post('/orders', { ...body, order_id: 'a b' }), 400)
  assertProblem(await api.post('/orders', { user_id: 'u' }), 400)
  assertProblem(await api.get('/orders'), 405)
  await api.ended((await api.get('/api/orders/shop-own')).json.orderId)
  await worker.stop()
})

// ── the deliveries of a user ─────────────────────────────────────────────────────────────────────

// underWay() waits until so many of them are at once, on a worker that lingers, and says which.
const LINGERING = { role: 'worker', env: { DELIVERY_DELAY_MS: '8000' } }
async function underWay(ids, n) {
  let active
  await until(`${n} under way`, 20000, async () => {
    const all = await Promise.all(ids.map(async (id) => (await api.get(`/api/orders/${id}`)).json))
    assert(all.every(({ phase }) => ['queued', 'active', 'succeeded'].includes(phase)))
    active = ids.filter((_, i) => all[i].phase === 'active')
    return active.length === n
  })
  return active
}
async function finish(id) {
  for (const status of ['Shipped', 'Completed']) assert.equal((await move(id, status)).status, 200)
}

// span() is when an order was under way: from its first step to its end, by PostgreSQL's clock.
async function span(id) {
  const events = await world.events(id)
  return [new Date(events[1].at).getTime(), new Date(events.at(-1).at).getTime()]
}

// What is placed before there is a worker is claimed at once when there is, as far as it may be.
test('two deliveries of a user never overlap, and keep their order; those of two users do', async () => {
  const mine = []
  for (let i = 0; i < 3; i++) mine.push(await order({ user_id: 'one' }))
  const others = await Promise.all(['two', 'three'].map((user_id) => order({ user_id })))
  const worker = await world.start(LINGERING)
  assert.deepEqual(await underWay([...mine, ...others], 3), [mine[0], ...others])
  await finish(mine[0])
  assert.deepEqual(await underWay([...mine, ...others], 3), [mine[1], ...others])
  await finish(mine[1])
  assert.deepEqual(await underWay(mine, 1), [mine[2]])
  for (const id of [mine[2], ...others]) await finish(id)
  const [first, second, third] = await Promise.all(mine.map(span))
  assert(first[1] <= second[0] && second[1] <= third[0], JSON.stringify([first, second, third]))
  assert.equal((await api.get(`/api/orders/${mine[0]}`)).json.groupId, undefined)
  await worker.stop()
})

test('a groupId of its own takes a delivery out of its user’s; no groupId gets into it', async () => {
  const fields = [
    ...[{ user_id: 'four' }, { user_id: 'four', groupId: 'g-4' }],
    ...[{ user_id: 'g-5' }, { user_id: 'x', groupId: 'g-5' }],
    ...[{ user_id: 7 }, { user_id: '7' }]
  ]
  const ids = []
  for (const some of fields) ids.push(await order(some))
  assertProblem(await api.post('/api/orders', parcel({ groupId: 'delivery=u-1' })), 400, ['/groupId'])
  const worker = await world.start(LINGERING)
  assert.deepEqual(await underWay(ids, 5), ids.slice(0, 5), 'a number is the same user as its text')
  assert.equal((await api.get(`/api/orders/${ids[1]}`)).json.groupId, 'g-4')
  for (const id of ids.slice(0, 5)) await finish(id)
  assert.deepEqual(await underWay(ids, 1), [ids[5]])
  await finish(ids[5])
  assert((await span(ids[4]))[1] <= (await span(ids[5]))[0])
  await worker.stop()
})
