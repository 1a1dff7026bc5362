// GET /api/quote, with the mock venues, in an API process without workers.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertProblem, createWorld } from './lib.mjs'

let world, api
before(async () => {
  world = await createWorld()
  api = await world.start({ role: 'api' })
})
after(() => world.destroy())

const quote = (parameters, from = api) => from.get(`/api/quote?${new URLSearchParams(parameters)}`)
const SWAP = { tokenIn: 'SOL', tokenOut: 'USDC', amount: '1.5', slippage: '0.01' }

test('every venue is asked, the better net output is the route, and why', async () => {
  const { status, json } = await quote(SWAP)
  assert.equal(status, 200)
  const outs = json.quotes.filter((q) => q.outAmount).map((q) => BigInt(q.outAmount))
  assert(outs.length >= 2, JSON.stringify(json))
  const best = outs.reduce((a, b) => (a > b ? a : b))
  assert(BigInt(json.route.outAmount) >= best)
  assert.equal(json.route.minOutAmount, String((BigInt(json.route.outAmount) * 9900n) / 10000n))
  assert(json.route.dex.length > 0)
  assert(json.reason.length > 0)
})

test('the same question gets the same answer, here and in another process', async () => {
  const essence = ({ json }) => [json.route, json.quotes.map((q) => [q.venue, q.outAmount, q.feeAmount])]
  const first = essence(await quote(SWAP))
  assert.deepEqual(essence(await quote(SWAP)), first)
  const other = await world.start()
  assert.deepEqual(essence(await quote(SWAP, other)), first)
  assert.notDeepEqual(essence(await quote({ ...SWAP, amount: '1.6' })), first)
  await other.stop()
})

test('what is wrong is said as to an order, all of it', async () => {
  const order = { tokenIn: 'SOL', tokenOut: 'SOL', amount: -1, slippage: 0.6, wish: true }
  const said = async (answer) =>
    assertProblem(await answer, 400).errors.map((e) => [e.pointer, e.code, e.detail])
  assert.deepEqual(await said(quote(order)), await said(api.post('/api/orders/execute', order)))
  assertProblem(await quote({}), 400, ['/tokenIn', '/tokenOut', '/amount'])
  const twice = await api.get('/api/quote?tokenIn=SOL&tokenIn=SOL&tokenOut=USDC&amount=1')
  assert.equal(assertProblem(twice, 400).code, 'INVALID_QUERY')
})

test('an amount too small to get anything for', async () => {
  const answer = await quote({ tokenIn: 'BONK', tokenOut: 'USDC', amount: '0.00001' })
  assert.equal(assertProblem(answer, 422).code, 'NO_LIQUIDITY')
})

test('other methods', async () => {
  const answer = await api.post('/api/quote', SWAP)
  assertProblem(answer, 405)
  assert.equal(answer.headers.get('allow'), 'GET, HEAD, OPTIONS')
})

test('it leaves no trace', async () => {
  assert.deepEqual(await world.sql('SELECT * FROM orders'), [])
})
