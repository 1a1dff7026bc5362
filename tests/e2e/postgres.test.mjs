// PostgreSQL away, hung or cut off in the middle, behind a small TCP proxy: never a 201 for what is not durable, never
// a hang, no order lost, none swapped twice; and it goes on by itself.
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import { assertProblem, createWorld, SWAP, until, watch, within } from './lib.mjs'

// Proxy passes connections on to PostgreSQL, or holds what they say (a hung server), or refuses them.
class Proxy {
  constructor(target) {
    this.mode = 'pass'
    this.pairs = new Set()
    this.server = net.createServer((client) => this.#accept(client, target))
  }

  listen() {
    return new Promise((resolve) =>
      this.server.listen(0, '127.0.0.1', () => resolve(this.server.address().port))
    )
  }

  #accept(client, target) {
    if (this.mode === 'refuse') return client.destroy()
    const server = net.connect(target)
    const pair = { client, server }
    this.pairs.add(pair)
    const pipe = (from, to) => {
      from.on('data', (data) => to.write(data))
      from.on('error', () => {})
      from.on('close', () => {
        to.destroy()
        this.pairs.delete(pair)
      })
      if (this.mode === 'hold') from.pause()
    }
    pipe(client, server)
    pipe(server, client)
  }

  set(mode) {
    this.mode = mode
    for (const { client, server } of this.pairs)
      for (const socket of [client, server]) mode === 'hold' ? socket.pause() : socket.resume()
    if (mode === 'refuse') this.cut()
  }

  // cut() breaks every connection where it stands; what the server has said and not delivered is lost.
  cut() {
    for (const { client, server } of this.pairs) {
      client.destroy()
      server.destroy()
    }
  }

  close() {
    this.cut()
    this.server.close()
  }
}

let world, proxy, ox
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '3000', SWAP_DELAY_MS: '200-400' })
  const url = new URL(world.env.DATABASE_URL)
  proxy = new Proxy({ host: url.hostname, port: Number(url.port) })
  url.host = `127.0.0.1:${await proxy.listen()}`
  ox = await world.start({ env: { DATABASE_URL: url.href } })
})
after(async () => {
  proxy.close()
  await world.destroy()
})
afterEach(() => proxy.set('pass'))

const ready = (yes) =>
  until(`readyz ${yes ? 200 : 503}`, 15000, async () => {
    const { status } = await ox.get('/readyz')
    return status === (yes ? 200 : 503)
  })

for (const mode of ['refuse', 'hold'])
  test(`PostgreSQL ${mode === 'hold' ? 'hangs' : 'is gone'}: 503 soon, then at once; it comes back by itself`, async () => {
    await ready(true)
    proxy.set(mode)
    const first = await within('an answer', 5000, ox.post('/api/orders/execute', SWAP))
    assertProblem(first, 503)
    assert.match(first.headers.get('retry-after'), /^[0-9]+$/)
    await ready(false)
    const before = Date.now()
    assertProblem(await ox.post('/api/orders/execute', SWAP), 503)
    assert(Date.now() - before < 1000, 'the next one is told at once')
    assert.equal((await ox.get('/health')).status, 503)
    assert.equal((await ox.get('/livez')).status, 200)
    proxy.set('pass')
    await ready(true)
    const order = await ox.ended(await ox.execute())
    assert.equal(order.status, 'confirmed')
  })

test('cut off again and again under load: what was acknowledged is swapped once', async () => {
  await ready(true)
  const acknowledged = []
  let posting = true
  const clients = Array.from({ length: 8 }, async () => {
    while (posting) {
      const answer = await ox.post('/api/orders/execute', SWAP)
      if (answer.status === 201) acknowledged.push(answer.json.orderId)
      else assertProblem(answer, 503)
    }
  })
  for (let i = 0; i < 8; i++) {
    const had = acknowledged.length
    await until('some orders', 15000, () => acknowledged.length > had + 20)
    proxy.cut()
  }
  posting = false
  await Promise.all(clients)
  await ready(true)
  for (const id of acknowledged) assert.equal((await ox.ended(id, 60000)).status, 'confirmed')
  await world.auditSwaps(acknowledged)
})

test('listeners see an exact history across it', async () => {
  await ready(true)
  const ids = await Promise.all(Array.from({ length: 10 }, () => ox.execute()))
  const listeners = ids.map((id) => watch(ox, id))
  await until('some events', 10000, () => listeners.every((l) => l.messages.length > 0))
  proxy.cut()
  for (const [i, listener] of listeners.entries()) {
    const { code } = await within('the end of the history', 30000, listener.closed)
    assert.equal(code, 1000)
    const history = await world.events(ids[i])
    assert.deepEqual(
      listener.messages.map((m) => [m.seq, m.status]),
      history.map((e) => [e.seq, e.status])
    )
  }
})

test('hung for longer than the lease in the middle of swaps: each once', async () => {
  await ready(true)
  const ids = await Promise.all(Array.from({ length: 10 }, () => ox.execute()))
  proxy.set('hold')
  await until('the session to be lost', 20000, () =>
    ox.log.some((line) => line.includes('session lost'))
  )
  proxy.set('pass')
  for (const id of ids) assert.equal((await ox.ended(id, 60000)).status, 'confirmed')
  await world.auditSwaps(ids)
})
