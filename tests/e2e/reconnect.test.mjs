// The API goes and comes back; listeners reconnect with since and end with an exact history.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertHistory, createWorld, SWAP_STATES, until, watch, within } from './lib.mjs'

let world
before(async () => {
  world = await createWorld({ SWAP_DELAY_MS: '400-900', QUOTE_DELAY_MS: '50' })
  await world.start({ role: 'worker' })
})
after(() => world.destroy())
afterEach(async () => {
  for (const daemon of world.daemons) if (daemon.role === 'api') await daemon.kill()
})

// follow() listens until the order ended, through any number of lost connections.
async function follow(current, orderId) {
  const events = []
  for (;;) {
    const listener = watch(current(), orderId, events.length)
    listener.socket.on('error', () => {})
    const { code } = await within('a close', 60000, listener.closed)
    events.push(...listener.messages)
    if (code === 1000) return events
    const gone = current()
    await until('the API to be back', 60000, () => current() !== gone || current().running)
  }
}

for (const [name, leave] of [
  ['SIGTERM', (d) => d.stop()],
  ['kill -9', (d) => d.kill()]
])
  test(`${name} of the API, twice, under ten listeners`, async () => {
    let api = await world.start({ role: 'api' })
    const port = api.portNumber
    const ids = await Promise.all(Array.from({ length: 10 }, () => api.execute()))
    const following = ids.map((id) => follow(() => api, id))
    for (const status of ['routing', 'submitted']) {
      await until(`an order ${status}`, 10000, async () => {
        const [{ n }] = await world.sql(
          `SELECT count(*)::int AS n FROM orders WHERE status = '${status}' OR phase > 1`
        )
        return n > 0
      })
      await leave(api)
      api = await world.start({ role: 'api', port })
    }
    for (const events of await Promise.all(following)) assertHistory(events, SWAP_STATES)
    await world.auditSwaps(ids)
  })

// The worker process goes on meanwhile: what happens while nobody listens is history when they are back.
test('the API ends by SIGTERM and by kill -9 under 200 listeners: each has every event once', async () => {
  let api = await world.start({ role: 'api' })
  const port = api.portNumber
  const ids = await Promise.all(Array.from({ length: 100 }, () => api.execute()))
  const following = Array.from({ length: 200 }, (_, i) => follow(() => api, ids[i % ids.length]))
  const ended = async () => {
    const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase > 1')
    return n
  }
  const before = await ended()
  for (const [leave, share] of [
    [(d) => d.stop(), 5],
    [(d) => d.kill(), 30]
  ]) {
    await until(`${share} orders to end`, 30000, async () => (await ended()) >= before + share)
    await leave(api)
    const heard = await ended()
    await until('one to end unheard', 30000, async () => {
      const n = await ended()
      return n > heard || n === before + ids.length
    })
    api = await world.start({ role: 'api', port })
  }
  for (const [i, listener] of following.entries()) {
    const events = await listener
    const history = await world.events(ids[i % ids.length])
    assertHistory(
      events,
      history.map((e) => e.status)
    )
    assert.equal(events.at(-1).status, 'confirmed')
  }
  await world.auditSwaps(ids)
})

test('a listener that comes and goes at every event', async () => {
  const api = await world.start({ role: 'api' })
  const orderId = await api.execute()
  const events = []
  while (events.length < SWAP_STATES.length) {
    const listener = watch(api, orderId, events.length)
    const next = await listener.find('the next event', (m) => m.seq === events.length + 1, 15000)
    events.push(next)
    await listener.close()
  }
  assertHistory(events, SWAP_STATES)
})

test('the same port is taken: one clear line, exit not 0', async () => {
  const api = await world.start({ role: 'all' })
  await assert.rejects(
    world.start({ role: 'all', port: api.portNumber, env: { HOST: '127.0.0.1' } }),
    /in use/
  )
  await api.kill()
})
