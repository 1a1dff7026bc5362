// The same SIM_SEED and the same clientOrderIds give the same fills, whatever the number of workers and
// however their orders come to run: amounts, prices, venues, legs, attempts, byte for byte.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createWorld } from './lib.mjs'

const PAIRS = [
  ['SOL', 'USDC'],
  ['USDC', 'SOL'],
  ['SOL', 'BONK'],
  ['BONK', 'USDT'],
  ['RAY', 'JUP'],
  ['JUP', 'SOL']
]
const ORDERS = 120

// Small and large ones, some with so little room that they are tried again.
function orders() {
  const all = []
  for (let i = 0; i < ORDERS; i++) {
    const [tokenIn, tokenOut] = PAIRS[i % PAIRS.length]
    const large = i % 3 === 0
    all.push({
      clientOrderId: `fill-${i}`,
      tokenIn,
      tokenOut,
      amount: large && tokenIn === 'SOL' ? 150000 + i : 1 + i / 8,
      slippageBps: i % 4 === 0 ? 10 : 100
    })
  }
  return all
}

const FILL = `SELECT client_order_id, status, attempt,
  result->>'dex' AS dex, result->>'executedPrice' AS price, result->>'inAmount' AS in_amount,
  result->>'outAmount' AS out_amount, result->>'minOutAmount' AS floor,
  result->'legs' AS legs, error->>'code' AS error FROM orders ORDER BY client_order_id`

async function fills(workers, profile) {
  const world = await createWorld({
    QUEUE_CONCURRENCY: String(workers),
    QUOTE_DELAY_MS: '0-2',
    SWAP_DELAY_MS: '0-5',
    VENUE_DEADLINE_MS: '5000',
    QUEUE_BACKOFF_MS: '10',
    SIM_SEED: '20260131',
    SIM_PROFILE: profile,
    SIM_SLOT_MS: '10'
  })
  try {
    const daemon = await world.start()
    const list = workers === 1 ? orders() : orders().reverse()
    const ids = await Promise.all(list.map((order) => daemon.execute(order)))
    for (const id of ids) await daemon.ended(id, 60000)
    return await world.sql(FILL)
  } finally {
    await world.destroy()
  }
}

for (const profile of ['seed', 'realistic'])
  test(`profile ${profile}: the fills of 1 worker are those of 8`, async () => {
    const [one, eight] = await Promise.all([fills(1, profile), fills(8, profile)])
    assert.equal(one.length, ORDERS)
    assert(one.some((f) => f.dex === 'raydium') && one.some((f) => f.dex === 'meteora'))
    assert(one.some((f) => f.dex === 'raydium+meteora' && f.legs.length === 2), 'some are split')
    assert(one.some((f) => f.attempt > 1), 'some are tried again')
    assert.equal(JSON.stringify(eight), JSON.stringify(one))
  })
