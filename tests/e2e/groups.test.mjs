// FIFO groups: orders of one group run one at a time, in the order of accept, whatever dies meanwhile; and
// nobody else waits for them.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertProblem, createWorld, Listener, startRedis, SWAP, ulidToUuid, until } from './lib.mjs'

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

// assertInTurn() looks at what PostgreSQL and the venues wrote down: each of the orders began after the one
// before it had ended, by the clock of either.
async function assertInTurn(ids) {
  const list = ids.map((id) => `'${ulidToUuid(id)}'`).join()
  const rows = await world.sql(`SELECT order_id AS id, min(at) FILTER (WHERE seq > 1) AS began,
    max(at) AS ended FROM order_events WHERE order_id IN (${list}) GROUP BY 1`)
  const book = await world.sql(`SELECT order_id AS id, submitted_at AS at FROM sim.ledger`)
  const of = new Map(rows.map((row) => [row.id, row]))
  const runs = ids.map((id) => ({ id, ...of.get(ulidToUuid(id)) }))
  for (const [i, run] of runs.entries()) {
    if (i > 0) assert(runs[i - 1].ended <= run.began, `${run.id} began before the one before it ended`)
    for (const sent of book.filter((l) => l.id === run.id))
      assert(run.began <= sent.at && sent.at <= run.ended, `${run.id} was sent out of its turn`)
  }
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
  await assertInTurn(ids)
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
  await assertInTurn(ids)
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
    await assertInTurn(ids.get(g))
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
  await assertInTurn(ids)
  await world.auditSwaps(ids)
})

test('who waits for a price, is cancelled, fails or is redriven', async () => {
  await world.start({ role: 'worker' })
  const parked = await place('limits', { type: 'limit', limitPrice: '100000' })
  const behind = await several(3, 'limits')
  await until('the limit order to wait', 10000, async () =>
    (await api.get(`/api/orders/${parked}/status`)).json.status === 'watching')
  assert.equal((await api.get(`/api/orders/${behind[0]}/status`)).json.status, 'pending')
  const cancel = (id) => fetch(`${api.url}/api/orders/${id}`, { method: 'DELETE' })
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
  await assertInTurn([behind[0], behind[2], failing, next])
  const last = await place('limits')
  const { json: again } = await api.post(`/dlq/${failing}/redrive`, '')
  await confirmed([last, again.orderId])
  assert.equal((await api.get(`/api/orders/${again.orderId}`)).json.groupId, 'limits')
  await assertInTurn([failing, next, last, again.orderId])
})

test('groups that are none', async () => {
  for (const groupId of ['', 'a b', 'x'.repeat(65), 7, null, 'a/b'])
    assertProblem(await api.post('/api/orders/execute', { ...SWAP, groupId }), 400, ['/groupId'])
})
