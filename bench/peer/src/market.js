// The market order: two mock venues, the better quote wins.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { config } from './config.js'

const VENUES = { raydium: 0.003, meteora: 0.002 } // fees
const PRICE = 100

const wait = (ms) => ms > 0 && sleep(ms)
const around = (min, max) => (Math.random() < 0.5 ? -1 : 1) * (min + Math.random() * (max - min))

async function quote([dex, fee]) {
  await wait(config.quoteDelayMs())
  return { dex, price: PRICE * (1 + around(0.02, 0.05)) * (1 - fee) }
}

async function swap({ price }) {
  await wait(config.swapDelayMs())
  return {
    txHash: randomBytes(32).toString('hex'),
    executedPrice: price * (1 + around(0, 0.005))
  }
}

// executeMarket() ends at once when `advance` says that the order was confirmed in an earlier run.
export async function executeMarket(order, advance) {
  if (!(await advance('routing'))) return
  const quotes = await Promise.all(Object.entries(VENUES).map(quote))
  const best = quotes.reduce((a, b) => (b.price > a.price ? b : a))
  await advance('building', { dex: best.dex, quotes })
  await advance('submitted')
  const fill = await swap(best)
  if (fill.executedPrice < best.price * (1 - order.slippage)) throw new Error('slippage exceeded')
  await advance('confirmed', fill)
}
