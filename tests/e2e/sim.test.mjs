// The mock venues, governed over HTTP: every process has a change when it is answered, and a restart keeps it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertProblem, createWorld, SWAP, until } from './lib.mjs'

let world, first, second
before(async () => {
  world = await createWorld({ QUOTE_DELAY_MS: '0' })
  first = await world.start()
  second = await world.start({ role: 'api' })
})
after(() => world.destroy())

const HALTED = { venue: 'raydium', kind: 'halted', probability: 0.25, nth: 3, windowMs: 60000 }
const FAULTS = '/api/sim/faults'
const pool = (more = {}) => ({
  venue: 'raydium', kind: 'constantProduct', x: 'NEW', y: 'USDC', reserveX: 1000000000000,
  reserveY: 5000000000000, feePpm: 3000, tokens: [{ symbol: 'NEW', decimals: 6 }], ...more
})

// midOf() is what a tiny amount of SOL fetches at each venue, in whole USDC for a SOL, fees and gap aside.
async function midOf(daemon) {
  const { json } = await daemon.get('/api/quote?tokenIn=SOL&tokenOut=USDC&amount=0.01')
  const outs = json.quotes.filter((q) => q.outAmount).map((q) => Number(q.outAmount) / 10000)
  return outs.reduce((a, b) => a + b) / outs.length
}

test('faults: replaced as a whole, with every member, in every process', async () => {
  assert.deepEqual((await first.get(FAULTS)).json, { faults: [] })
  const crash = { venue: 'meteora', kind: 'crash' }
  const answer = await first.put(FAULTS, { faults: [HALTED, crash] })
  const faults = [HALTED, { ...crash, point: 'sent', probability: null, nth: null, windowMs: null }]
  assert.deepEqual([answer.status, answer.json], [200, { faults }])
  assert.deepEqual((await second.get(FAULTS)).json, { faults })
  assert.deepEqual((await second.put(FAULTS, { faults: [] })).json, { faults: [] })
  assert.deepEqual((await first.get(FAULTS)).json, { faults: [] })
})

test('faults: all that is wrong is named, and nothing changes', async () => {
  await first.put(FAULTS, { faults: [HALTED] })
  const bad = { venue: 'orca', kind: 'gone', probability: 2, nth: 0, windowMs: -1, more: 1 }
  const pointers = Object.keys(bad).map((name) => `/faults/1/${name}`)
  assertProblem(await first.put(FAULTS, { faults: [HALTED, bad], x: 1 }), 400, [...pointers, '/x'])
  assertProblem(await first.put(FAULTS, {}), 400, ['/faults'])
  assertProblem(await first.put(FAULTS, { faults: 7 }), 400, ['/faults'])
  assertProblem(await first.put(FAULTS, { faults: Array(65).fill(HALTED) }), 400, ['/faults'])
  assert.deepEqual((await first.get(FAULTS)).json, { faults: [HALTED] })
  await first.setFaults()
})

test('prices: both venues move, in every process', async () => {
  for (const price of [300, '75.5', 1.5e2]) {
    const body = { tokenIn: 'SOL', tokenOut: 'USDC', price }
    const answer = await second.put('/api/sim/prices', body)
    assert.deepEqual([answer.status, answer.json], [200, body], answer.text)
    for (const daemon of [first, second]) {
      const mid = await midOf(daemon)
      assert(Math.abs(mid / Number(price) - 1) < 0.03, `${mid} for ${price}`)
    }
  }
  await first.put('/api/sim/prices', { tokenIn: 'USDC', tokenOut: 'SOL', price: '0.002' })
  assert(Math.abs((await midOf(second)) / 500 - 1) < 0.03)
  const order = await first.ended(await first.execute({ ...SWAP, slippage: 0.05 }))
  assert(Math.abs(Number(order.executedPrice) / 500 - 1) < 0.06, order.executedPrice)
  await first.audit([order.orderId])
})

test('prices: all that is wrong is named', async () => {
  const put = (body) => first.put('/api/sim/prices', body)
  assertProblem(await put({}), 400, ['/tokenIn', '/tokenOut', '/price'])
  assertProblem(await put({ tokenIn: 'SOL', tokenOut: 'SOL', price: 0, x: 1 }), 400, [
    '/tokenOut', '/price', '/x'
  ])
  assertProblem(await put({ tokenIn: 'SOL', tokenOut: 'NOPE', price: '1.0000000000001' }), 400, [
    '/tokenOut', '/price'
  ])
  assertProblem(await put({ tokenIn: 'SOL', tokenOut: 'USDC', price: 9223373 }), 400, ['/price'])
})

test('pools: listed once, with a new token', async () => {
  const post = (body) => first.post('/api/sim/pools', body)
  assertProblem(await post(pool({ tokens: undefined })), 400, ['/x'])
  assertProblem(await post(pool({ venue: 'orca', reserveX: 0, feePpm: 'x', more: 1 })), 400, [
    '/venue', '/reserveX', '/feePpm', '/more'
  ])
  const answer = await post(pool())
  assert.deepEqual([answer.status, answer.json], [201, pool({ name: 'NEW-USDC' })], answer.text)
  assert.equal(assertProblem(await post(pool()), 409).code, 'POOL_EXISTS')
  const other = await second.post('/api/sim/pools', pool({ venue: 'meteora', tokens: undefined }))
  assert.equal(other.status, 201, 'the second process knows the token')
})

test('the ledger: paged, each entry once, by order; bad pages are refused', async () => {
  const ids = await Promise.all(Array.from({ length: 7 }, () => first.execute()))
  for (const id of ids) await first.ended(id)
  await first.audit(ids)
  const seen = []
  for (let cursor = ''; cursor !== null;) {
    const { json } = await second.get(`/api/sim/ledger?limit=2${cursor && `&cursor=${cursor}`}`)
    assert(json.entries.length <= 2)
    seen.push(...json.entries)
    cursor = json.nextCursor
  }
  assert.equal(new Set(seen.map((e) => e.txHash)).size, seen.length)
  for (const id of ids) assert.equal(seen.filter((e) => e.orderId === id).length, 1)
  const [entry] = await first.ledger(ids[0])
  assert.deepEqual(Object.keys(entry), [
    'txHash', 'orderId', 'attempt', 'venue', 'landed', 'inAmount', 'outAmount', 'landedAt'
  ])
  assert.deepEqual(await first.ledger('ord_01J00000000000000000000000'), [])
  for (const [query, pointer] of [
    ['limit=0', '/limit'], ['limit=201', '/limit'], ['limit=x', '/limit'], ['limit=', '/limit'],
    ['cursor=', '/cursor'], ['cursor=0OIl', '/cursor'], ['orderId=', '/orderId']
  ])
    assertProblem(await first.get(`/api/sim/ledger?${query}`), 400, [pointer])
})

test('what has not landed has moved nothing', async () => {
  const slow = await world.start({ env: { SWAP_DELAY_MS: '60000' } })
  await first.stop()
  const id = await slow.execute()
  const entry = await until('its entry', 10000, async () => (await slow.ledger(id))[0])
  assert.deepEqual([entry.landed, entry.outAmount, entry.landedAt], [false, '0', null])
  await slow.kill()
  first = await world.start()
})

test('all of it survives a restart', async () => {
  await first.put('/api/sim/prices', { tokenIn: 'SOL', tokenOut: 'USDC', price: '42' })
  await first.put(FAULTS, { faults: [HALTED] })
  await Promise.all([first.stop(), second.stop()])
  const third = await world.start()
  assert.deepEqual((await third.get(FAULTS)).json, { faults: [HALTED] })
  assert(Math.abs((await midOf(third)) / 42 - 1) < 0.03)
  assert.equal((await third.post('/api/sim/pools', pool())).status, 409)
})

test('methods and bodies', async () => {
  const daemon = await world.start()
  const wrong = await daemon.get('/api/sim/prices')
  assertProblem(wrong, 405)
  assert.equal(wrong.headers.get('allow'), 'PUT, OPTIONS')
  assertProblem(await daemon.put(FAULTS, []), 400)
  assertProblem(await daemon.post('/api/sim/pools', '{"venue":1,"venue":2}'), 400)
  assertProblem(await daemon.post('/api/sim/pools', ' '.repeat(70000)), 413)
})
