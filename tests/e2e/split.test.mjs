// Orders too large for one venue: one transaction over both, one entry in the ledger, legs that add up.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createWorld, request, SWAP_STATES } from './lib.mjs'

const LARGE = { tokenIn: 'SOL', tokenOut: 'USDC', amount: 150000, slippage: 0.05 }

// What is drawn for an order depends on its own id: with some ids one venue is better by so much that it
// gets all. With these it is worth a split.
let n = 0
const large = () => ({ ...LARGE, clientOrderId: `large-${++n}` })

let world, daemon
before(async () => {
  world = await createWorld({ QUOTE_DELAY_MS: '0', SWAP_DELAY_MS: '0' })
  daemon = await world.start()
})
after(() => world.destroy())

const sum = (legs, member) => legs.reduce((all, leg) => all + BigInt(leg[member]), 0n)

function assertAddsUp({ legs, inAmount, outAmount }) {
  assert.deepEqual(
    legs.map((leg) => leg.venue),
    ['raydium', 'meteora']
  )
  assert.equal(sum(legs, 'inAmount'), BigInt(inAmount))
  assert.equal(sum(legs, 'outAmount'), BigInt(outAmount))
}

test('a large order is split, and its record says why', async () => {
  const id = await daemon.execute(large())
  const order = await daemon.ended(id)
  assert.equal(order.dex, 'raydium+meteora', JSON.stringify(order.error))
  assertAddsUp(order)

  const { json } = await daemon.get(`/api/orders/${id}/events`)
  assert.deepEqual(
    json.events.map((e) => e.status),
    SWAP_STATES
  )
  const { quotes, route, reason, counterfactual } = json.events[2].data
  assert.deepEqual(quotes.map((q) => q.venue).sort(), ['meteora', 'raydium', 'raydium+meteora'])
  const split = quotes.find((q) => q.venue === 'raydium+meteora')
  const singles = quotes.filter((q) => q !== split)
  const best = singles.reduce((a, b) => (BigInt(a.outAmount) >= BigInt(b.outAmount) ? a : b))
  assertAddsUp(split)
  assert.deepEqual(route.legs, split.legs)
  assert.equal(route.outAmount, split.outAmount)
  assert.equal(counterfactual.dex, best.venue)
  const gain = BigInt(split.outAmount) - BigInt(best.outAmount)
  assert(gain > 0n)
  assert.equal(BigInt(counterfactual.gainAmount), gain)
  assert.equal(counterfactual.gainBps, Number((gain * 10000n) / BigInt(best.outAmount)))
  assert.match(reason, new RegExp(`^raydium\\+meteora gives \\d+\\.\\d{4} % more than ${best.venue} alone`))
})

test('it is one entry in the ledger', async () => {
  const id = await daemon.execute(large())
  const order = await daemon.ended(id)
  const rows = await world.sql(`SELECT venue, landed, in_amount, out_amount FROM sim.ledger
    WHERE order_id = '${id}'`)
  assert.equal(rows.length, 1)
  assert.deepEqual([rows[0].venue, rows[0].landed], ['raydium+meteora', true])
  assert.equal(String(rows[0].in_amount), order.inAmount)
  assert.equal(String(rows[0].out_amount), order.outAmount)
})

test('a small order is not, and its record says that it was looked at', async () => {
  const id = await daemon.execute({ ...LARGE, amount: 1.5 })
  const order = await daemon.ended(id)
  assert.match(order.dex, /^(raydium|meteora)$/)
  assert.equal(order.legs, undefined)
  const { json } = await daemon.get(`/api/orders/${id}/events`)
  const { quotes, route } = json.events[2].data
  assert.equal(quotes.find((q) => q.venue === 'raydium+meteora').error, 'NO_SPLIT')
  assert.deepEqual(route.legs, [
    { venue: order.dex, inAmount: '1500000000', outAmount: route.outAmount }
  ])
})

test('GET /api/quote shows the split', async () => {
  const { status, json } = await daemon.get(
    '/api/quote?tokenIn=SOL&tokenOut=USDC&amount=150000&slippage=0.05'
  )
  assert.equal(status, 200)
  assert.equal(json.route.dex, 'raydium+meteora')
  assertAddsUp(json.route)
})

test('while a venue is halted nothing is split', async () => {
  const put = (faults) =>
    request(`${daemon.url}/api/sim/faults`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ faults })
    })
  assert.equal((await put([{ venue: 'raydium', kind: 'halted' }])).status, 200)
  const order = await daemon.ended(await daemon.execute(large()))
  assert.equal(order.dex, 'meteora', JSON.stringify(order.error))
  assert.equal((await put([])).status, 200)
  assert.equal((await daemon.ended(await daemon.execute(large()))).dex, 'raydium+meteora')
})

test('where a leg costs more than any split gains, there is none', async () => {
  const dear = await world.start({ env: { ROUTER_LEG_COST_BPS: '10000' } })
  await daemon.stop()
  const id = await dear.execute(large())
  const order = await dear.ended(id)
  assert.match(order.dex, /^(raydium|meteora)$/)
  const { json } = await dear.get(`/api/orders/${id}/events`)
  assert.match(json.events[2].data.reason, /raydium\+meteora would give .* another leg costs 100.0000 %/)
})
