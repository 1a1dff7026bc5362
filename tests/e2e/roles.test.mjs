// The API and the workers as processes of their own, and several of each.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertHistory, assertProblem, createWorld, SWAP, SWAP_STATES, until, watch, within } from './lib.mjs'

let world, api, worker
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '2000' })
  api = await world.start({ role: 'api' })
})
after(() => world.destroy())

test('an API without workers accepts and keeps; health says degraded, still ready', async () => {
  const orderId = await api.execute()
  const listener = watch(api, orderId)
  await listener.find('pending', (m) => m.seq === 1)
  const health = await api.get('/health')
  assert.equal(health.status, 200)
  assert.equal(health.json.status, 'degraded')
  assert.equal((await api.get('/readyz')).status, 200)
  await listener.close()
})

test('it runs when a worker comes, and health is ok', async () => {
  const orderId = await api.execute()
  const listener = watch(api, orderId)
  worker = await world.start({ role: 'worker' })
  assert.equal((await within('the close', 15000, listener.closed)).code, 1000)
  assertHistory(listener.messages, SWAP_STATES)
  await until('health to be ok', 10000, async () => (await api.get('/health')).json.status === 'ok')
})

test('two APIs: what one accepts the other one streams', async () => {
  const second = await world.start({ role: 'api' })
  const ids = await Promise.all(Array.from({ length: 20 }, () => api.execute()))
  const listeners = ids.map((id) => watch(second, id))
  for (const listener of listeners) {
    await within('the close', 15000, listener.closed)
    assertHistory(listener.messages, SWAP_STATES)
  }
  await second.stop()
})

test('PostgreSQL and Redis by their sockets', async () => {
  const { DATABASE_SOCKET_URL, REDIS_SOCKET_URL } = process.env
  assert.match(REDIS_SOCKET_URL, /^unix:/)
  const local = await createWorld({ REDIS_URL: REDIS_SOCKET_URL }, DATABASE_SOCKET_URL)
  after(() => local.destroy())
  const both = await local.start()
  const listener = watch(both, await both.execute())
  await within('the close', 15000, listener.closed)
  assertHistory(listener.messages, SWAP_STATES)
  const [{ n }] = await local.sql(
    'SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND client_addr IS NOT NULL'
  )
  assert.equal(n, 0)
})

test('two APIs share one port', async () => {
  const twin = await world.start({ role: 'api', port: api.portNumber })
  assert.equal(twin.portNumber, api.portNumber)
  assert.equal((await twin.get('/livez')).status, 200)
  await twin.stop()
  assert.equal((await api.get('/livez')).status, 200)
})

test('two workers share the orders and swap each once', async () => {
  const second = await world.start({ role: 'worker' })
  const ids = await Promise.all(Array.from({ length: 60 }, () => api.execute()))
  for (const id of ids) assert.equal((await api.ended(id)).status, 'confirmed')
  await world.auditSwaps(ids)
  await second.stop()
})

test('both end cleanly', async () => {
  await worker.stop()
  await api.stop()
})

test('QUEUE_MAX: beyond it 503, and below it again orders are taken', async () => {
  const full = await createWorld({ QUEUE_MAX: '5' })
  try {
    const api = await full.start({ role: 'api' })
    for (let i = 0; i < 5; i++) await api.execute()
    const refused = await until('a refusal', 5000, async () => {
      const answer = await api.post('/api/orders/execute', SWAP)
      return answer.status === 503 && answer
    })
    assertProblem(refused, 503)
    assert.match(refused.headers.get('retry-after'), /^[0-9]+$/)
    await full.start({ role: 'worker' })
    await until('orders are taken again', 15000, async () => {
      return (await api.post('/api/orders/execute', SWAP)).status === 201
    })
  } finally {
    await full.destroy()
  }
})
