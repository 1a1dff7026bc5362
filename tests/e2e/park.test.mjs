// Limit and sniper orders: parked without a worker, woken by prices and listings in the order of accept, by
// expiry, and never lost, whatever is killed or wiped meanwhile.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import {
  SLOW,
  SWAP_STATES,
  assertHistory,
  assertProblem,
  createWorld,
  startRedis,
  ulidToUuid,
  until,
  watch,
  within
} from './lib.mjs'

let redis, world, ox
before(async () => {
  redis = await startRedis()
  world = await createWorld({
    REDIS_URL: redis.url,
    QUOTE_DELAY_MS: '0',
    SWAP_DELAY_MS: '0',
    QUEUE_LEASE_MS: '2000',
    QUEUE_BACKOFF_MS: '50'
  })
  ox = await world.start()
})
after(async () => {
  await world.destroy()
  await redis.stop()
})

const FIRED = ['pending', 'watching', ...SWAP_STATES.slice(1)]
const LIMIT = { type: 'limit', tokenIn: 'SOL', tokenOut: 'USDC', amount: 1.5, slippage: 0.05 }

const limit = (more) => ox.execute({ ...LIMIT, ...more })
const send = (method, target, body) =>
  ox.get(target, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
const setPrice = async (price, tokenIn = 'SOL', tokenOut = 'USDC') => {
  const answer = await send('PUT', '/api/sim/prices', { tokenIn, tokenOut, price })
  assert.equal(answer.status, 200, answer.text)
}

const parksOf = (ids) => {
  const list = ids.map((id) => `'${ulidToUuid(id)}'`).join(',')
  return world.sql(`SELECT order_id FROM parks WHERE order_id IN (${list})`)
}
const parked = (...ids) =>
  until('the orders to park', 20000, async () => (await parksOf(ids)).length === ids.length)
const states = async (id) => (await world.events(id)).map((e) => e.status)

test('a limit order waits for its price, fires at it, and takes nothing below it', async () => {
  await setPrice('150')
  const id = await limit({ limitPrice: '180' })
  const listener = watch(ox, id)
  await parked(id)
  const waiting = (await ox.get(`/api/orders/${id}`)).json
  assert.deepEqual(
    [waiting.type, waiting.status, waiting.phase, waiting.attempt, waiting.limitPrice],
    ['limit', 'watching', 'queued', 1, '180']
  )
  await setPrice('170')
  await setPrice('190')
  const order = await ox.ended(id)
  assert.equal(order.status, 'confirmed')
  assert(BigInt(order.outAmount) >= 270000000n && BigInt(order.minOutAmount) >= 270000000n)
  assert(Number(order.executedPrice) >= 180)
  await within('the close', 10000, listener.closed)
  assertHistory(listener.messages, FIRED)
  await world.auditSwaps([id])
})

test('one that is at its price already fires at once', async () => {
  await setPrice('150')
  const id = await limit({ limitPrice: 100 })
  assert.equal((await ox.ended(id)).status, 'confirmed')
  assert.deepEqual(await states(id), SWAP_STATES)
})

test('selling dear: the price of the other direction wakes', async () => {
  await setPrice('150')
  const id = await limit({ tokenIn: 'USDC', tokenOut: 'SOL', amount: 100, limitPrice: '0.008' })
  await parked(id)
  await setPrice('110')
  assert.equal((await ox.ended(id)).status, 'confirmed')
})

test('looking for nothing writes no event and counts no attempt', async () => {
  await setPrice('150')
  const id = await limit({ limitPrice: '153.9' }) // within the margin: each price is a look
  await parked(id)
  const looks = async () =>
    (await world.sql(`SELECT fence FROM orders WHERE order_id = '${ulidToUuid(id)}'`))[0].fence
  const before = await looks()
  for (let i = 0; i < 3; i++) {
    const fence = await looks()
    await setPrice('150')
    await until('it to look', 10000, async () => (await looks()) >= fence + 2)
    await parked(id)
  }
  assert(before > 0)
  assert.deepEqual(await states(id), ['pending', 'watching'])
  const { json } = await ox.get(`/api/orders/${id}`)
  assert.deepEqual([json.phase, json.attempt], ['queued', 1])
  await ox.get(`/api/orders/${id}`, { method: 'DELETE' })
})

test('expiresAt: it expires, and its park goes', async () => {
  await setPrice('150')
  const id = await limit({
    limitPrice: '200',
    expiresAt: new Date(Date.now() + 1500 * SLOW).toISOString()
  })
  await parked(id)
  const order = await ox.ended(id)
  assert.deepEqual([order.status, order.phase, order.error], ['expired', 'cancelled', null])
  assert(Date.parse(order.completedAt) >= Date.parse(order.expiresAt))
  assert.deepEqual(await states(id), ['pending', 'watching', 'expired'])
  await until('its park to go', 10000, async () => (await parksOf([id])).length === 0)
})

test('what is wrong with them is said, all of it', async () => {
  const past = '2020-01-01T00:00:00Z'
  const post = (body) => ox.post('/api/orders/execute', body)
  const bad = { ...LIMIT, limitPrice: '-1', expiresAt: past, launchToken: 'SOL' }
  assertProblem(await post(bad), 400, ['/limitPrice', '/expiresAt', '/launchToken'])
  assertProblem(await post(LIMIT), 400, ['/limitPrice'])
  const sniper = { ...LIMIT, type: 'sniper', launchToken: 'RAY', expiresAt: 'soon' }
  assertProblem(await post(sniper), 400, ['/launchToken', '/expiresAt'])
  assertProblem(await post({ ...LIMIT, type: 'market', limitPrice: 1 }), 400, ['/limitPrice'])
})

test('cancelled while parked: it never fires, and its park goes', async () => {
  await setPrice('150')
  const id = await limit({ limitPrice: '200' })
  await parked(id)
  const answer = await ox.get(`/api/orders/${id}`, { method: 'DELETE' })
  assert.deepEqual([answer.status, answer.json.phase], [200, 'cancelled'])
  await setPrice('250')
  await until('its park to go', 10000, async () => (await parksOf([id])).length === 0)
  assert.deepEqual(await states(id), ['pending', 'watching', 'cancelled'])
})

test('a sniper fires on the first listing of its token, which nobody knew before', async () => {
  const sniper = { ...LIMIT, type: 'sniper', tokenOut: 'NEW', launchToken: 'NEW' }
  const [first, second] = [await ox.execute(sniper), await ox.execute(sniper)]
  await parked(first, second)
  const pool = {
    venue: 'raydium',
    name: 'SOL-NEW',
    kind: 'constantProduct',
    x: 'SOL',
    y: 'NEW',
    reserveX: 200000000000000,
    reserveY: 30000000000000,
    feePpm: 3000,
    tokens: [{ symbol: 'NEW', decimals: 6 }]
  }
  const listed = await send('POST', '/api/sim/pools', pool)
  assert.equal(listed.status, 201, listed.text)
  for (const id of [first, second]) {
    const order = await ox.ended(id)
    assert.equal(order.status, 'confirmed', JSON.stringify(order.error))
    assert.equal(order.dex, 'raydium')
    assert.deepEqual(await states(id), FIRED)
  }
  await world.auditSwaps([first, second])
})

test('a price that crosses wakes them in the order of accept', async () => {
  await setPrice('150')
  const one = await world.start({ role: 'worker', env: { QUEUE_CONCURRENCY: '1' } })
  await until('the second worker', 10000, () => one.log.some((l) => l.includes('session open')))
  await ox.stop() // only the one with one worker is left
  const api = (ox = await world.start({ role: 'api' }))
  const ids = []
  for (let i = 0; i < 30; i++) ids.push(await limit({ limitPrice: String(200 - (i % 7)) }))
  await parked(...ids)
  await setPrice('260')
  for (const id of ids) assert.equal((await ox.ended(id)).status, 'confirmed')
  const started = await world.sql(
    `SELECT order_id FROM order_events WHERE status = 'routing' AND order_id IN
     (${ids.map((id) => `'${ulidToUuid(id)}'`).join(',')}) ORDER BY at, order_id`
  )
  assert.deepEqual(
    started.map((row) => row.order_id),
    ids.map(ulidToUuid)
  )
  await one.stop()
  await api.stop()
  ox = await world.start()
})

test('every wake is a start that the limiter counts', async () => {
  await setPrice('150')
  const own = await createWorld({
    REDIS_URL: redis.url,
    QUOTE_DELAY_MS: '0',
    SWAP_DELAY_MS: '0',
    QUEUE_RATE_LIMIT: '12',
    QUEUE_RATE_WINDOW_MS: '4000'
  })
  const limited = await own.start()
  const ids = []
  for (let i = 0; i < 10; i++)
    ids.push(await limited.execute({ ...LIMIT, limitPrice: '200', clientOrderId: `l${i}` }))
  await until('ten parks', 20000, async () => (await own.sql('SELECT 1 FROM parks')).length === 10)
  const body = JSON.stringify({ tokenIn: 'SOL', tokenOut: 'USDC', price: '260' })
  const put = { method: 'PUT', headers: { 'content-type': 'application/json' }, body }
  assert.equal((await limited.get('/api/sim/prices', put)).status, 200)
  for (const id of ids) assert.equal((await limited.ended(id, 30000)).status, 'confirmed')
  const starts = await own.sql(
    `SELECT extract(epoch FROM at) * 1000 AS at FROM order_events WHERE status IN ('watching', 'routing')
     ORDER BY at`
  )
  assert.equal(starts.length, 20)
  for (let i = 12; i < starts.length; i++) {
    const span = starts[i].at - starts[i - 12].at
    assert(span > 3800, `13 starts within ${span} ms`) // what is journaled may be late by a turn
  }
  await own.destroy()
})

for (const [name, harm] of [
  ['kill -9', async () => (await ox.kill(), (ox = await world.start()))],
  ['FLUSHALL', () => redis.cli('flushall')],
  ['FLUSHALL and kill -9', async () => (await redis.cli('flushall'), await ox.kill(), (ox = await world.start()))]
])
  test(`${name} while parked: the price wakes them all the same`, async () => {
    await setPrice('150')
    const ids = []
    for (let i = 0; i < 20; i++) ids.push(await limit({ limitPrice: '200' }))
    await parked(...ids)
    await harm()
    await setPrice('260')
    for (const id of ids) assert.equal((await ox.ended(id, 30000)).status, 'confirmed')
    await world.auditSwaps(ids)
  })

test('killed in the middle of the wakes: each of them fires once', async () => {
  await setPrice('150')
  const ids = []
  for (let i = 0; i < 60; i++) ids.push(await limit({ limitPrice: '200' }))
  await parked(...ids)
  for (let i = 0; i < 3; i++) {
    const put = setPrice('260').catch(() => {})
    await until('some to fire', 20000, async () => (await parksOf(ids)).length < ids.length)
    await ox.kill()
    await put
    ox = await world.start()
  }
  for (const id of ids) assert.equal((await ox.ended(id, 40000)).status, 'confirmed')
  await world.auditSwaps(ids)
})

const residentKiB = async (daemon) =>
  Number(/^VmRSS:\s+(\d+)/m.exec(await readFile(`/proc/${daemon.pid}/status`, 'utf8'))[1])

const redisKiB = async () =>
  Number(/^used_memory:(\d+)/m.exec(await redis.cli('info', 'memory'))[1]) / 1024

test('10,000 parked orders hold no worker, and little memory', async (t) => {
  const N = SLOW > 1 ? 2000 : 10000
  await setPrice('150')
  await ox.kill()
  ox = await world.start()
  const place = async (n) => {
    for (let left = n; left > 0; left -= 500) {
      const items = Array(Math.min(500, left)).fill({ ...LIMIT, limitPrice: '500' })
      const answer = await ox.post('/api/orders/batch', items, { 'idempotency-key': `far-${n}-${left}` })
      assert.equal(answer.json.processed, items.length, answer.text)
    }
    await until('them all to park', 60000, async () => {
      const [{ n: waiting }] = await world.sql(
        `SELECT count(*)::int AS n FROM orders o WHERE phase < 2 AND NOT EXISTS
         (SELECT 1 FROM parks p WHERE p.order_id = o.order_id AND p.fence = o.fence)`
      )
      return waiting === 0
    })
  }
  await place(1000) // buffers have the size of a batch from here on
  const memory = async () => [await residentKiB(ox), await redisKiB()]
  const before = await memory()
  await place(N)
  const [oxd, hints] = (await memory()).map((now, i) => (now - before[i]) / N)
  t.diagnostic(`${oxd.toFixed(3)} KiB of oxd, ${hints.toFixed(3)} KiB of Redis for each order`)
  if (SLOW === 1) assert(oxd + hints < 4, `${oxd} + ${hints} KiB each`)
  const stats = (await ox.get('/api/orders/stats')).json
  assert.equal(stats.queue.active, 0)
  assert(stats.queue.delayed >= N)
  const [{ n: owned }] = await world.sql(
    'SELECT count(*)::int AS n FROM orders WHERE phase < 2 AND owner IS NOT NULL'
  )
  assert.equal(owned, 0)
  const market = await ox.execute() // and the workers are free for others
  assert.equal((await ox.ended(market)).status, 'confirmed')

  assert.equal((await ox.get('/queue/pause', { method: 'POST' })).status, 200)
  await setPrice('700')
  await until('all to be woken', 30000, async () => {
    const { queue } = (await ox.get('/api/orders/stats')).json
    return queue.waiting >= N && queue.delayed === 0
  })
  assert.equal((await world.sql('SELECT 1 FROM parks')).length, 0)
})
