// SIGTERM: no new work, the running orders finish or are handed back, sockets get 1001, exit 0.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import {
  assertHistory,
  createWorld,
  Listener,
  executePath,
  SWAP_STATES,
  until,
  watch,
  within
} from './lib.mjs'

let world
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '2000', DRAIN_TIMEOUT_MS: '8000' })
})
after(() => world.destroy())
afterEach(async () => {
  for (const daemon of world.daemons) await daemon.kill()
})

const running = (n) =>
  until(`${n} orders to run`, 10000, async () => {
    const [row] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase = 1')
    return row.n >= n
  })

for (const [name, SWAP_DELAY_MS, DRAIN_TIMEOUT_MS] of [
  ['short swaps', '300-500', '8000'],
  ['swaps longer than the drain', '6000', '2000']
])
  test(`SIGTERM in the middle of ${name}`, async () => {
    const env = { SWAP_DELAY_MS, DRAIN_TIMEOUT_MS, QUEUE_CONCURRENCY: '5' }
    const first = await world.start({ env })
    const ids = await Promise.all(Array.from({ length: 10 }, () => first.execute()))
    const listeners = ids.map((id) => watch(first, id))
    const idle = new Listener(first.url + executePath())
    await Promise.all([...listeners, idle].map((l) => l.opened))
    await running(5)
    await first.stop(Number(DRAIN_TIMEOUT_MS) + 2000)

    assert.equal((await idle.closed).code, 1001)
    const seen = []
    for (const listener of listeners) {
      const { code } = await within('the close', 5000, listener.closed)
      assert([1000, 1001].includes(code), `closed with ${code}`)
      assertHistory(listener.messages, SWAP_STATES.slice(0, listener.messages.length))
      assert.equal(code === 1000, listener.messages.length === SWAP_STATES.length)
      seen.push(listener.messages)
    }

    const second = await world.start({ env: { SWAP_DELAY_MS: '20-30' } })
    for (const id of ids) assert.equal((await second.ended(id, 40000)).status, 'confirmed')
    await world.auditSwaps(ids)
    for (const [i, id] of ids.entries()) {
      const history = (await world.events(id)).map((e) => e.status)
      const rest = watch(second, id, seen[i].length)
      await within('the close', 10000, rest.closed)
      assertHistory([...seen[i], ...rest.messages], history)
    }
    await second.stop()
  })

test('what a draining daemon accepted before it went is run by the next', async () => {
  const first = await world.start({ env: { QUEUE_CONCURRENCY: '1', SWAP_DELAY_MS: '200' } })
  const accepted = []
  const flood = (async () => {
    for (;;) {
      try {
        const answer = await first.post('/api/orders/execute', {
          tokenIn: 'SOL',
          tokenOut: 'USDC',
          amount: 1
        })
        if (answer.status === 201) accepted.push(answer.json.orderId)
        else assert.equal(answer.status, 503)
      } catch {
        return
      } // the connection is closed: it has gone
    }
  })()
  await until('some orders', 10000, () => accepted.length >= 20)
  await first.stop(12000)
  await flood
  const second = await world.start({ env: { SWAP_DELAY_MS: '0' } })
  for (const id of accepted) assert.equal((await second.ended(id, 40000)).status, 'confirmed')
  await world.auditSwaps(accepted)
})

test('a second SIGTERM ends it at once, and still nothing is lost', async () => {
  const first = await world.start({ env: { SWAP_DELAY_MS: '6000' } })
  const ids = await Promise.all(Array.from({ length: 5 }, () => first.execute()))
  await running(5)
  first.signal('SIGTERM')
  await until('it to drain', 5000, () =>
    first.get('/readyz').then(
      (a) => a.status === 503,
      () => true
    )
  )
  first.signal('SIGTERM')
  await within('the exit', 2000, first.exited)
  const second = await world.start({ env: { SWAP_DELAY_MS: '20-30' } })
  for (const id of ids) assert.equal((await second.ended(id, 40000)).status, 'confirmed')
  await world.auditSwaps(ids)
})

test('an idle daemon ends at once on SIGTERM and on SIGINT', async () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const daemon = await world.start()
    daemon.signal(signal)
    assert.deepEqual(await within('the exit', 3000, daemon.exited), { code: 0, signal: null })
  }
})
