// FIFO groups: orders of one group run one at a time, in the order of accept, whatever dies meanwhile; and
// nobody else waits for them.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertProblem, createWorld, Listener, request, startRedis, SWAP, ulidToUuid, until } from './lib.mjs'

let world, redis, api
before(async () => {
  redis = await startRedis()
  world = await createWorld({
    REDIS_URL: redis.url,
    QUEUE_LEASE_MS: '1000',
    QUEUE_BACKOFF_MS: '50',
    PARK_RECHECK_MS: '60000'
  })
  api = await world.start({ role: 'api' })
})
after(async () => {
  await world.destroy()
  await redis.stop()
})
afterEach(async () => {
  for (const daemon of world.daemons) if (daemon.role === 'worker') await daemon.kill()
})

const place = (groupId, more = {}) => api.execute({ ...SWAP, groupId, ...more })
const several = async (n, groupId) => {
  const ids = []
  for (let i = 0; i < n; i++) ids.push(await place(groupId))
  return ids
}
const confirmed = async (ids, ms = 60000) => {
  for (const id of ids) assert.equal((await api.ended(id, ms)).status, 'confirmed')
}

test('one at a time, in the order of accept, by two processes; others run beside them', async () => {
  const ids = await several(15, 'user:1')
  const free = await Promise.all(Array.from({ length: 15 }, (_, i) => place(i % 2 ? `g${i}` : undefined)))
  const { json: first } = await api.get(`/api/orders/${ids[0]}`)
  assert.equal(first.groupId, 'user:1')
  assert.equal((await api.get(`/api/orders/${free[0]}`)).json.groupId, undefined)
  const { waiting } = (await api.get('/api/orders/stats')).json.queue
  assert.equal(waiting, 30)
  await world.start({ role: 'worker' })
  await world.start({ role: 'worker' })
  await confirmed(free)
  await confirmed(ids)
  await world.assertInTurn(ids)
  const [{ n }] = await world.sql(`SELECT count(*)::int AS n FROM orders WHERE order_id IN
    (${free.map((id) => `'${ulidToUuid(id)}'`).join()}) AND completed_at > (SELECT completed_at FROM orders
    WHERE order_id = '${ulidToUuid(ids.at(-1))}')`)
  assert.equal(n, 0, 'a group of fifteen kept others waiting')
})

test('the executes of one socket run in the order in which they were sent', async () => {
  const socket = new Listener(`${api.url}/api/orders/execute`)
  await socket.opened
  const order = { ...SWAP, groupId: 'socket' }
  for (let i = 0; i < 40; i++) socket.send({ action: 'execute', requestId: String(i), order })
  await until('all to be accepted', 20000, () =>
    socket.messages.filter((m) => m.type === 'accepted').length === 40)
  const idOf = (i) => socket.messages.find((m) => m.requestId === String(i)).orderId
  const ids = Array.from({ length: 40 }, (_, i) => idOf(i))
  await world.start({ role: 'worker', env: { SWAP_DELAY_MS: '0', QUOTE_DELAY_MS: '0' } })
  await confirmed(ids)
  await world.assertInTurn(ids)
  await socket.close()
})

test('kill -9 and FLUSHALL, again and again', async () => {
  const groups = ['a', 'b', 'c']
  const env = { SWAP_DELAY_MS: '100-150' }
  await world.start({ role: 'worker', env })
  let worker = await world.start({ role: 'worker', env })
  const ids = new Map(groups.map((g) => [g, []]))
  for (let round = 0; round < 4; round++) {
    for (const g of groups) ids.get(g).push(...(await several(4, g)))
    await worker.kill()
    await redis.cli('flushall')
    worker = await world.start({ role: 'worker', env })
  }
  for (const g of groups) {
    await confirmed(ids.get(g))
    await world.assertInTurn(ids.get(g))
  }
  await world.auditSwaps([...ids.values()].flat())
  await until('Redis to be empty', 10000, async () => {
    const keys = await Promise.all(
      ['waiting', 'behind', 'delayed', 'active'].map((k) => redis.cli('zcard', `${world.name}:{0}:${k}`))
    )
    return keys.every((n) => n === '0')
  })
})

test('a zombie that holds the first of a group', async () => {
  const zombie = await world.start({ role: 'worker', env: { SWAP_DELAY_MS: '300' } })
  const ids = await several(3, 'zombie')
  await until('the first to run', 10000, async () =>
    (await api.get(`/api/orders/${ids[0]}/status`)).json.status === 'submitted')
  zombie.signal('SIGSTOP')
  await world.start({ role: 'worker' })
  await confirmed(ids)
  zombie.signal('SIGCONT')
  await confirmed([await place('zombie')])
  await world.assertInTurn(ids)
  await world.auditSwaps(ids)
})

test('who waits for a price, is cancelled, fails or is redriven', async () => {
  await world.start({ role: 'worker' })
  const parked = await place('limits', { type: 'limit', limitPrice: '100000' })
  const behind = await several(3, 'limits')
  await until('the limit order to wait', 10000, async () =>
    (await api.get(`/api/orders/${parked}/status`)).json.status === 'watching')
  assert.equal((await api.get(`/api/orders/${behind[0]}/status`)).json.status, 'pending')
  const cancel = (id) => request(`${api.url}/api/orders/${id}`, { method: 'DELETE' })
  assert.equal((await cancel(behind[1])).status, 200)
  assert.equal((await cancel(parked)).status, 200)
  await confirmed([behind[0], behind[2]])

  await api.setFaults({ venue: 'raydium', kind: 'no_liquidity', probability: 1, nth: null, windowMs: null },
    { venue: 'meteora', kind: 'no_liquidity', probability: 1, nth: null, windowMs: null })
  const failing = await place('limits')
  const next = await place('limits')
  assert.equal((await api.ended(failing)).status, 'failed')
  await api.setFaults()
  await api.ended(next)
  await world.assertInTurn([behind[0], behind[2], failing, next])
  const last = await place('limits')
  const { json: again } = await api.post(`/dlq/${failing}/redrive`, '')
  await confirmed([last, again.orderId])
  assert.equal((await api.get(`/api/orders/${again.orderId}`)).json.groupId, 'limits')
  await world.assertInTurn([failing, next, last, again.orderId])
})

test('batches: the order within a group is that of the array, whatever stands between', async () => {
  const two = await world.start({ role: 'api', env: { BATCH_SIZE: '25' } })
  const groups = ['b:1', 'b:2', 'b:3']
  const taken = { ...SWAP, clientOrderId: 'grouped-1', groupId: 'b:1' }
  const first = new Map([['b:1', [await api.execute(taken)]]])
  const items = Array.from({ length: 120 }, (_, i) => ({ ...SWAP, groupId: groups[i % 4] }))
  items[8] = { ...SWAP, amount: -1, groupId: 'b:1' }
  items[9] = { ...SWAP, groupId: 'a b' }
  items[10] = { id: 'by-hand', amount: 1, groupId: 'b:3' }
  items[12] = { ...taken, amount: 2 }
  items[16] = taken // the one of before: it keeps its place
  const send = (at, key) => at.post('/api/orders/batch', items, { 'idempotency-key': key })
  const answers = await Promise.all([send(api, 'groups-1'), send(two, 'groups-2')])
  const batches = answers.map((answer) => {
    assert.equal(answer.status, 200, answer.text)
    const wrong = answer.json.batchResults.flatMap((b) => b.errors.map((e) => `${e.pointer} ${e.code}`))
    assert.deepEqual(wrong, [
      '/8/amount AMOUNT_NOT_POSITIVE',
      '/9/groupId INVALID_GROUP_ID',
      '/10/groupId GROUP_NOT_ALLOWED',
      '/12/clientOrderId IDEMPOTENCY_MISMATCH'
    ])
    const placed = answer.json.orders.filter(({ index }) => index !== 16)
    const idsOf = (g) => placed.filter(({ index }) => items[index].groupId === g).map((o) => o.orderId)
    return new Map(groups.map((g) => [g, idsOf(g)]))
  })
  const last = new Map()
  for (const g of groups) last.set(g, [await place(g)])
  assert.equal((await send(two, 'groups-1')).text, answers[0].text)
  const env = { SWAP_DELAY_MS: '0', QUOTE_DELAY_MS: '0' }
  for (let i = 0; i < 2; i++) await world.start({ role: 'worker', env })
  for (const g of groups) {
    await confirmed(last.get(g))
    const [of] = await world.sql(`SELECT json_agg(order_id ORDER BY group_seq) AS ids FROM orders
      JOIN order_groups USING (group_no) WHERE group_id = '${g}'`)
    const [a, b] = batches.map((batch) => batch.get(g))
    assert.equal(a.length, g === 'b:1' ? 27 : 29)
    const begin = first.get(g) ?? []
    const orders = [[begin, a, b, last.get(g)].flat(), [begin, b, a, last.get(g)].flat()]
    const ran = orders.find((ids) => ids.map(ulidToUuid).join() === of.ids.join())
    assert(ran, `${g}: one batch after the other, each as it stood`)
    await confirmed(ran)
    await world.assertInTurn(ran)
  }
  await two.stop()
})

test('groups that are none', async () => {
  for (const groupId of ['', 'a b', 'x'.repeat(65), 7, null, 'a/b'])
    assertProblem(await api.post('/api/orders/execute', { ...SWAP, groupId }), 400, ['/groupId'])
})
