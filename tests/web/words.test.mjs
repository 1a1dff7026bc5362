import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decision, duration, money, problem, result, subject } from '../../web/assets/logic/words.js'

const TOKENS = new Map([
  ['SOL', 9],
  ['USDC', 6]
])

test('durations, never more than two parts', () => {
  assert.deepEqual([0, 0.25, 3.5, 12, 999, 1234, 59940, 60000, 3723000, 90061000].map(duration), [
    '0 ms',
    '0.25 ms',
    '3.5 ms',
    '12 ms',
    '999 ms',
    '1.23 s',
    '59.9 s',
    '1 m 0 s',
    '1 h 2 m',
    '1 d 1 h'
  ])
  assert.equal(duration(NaN), '–')
})

test('money, and base units where the token is not known', () => {
  assert.equal(money('226953171', 'USDC', TOKENS), '226.953171 USDC')
  assert.equal(money('1234', 'NEW', TOKENS), '1,234 units of NEW')
  assert.equal(money(undefined, 'USDC', TOKENS), null)
})

test('what an order of each type is about, and what came of it', () => {
  const swap = {
    type: 'limit',
    tokenIn: 'SOL',
    tokenOut: 'USDC',
    amount: '1.50',
    limitPrice: '170',
    phase: 'queued'
  }
  assert.equal(subject(swap), '1.50 SOL → USDC')
  assert.equal(result(swap, TOKENS), 'from 170 USDC')
  assert.equal(result({ ...swap, outAmount: '226953171' }, TOKENS), '226.953171 USDC')
  const error = { code: 'SLIPPAGE_EXCEEDED' }
  assert.equal(result({ ...swap, phase: 'failed', error }, TOKENS), 'SLIPPAGE_EXCEEDED')
  assert.equal(result({ ...swap, error }, TOKENS), 'from 170 USDC', 'it is tried again')
  assert.equal(subject({ type: 'delivery', user_id: 'u', item_ids: ['a'] }), '1 item for u')
  assert.equal(subject({ type: 'record', id: 'r-1', amount: 100 }), 'r-1 · 100')
  assert.equal(subject({ type: 'odd' }), 'odd', 'a plugin’s')
})

test('a routing decision in words', () => {
  const order = { tokenIn: 'SOL', tokenOut: 'USDC' }
  const split = {
    route: {
      dex: 'raydium+meteora',
      outAmount: '300000000',
      minOutAmount: '297000000',
      legs: [
        { venue: 'raydium', inAmount: '1500000000' },
        { venue: 'meteora', inAmount: '500000000' }
      ]
    },
    reason: 'a split gains 12 bps',
    counterfactual: { dex: 'raydium', outAmount: '299000000', gainAmount: '1000000', gainBps: 33 }
  }
  assert.deepEqual(decision(split, order, TOKENS), [
    'Split in one transaction: 1.5 SOL over raydium and 0.5 SOL over meteora.',
    'A split gains 12 bps.',
    '1 USDC (0.33 %) more than over raydium, which would have given 299 USDC.',
    'Expected 300 USDC, and never less than 297 USDC.'
  ])
  assert.deepEqual(decision({}, order, TOKENS), [])
})

test('a problem in a line', () => {
  assert.equal(
    problem({ problem: { title: 'Conflict', detail: 'it has ended', code: 'ILLEGAL' } }),
    'it has ended (ILLEGAL)'
  )
  assert.equal(problem({ problem: null, message: 'no answer from the server' }), 'no answer from the server')
})
