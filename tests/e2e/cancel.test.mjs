// Cancelling: waiting orders, running ones, the race with the submit, and a purge around orders in flight.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertHistory,
  assertProblem,
  createWorld,
  request,
  SWAP,
  ulidToUuid,
  until,
  watch,
  within
} from './lib.mjs'

let world, api
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '2000' })
  api = await world.start({ role: 'api' })
})
after(() => world.destroy())

const cancel = (daemon, id) => request(`${daemon.url}/api/orders/${id}`, { method: 'DELETE' })
const purge = (daemon) => request(`${daemon.url}/queue/purge`, { method: 'DELETE' })
const statuses = async (id) => (await world.events(id)).map((e) => e.status)
const landed = async (id) =>
  (
    await world.sql(`SELECT count(*)::int AS n FROM sim.ledger
      WHERE landed AND order_id = '${ulidToUuid(id)}'`)
  )[0].n

// reach() waits until the order is in status.
const reach = (id, status) =>
  until(`${id} ${status}`, 10000, async () => (await statuses(id)).at(-1) === status)

test('an order that waits', async () => {
  const id = await api.execute()
  const listener = watch(api, id)
  await listener.opened
  const answer = await cancel(api, id)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.phase, 'cancelled')
  assert.equal(answer.json.status, 'cancelled')
  assert.equal(answer.json.seq, 2)
  assert.notEqual(answer.json.completedAt, null)
  assert.equal((await within('the close', 5000, listener.closed)).code, 1000)
  assertHistory(listener.messages, ['pending', 'cancelled'])
  assert.equal(assertProblem(await cancel(api, id), 409).code, 'ORDER_ENDED')
  const { json } = await api.get('/api/orders/stats')
  assert.equal(json.queue.waiting, 0)
})

test('by the name of the caller’s own; what is no order', async () => {
  await api.execute({ ...SWAP, clientOrderId: 'mine-to-cancel' })
  assert.equal((await cancel(api, 'mine-to-cancel')).json.phase, 'cancelled')
  assertProblem(await cancel(api, 'nobodys'), 404)
  assertProblem(await cancel(api, 'ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3'), 404)
  assertProblem(await cancel(api, 'ord_x'), 400)
  assertProblem(await cancel(api, 'execute'), 405)
})

test('an order that runs: its worker stops at once and is free for another', async () => {
  const worker = await world.start({
    role: 'worker',
    env: { QUEUE_CONCURRENCY: '1', QUOTE_DELAY_MS: '450', SWAP_DELAY_MS: '0' }
  })
  const ids = [await api.execute(), await api.execute()]
  await reach(ids[0], 'routing')
  assert.equal((await cancel(api, ids[0])).status, 200)
  assert.deepEqual(await statuses(ids[0]), ['pending', 'routing', 'cancelled'])
  assert.equal((await api.ended(ids[1])).status, 'confirmed')
  assert.deepEqual(await statuses(ids[0]), ['pending', 'routing', 'cancelled'])
  assert.equal(await landed(ids[0]), 0)
  await worker.stop()
})

test('what was submitted goes on', async () => {
  const worker = await world.start({ role: 'worker', env: { SWAP_DELAY_MS: '500' } })
  const id = await api.execute()
  await reach(id, 'submitted')
  assert.equal(assertProblem(await cancel(api, id), 409).code, 'ORDER_SUBMITTED')
  assert.equal((await api.ended(id)).status, 'confirmed')
  await world.auditSwaps([id])
  await worker.stop()
})

test('a cancel races the submit, 200 times: cancelled or landed, never both', async () => {
  const worker = await world.start({
    role: 'worker',
    env: { QUEUE_CONCURRENCY: '10', QUOTE_DELAY_MS: '2-6', SWAP_DELAY_MS: '1-10' }
  })
  const race = async (i) => {
    const id = await api.execute()
    await new Promise((resolve) => setTimeout(resolve, i % 25))
    return [id, await cancel(api, id)]
  }
  const races = []
  for (let i = 0; i < 200; i += 20)
    races.push(...(await Promise.all(Array.from({ length: 20 }, (_, k) => race(i + k)))))
  const cancelled = []
  const confirmed = []
  for (const [id, answer] of races) {
    const order = await api.ended(id)
    if (answer.status !== 200) assertProblem(answer, 409)
    assert.equal(order.status, answer.status === 200 ? 'cancelled' : 'confirmed')
    ;(answer.status === 200 ? cancelled : confirmed).push(id)
  }
  const entries = await world.sql('SELECT DISTINCT order_id AS id FROM sim.ledger WHERE landed')
  const landedIds = new Set(entries.map((row) => row.id))
  for (const id of cancelled)
    assert(!landedIds.has(ulidToUuid(id)), `${id} was cancelled and landed`)
  await world.auditSwaps(confirmed)
  assert(cancelled.length > 0 && confirmed.length > 0, `${cancelled.length} cancelled: no race`)
  await worker.stop()
})

test('kill -9 of the worker after a cancel: nobody takes the order over', async () => {
  const worker = await world.start({ role: 'worker', env: { QUOTE_DELAY_MS: '450' } })
  const id = await api.execute()
  await reach(id, 'routing')
  worker.signal('SIGSTOP') // it does not hear of the cancel
  assert.equal((await cancel(api, id)).status, 200)
  await worker.kill()
  const rescuer = await world.start({ role: 'worker' })
  const marker = await api.execute()
  assert.equal((await api.ended(marker)).status, 'confirmed')
  assert.deepEqual(await statuses(id), ['pending', 'routing', 'cancelled'])
  assert.equal(await landed(id), 0)
  await rescuer.stop()
})

test('a purge ends what waits and leaves what is in flight', async () => {
  const worker = await world.start({
    role: 'worker',
    env: { QUEUE_CONCURRENCY: '3', SWAP_DELAY_MS: '700' }
  })
  const ids = await Promise.all(Array.from({ length: 40 }, () => api.execute()))
  await until('three of them submitted', 10000, async () => {
    const [{ n }] = await world.sql(
      `SELECT count(*)::int AS n FROM orders WHERE status = 'submitted'`
    )
    return n === 3
  })
  const answer = await purge(api)
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.purged, 37)
  const ends = await Promise.all(ids.map((id) => api.ended(id)))
  const confirmed = ends.filter((o) => o.status === 'confirmed').map((o) => o.orderId)
  assert.equal(confirmed.length, 3)
  await world.auditSwaps(confirmed)
  for (const order of ends.filter((o) => o.status === 'cancelled'))
    assert.deepEqual(await statuses(order.orderId), ['pending', 'cancelled'])
  assert.equal((await purge(api)).json.purged, 0)
  assert.equal((await api.get('/api/orders/stats')).json.queue.waiting, 0)
  await worker.stop()
})
