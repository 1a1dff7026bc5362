// What the engine does with each fault of the venues: routed around, sent again, looked up, tried anew, or failed
// with a code; and never two transactions that land.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { createWorld, SWAP, SWAP_STATES, ulidToUuid, until, within } from './lib.mjs'

const VENUES = ['raydium', 'meteora']
const LAG_MS = 300
const both = (kind, more = {}) => VENUES.map((venue) => ({ venue, kind, ...more }))
const ENV = {
  QUEUE_BACKOFF_MS: '50',
  QUEUE_LEASE_MS: '1500',
  SWAP_DELAY_MS: '100-200',
  SIM_TX_SLACK_MS: '400',
  VENUE_DEADLINE_MS: '400',
  SIM_LOOKUP_LAG_MS: String(LAG_MS),
  BREAKER_FAILURES: '100'
}
let world, ox
before(async () => {
  world = await createWorld(ENV)
  ox = await world.start()
})
after(() => world.destroy())
afterEach(() => ox.setFaults())

const historyOf = async (id) => (await ox.get(`/api/orders/${id}/events`)).json.events
const intentsOf = (id) =>
  world.sql(`SELECT i.tx_hash AS hash, o.outcome, extract(epoch FROM i.expires_at) * 1000 AS expires
             FROM intents i LEFT JOIN outcomes o USING (order_id, n)
             WHERE order_id = '${ulidToUuid(id)}' ORDER BY n`)

// swap() runs one order under faults to its end, holds it against the venues' book, and gives it.
async function swap(...faults) {
  await ox.setFaults(...faults)
  const id = await ox.execute(SWAP)
  const order = await ox.ended(id)
  await ox.audit([id])
  return order
}

function assertFailed(order, code) {
  assert.equal(order.status, 'failed')
  assert.equal(order.attempt, 3)
  assert.deepEqual([order.error.code, order.error.outcome], [code, 'none'])
}

// assertBuiltAfterExpiry(): no transaction is built before the one before it had expired, and a lag was over.
async function assertBuiltAfterExpiry(id, lagMs) {
  const intents = await intentsOf(id)
  const builds = await world.sql(`SELECT extract(epoch FROM at) * 1000 AS at FROM order_events
    WHERE order_id = '${ulidToUuid(id)}' AND status = 'building' ORDER BY seq`)
  assert.equal(builds.length, intents.length)
  for (const [i, { expires }] of intents.slice(0, -1).entries())
    assert(builds[i + 1].at > expires + lagMs, JSON.stringify([builds, intents]))
}

// ── quotes ───────────────────────────────────────────────────────────────────────────────────────

const WORDS = {
  quote_timeout: 'TIMEOUT',
  stale_quote: 'STALE',
  no_liquidity: 'NO_LIQUIDITY',
  rate_limited: 'RATE_LIMITED',
  halted: 'UNAVAILABLE'
}

for (const [kind, word] of Object.entries(WORDS))
  test(`${kind} at one venue: the order goes to the other, and its event says so`, async () => {
    for (const [i, venue] of VENUES.entries()) {
      const order = await swap({ venue, kind })
      assert.deepEqual([order.status, order.attempt, order.dex], ['confirmed', 1, VENUES[1 - i]])
      const history = await historyOf(order.orderId)
      assert.deepEqual(
        history.map((e) => e.status),
        SWAP_STATES
      )
      const { quotes, route, reason } = history[2].data
      assert.equal(quotes.find((q) => q.venue === venue).error, word)
      assert.equal(route.dex, VENUES[1 - i])
      assert.match(reason, new RegExp(`^${VENUES[1 - i]} alone`))
    }
  })

for (const [kind, code] of [
  ['quote_timeout', 'NO_ROUTE'],
  ['stale_quote', 'NO_ROUTE'],
  ['no_liquidity', 'NO_LIQUIDITY'],
  ['rate_limited', 'NO_ROUTE'],
  ['halted', 'NO_ROUTE']
])
  test(`${kind} at both venues: three attempts, then failed with a code`, async () => {
    const order = await swap(...both(kind))
    assertFailed(order, code)
    assert.deepEqual(
      (await historyOf(order.orderId)).map((e) => [e.status, e.attempt]),
      [
        ['pending', 1],
        ['routing', 1],
        ['routing', 2],
        ['routing', 3],
        ['failed', 3]
      ]
    )
    assert.deepEqual(await intentsOf(order.orderId), [])
  })

test('a fault that ends between two attempts costs one of them', async () => {
  const patient = await createWorld({ ...ENV, QUEUE_BACKOFF_MS: '1000' })
  try {
    const daemon = await patient.start()
    await daemon.setFaults(...both('no_liquidity'))
    const id = await daemon.execute(SWAP)
    await until('the first attempt to be over', 10000, async () => {
      const [row] = await patient.sql(`SELECT error FROM orders WHERE order_id = '${ulidToUuid(id)}'`)
      return row.error
    })
    await daemon.setFaults()
    const order = await daemon.ended(id)
    assert.equal(order.status, 'confirmed')
    assert(order.attempt >= 2 && order.error === null, JSON.stringify(order))
    await daemon.audit([id])
  } finally {
    await patient.destroy()
  }
})

// ── transactions ─────────────────────────────────────────────────────────────────────────────────

test('ack_lost_after_landing: found by its hash, confirmed, landed once', async () => {
  const order = await swap(...both('ack_lost_after_landing'))
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
  const [entry, ...others] = await ox.ledger(order.orderId)
  assert.deepEqual(others, [])
  assert.deepEqual([entry.landed, entry.txHash], [true, order.txHash])
  const intents = await intentsOf(order.orderId)
  assert.deepEqual(
    intents.map((i) => [i.hash, i.outcome]),
    [[order.txHash, 'landed']]
  )
})

test('lost_before_landing once: the same bytes again', async () => {
  const order = await swap(...both('lost_before_landing', { nth: 1 }))
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
  const intents = await intentsOf(order.orderId)
  assert.deepEqual(
    intents.map((i) => [i.hash, i.outcome]),
    [[order.txHash, 'landed']]
  )
})

for (const kind of ['lost_before_landing', 'expired'])
  test(`${kind} each time: three transactions, each proven dead before the next, then failed`, async () => {
    const order = await swap(...both(kind))
    assertFailed(order, 'TX_EXPIRED')
    const intents = await intentsOf(order.orderId)
    assert.deepEqual(
      intents.map((i) => i.outcome),
      ['dead', 'dead', 'dead']
    )
    assert.equal(new Set(intents.map((i) => i.hash)).size, 3)
    assert.deepEqual(await ox.ledger(order.orderId), [])
    await assertBuiltAfterExpiry(order.orderId, 0)
  })

test('expired, then well: the next attempt builds another', async () => {
  const order = await swap(...both('expired', { nth: 1 }))
  assert.equal(order.status, 'confirmed')
  const outcomes = (await intentsOf(order.orderId)).map((i) => i.outcome)
  assert.equal(outcomes.pop(), 'landed')
  assert(outcomes.length >= 1 && outcomes.every((o) => o === 'dead'), outcomes.join())
  assert.equal(order.attempt, outcomes.length + 1)
})

test('late_landing: pending past its expiry is not dead', async () => {
  const order = await swap(...both('late_landing'))
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
  const [{ landedAt }] = await ox.ledger(order.orderId)
  const [{ expires }] = await intentsOf(order.orderId)
  assert(Date.parse(landedAt) > expires && Date.parse(landedAt) <= expires + 300)
})

test('lookup_lagging: an absence before the expiry allows the same bytes only', async () => {
  const order = await swap(...both('lookup_lagging'))
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
  assert.equal((await intentsOf(order.orderId)).length, 1)
})

test('lookup_lagging over a lost transaction: dead only when the lagging book says so', async () => {
  const order = await swap(...both('lost_before_landing'), ...both('lookup_lagging'))
  assertFailed(order, 'TX_EXPIRED')
  await assertBuiltAfterExpiry(order.orderId, LAG_MS)
})

test('rate_limited when it is sent: sent again', async () => {
  const order = await swap(...both('rate_limited', { nth: 3 })) // behind its own quote and that of the split
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
  assert.equal((await intentsOf(order.orderId)).length, 1)
})

test('halted with a transaction open: unknown stays unknown until the venue is back', async () => {
  await ox.setFaults(...both('late_landing'))
  const id = await ox.execute(SWAP)
  const statusOf = async () => (await ox.get(`/api/orders/${id}/status`)).json.status
  await until('submitted', 10000, async () => (await statusOf()) === 'submitted')
  await ox.setFaults(...both('halted'))
  await until('it has landed, and nobody knows', 10000, async () =>
    (await ox.ledger(id)).some((e) => e.landed)
  )
  assert.equal(await statusOf(), 'submitted')
  await ox.setFaults()
  assert.equal((await ox.ended(id)).status, 'confirmed')
  await ox.audit([id])
})

// ── crashes ──────────────────────────────────────────────────────────────────────────────────────

async function crashAt(point) {
  const other = await createWorld(ENV)
  try {
    const api = await other.start({ role: 'api' })
    const first = await other.start({ role: 'worker' })
    const id = await api.execute(SWAP)
    await api.ended(id)
    await api.setFaults(...both('crash', { point, nth: 1 }))
    const ids = await Promise.all(Array.from({ length: 5 }, () => api.execute(SWAP)))
    const { signal } = await within('the crash', 15000, first.exited)
    assert.equal(signal, 'SIGKILL')
    await other.start({ role: 'worker' })
    for (const each of ids) assert.equal((await api.ended(each, 30000)).status, 'confirmed')
    await api.audit([id, ...ids])
    await other.auditSwaps(ids)
  } finally {
    await other.destroy()
  }
}

// Each in a world of its own, all at once: most of the time they wait for a lease to run out.
test('a crash: the order is taken over and ends once', { concurrency: true }, async (t) => {
  const points = ['quote', 'submit', 'sent', 'lookup']
  await Promise.all(points.map((point) => t.test(`at ${point}`, () => crashAt(point))))
})

// ── all of it ────────────────────────────────────────────────────────────────────────────────────

test('all at once, by chance: each order ends, and the books agree', async () => {
  const kinds = ['quote_timeout', 'stale_quote', 'no_liquidity', 'rate_limited', 'halted', 'expired']
  kinds.push('lost_before_landing', 'ack_lost_after_landing', 'late_landing', 'lookup_lagging')
  await ox.setFaults(...kinds.flatMap((kind) => both(kind, { probability: 0.15 })))
  const ids = await Promise.all(Array.from({ length: 60 }, () => ox.execute(SWAP)))
  const orders = []
  for (const id of ids) orders.push(await ox.ended(id, 60000))
  await ox.audit(ids)
  const confirmed = orders.filter((o) => o.status === 'confirmed')
  assert(confirmed.length > 20, `${confirmed.length} of 60 were confirmed`)
  assert(
    orders.some((o) => o.attempt > 1),
    'some needed another attempt'
  )
  for (const o of orders)
    if (o.status !== 'confirmed') assert.equal(o.error.outcome, 'none', JSON.stringify(o.error))
})
