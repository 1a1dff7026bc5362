import assert from 'node:assert/strict'
import { test } from 'node:test'
import { History, isOpen, stays, Store } from '../../web/assets/logic/store.js'

const T0 = Date.parse('2026-01-31T10:30:00.000Z')
const STATES = [
  ['pending', 'queued'],
  ['routing', 'active'],
  ['building', 'active'],
  ['submitted', 'active'],
  ['confirmed', 'succeeded']
]
const id = (n) => `ord_${String(n).padStart(26, '0')}`
const event = (n, seq, more) => ({
  orderId: id(n),
  seq,
  status: STATES[seq - 1][0],
  phase: STATES[seq - 1][1],
  attempt: 1,
  timestamp: new Date(T0 + seq * 100).toISOString(),
  data: {},
  ...more
})
const answer = (n, seq, more) => ({
  ...event(n, seq),
  type: 'market',
  tokenIn: 'SOL',
  tokenOut: 'USDC',
  amount: 1.5,
  error: null,
  ...more
})

test('whatever the order in which events come, how often, the newest counts', () => {
  const straight = new Store()
  const crooked = new Store()
  for (const seq of [1, 2, 3, 4, 5]) straight.event(event(1, seq))
  const moved = [3, 1, 3, 5, 2, 4, 5].map((seq) => crooked.event(event(1, seq)))
  assert.deepEqual(moved, [true, false, false, true, false, false, false])
  assert.equal(crooked.get(id(1)).status, 'confirmed')
  assert.equal(straight.get(id(1)).seq, crooked.get(id(1)).seq)
})

test('an answer that is older than the events adds what they do not say, and takes nothing back', () => {
  const store = new Store()
  store.event(event(1, 4, { data: { txHash: 'x', dex: 'raydium' } }))
  assert.deepEqual(store.unknown(), [id(1)])
  store.answer(answer(1, 2))
  assert.deepEqual(store.unknown(), [])
  const order = store.get(id(1))
  assert.deepEqual([order.status, order.seq, order.txHash, order.amount], ['submitted', 4, 'x', 1.5])
  store.answer(answer(1, 5, { outAmount: '7' }))
  assert.deepEqual([store.get(id(1)).status, store.get(id(1)).outAmount], ['confirmed', '7'])
})

test('an error that a later attempt made good is gone with the answer', () => {
  const store = new Store()
  store.answer(answer(1, 2, { error: { code: 'X' } }))
  store.event(event(1, 5, { data: { error: null, outAmount: '7' } }))
  assert.equal(store.get(id(1)).error, null)
})

test('newest first, no more than there is room for; what is older does not come back', () => {
  const store = new Store(3)
  for (const n of [4, 2, 5, 3, 1]) store.event(event(n, 1))
  assert.deepEqual(
    store.list().map((o) => o.orderId),
    [5, 4, 3].map(id)
  )
  assert.equal(store.event(event(2, 2)), false)
  store.answer(answer(1, 5))
  assert.equal(store.orders.size, 3)
  store.event(event(4, 5))
  assert.deepEqual(
    store.list(isOpen).map((o) => o.orderId),
    [5, 3].map(id)
  )
})

test('a history knows a hole, and is whole again after it was read', () => {
  const history = new History()
  assert.equal(history.add(event(1, 1)), 'new')
  assert.equal(history.add(event(1, 1)), 'old')
  assert.equal(history.add(event(1, 4)), 'gap')
  assert.equal(history.seq, 1)
  history.fill([1, 2, 3, 4].map((seq) => event(1, seq)))
  assert.equal(history.add(event(1, 5)), 'new')
  assert.deepEqual(
    history.events.map((e) => e.seq),
    [1, 2, 3, 4, 5]
  )
})

test('a timeline: how long in each state, up to now while it is open', () => {
  const ended = stays(
    [1, 2, 3, 4, 5].map((seq) => event(1, seq)),
    T0 + 9999
  )
  assert.deepEqual(
    ended.map((s) => s.ms),
    [100, 100, 100, 100, 0]
  )
  assert.deepEqual(
    ended.map((s) => s.start),
    [0, 0.25, 0.5, 0.75, 1]
  )
  assert.equal(ended.at(-1).to, null)
  const open = stays(
    [1, 2].map((seq) => event(1, seq)),
    T0 + 500
  )
  assert.deepEqual(
    open.map((s) => s.ms),
    [100, 300]
  )
  assert.deepEqual(stays([], T0), [])
})

test('a timeline shows where another attempt begins; clocks that differ give no length below nothing', () => {
  const events = [event(1, 1), event(1, 2), { ...event(1, 2), seq: 3, attempt: 2 }]
  assert.deepEqual(
    stays(events, T0).map((s) => s.again),
    [false, false, true]
  )
  const back = [event(1, 1, { timestamp: new Date(T0 + 500).toISOString() }), event(1, 5)]
  assert(stays(back, T0).every((s) => s.ms >= 0))
})
