import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import { test } from 'node:test'
import { newKey, orderOf, quoteQuery } from '../../web/assets/logic/ticket.js'

const NOW = Date.parse('2026-01-31T10:30:00.000Z')
const FORM = {
  type: 'market',
  tokenIn: 'SOL',
  tokenOut: 'USDC',
  amount: '1.5',
  slippage: '0.5',
  limitPrice: '170',
  launchToken: 'NEW',
  expires: '60',
  user: 'u-1',
  items: 'a, b,c',
  total: '19.90',
  address: '',
  record: 'r-1',
  recordAmount: '100',
  clientOrderId: '',
  groupId: 'g'
}

test('each type has its own fields, and the amounts stay as they were written', () => {
  const swap = { tokenIn: 'SOL', tokenOut: 'USDC', amount: '1.5', slippageBps: 50 }
  const expiresAt = '2026-01-31T10:31:00.000Z'
  assert.deepEqual(orderOf(FORM, NOW), { type: 'market', ...swap, groupId: 'g' })
  assert.deepEqual(orderOf({ ...FORM, type: 'limit' }, NOW), {
    type: 'limit',
    ...swap,
    limitPrice: '170',
    expiresAt,
    groupId: 'g'
  })
  assert.deepEqual(orderOf({ ...FORM, type: 'sniper', expires: '' }, NOW), {
    type: 'sniper',
    ...swap,
    launchToken: 'NEW',
    groupId: 'g'
  })
  assert.deepEqual(orderOf({ ...FORM, type: 'delivery' }, NOW), {
    type: 'delivery',
    user_id: 'u-1',
    item_ids: ['a', 'b', 'c'],
    total_amount: '19.90',
    groupId: 'g'
  })
  assert.deepEqual(orderOf({ ...FORM, type: 'record' }, NOW), { type: 'record', id: 'r-1', amount: '100' })
})

test('a slippage that is none goes out as it is: the server says what is wrong with it', () => {
  assert.equal(orderOf({ ...FORM, slippage: 'much' }, NOW).slippageBps, 'much')
})

test('venues are asked only about what could be an order', () => {
  assert.equal(quoteQuery(FORM), 'tokenIn=SOL&tokenOut=USDC&amount=1.5&slippageBps=50')
  for (const change of [
    { amount: '' },
    { amount: '0.00' },
    { amount: 'x' },
    { slippage: 'x' },
    { tokenOut: 'SOL' },
    { tokenIn: '' },
    { type: 'record' }
  ])
    assert.equal(quoteQuery({ ...FORM, ...change }), null, JSON.stringify(change))
})

test('every order has a key of its own, of the form that the API takes', () => {
  const keys = Array.from({ length: 100 }, () => newKey(webcrypto))
  assert.equal(new Set(keys).size, 100)
  assert(keys.every((k) => /^[A-Za-z0-9_-]{1,128}$/.test(k)))
})
