// GET /api/orders/stream: every event of every order exactly once, in one order that all listeners and all
// processes agree on, whatever becomes of the server, of Redis, or of a reader who is slow.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import {
  SLOW,
  SWAP_STATES,
  assertProblem,
  createWorld,
  freePort,
  startRedis,
  until
} from './lib.mjs'
import { assertMessage } from './contract.mjs'

// An EventSource: reads frames, remembers the last id, and connects again from there when it is cut.
class Source {
  constructor(url, { after, lazy = false } = {}) {
    this.url = url
    this.lastId = after
    this.frames = []
    this.connects = 0
    this.open = true
    this.lazy = lazy
    this.ready = new Promise((resolve, reject) => Object.assign(this, { onReady: resolve, reject }))
    this.connect()
  }

  connect() {
    if (!this.open) return
    const headers = this.lastId ? { 'last-event-id': this.lastId } : {}
    this.request = http.get(this.url, { headers, agent: false }, (response) => this.#read(response))
    this.request.on('error', () => this.#again())
  }

  #again() {
    if (this.open) this.timer = setTimeout(() => this.connect(), 50)
  }

  #read(response) {
    if (response.statusCode !== 200) {
      response.resume()
      this.#again()
      return
    }
    let text = ''
    this.connects++
    this.response = response
    this.onReady()
    if (this.lazy) return
    response.setEncoding('utf8')
    response.on('data', (piece) => {
      const parts = (text + piece).split('\n\n')
      text = parts.pop()
      for (const part of parts) this.#take(part)
    })
    response.on('close', () => this.#again())
    response.on('error', () => {})
  }

  #take(part) {
    const frame = Object.fromEntries(part.split('\n').map((line) => line.match(/^(\w+): (.*)$/).slice(1)))
    if (frame.id) this.lastId = frame.id
    if (frame.retry) return
    const data = JSON.parse(frame.data)
    assertMessage('stream', frame.event, data)
    this.frames.push({ ...frame, data })
  }

  events() {
    return this.frames.filter((f) => f.event.startsWith('order.'))
  }

  ends() {
    return this.events().filter((f) => f.data.status === 'confirmed').length
  }

  close() {
    this.open = false
    clearTimeout(this.timer)
    this.request.destroy()
  }
}

let world
before(async () => (world = await createWorld({ QUOTE_DELAY_MS: '0', SWAP_DELAY_MS: '0-10' })))
after(() => world.destroy())

const sources = []
async function listen(daemon, query = '', options) {
  const source = new Source(`${daemon.url}/api/orders/stream${query}`, options)
  sources.push(source)
  await source.ready
  return source
}
after(() => sources.forEach((s) => s.close()))

async function placeMany(daemon, n) {
  const ids = []
  for (let i = 0; i < n; i += 10)
    ids.push(...(await Promise.all(Array.from({ length: Math.min(10, n - i) }, () => daemon.execute()))))
  return ids
}

// Each of these orders' events exactly once, each order's in its order.
function assertComplete(source, ids) {
  const seen = new Map(ids.map((id) => [id, []]))
  for (const { event, data } of source.events()) {
    assert.equal(event, data.seq === 1 ? 'order.created' : 'order.statusChanged')
    seen.get(data.orderId)?.push(data)
  }
  for (const [id, events] of seen) {
    assert.deepEqual(events.map((e) => e.seq), SWAP_STATES.map((_, i) => i + 1), id)
    assert.deepEqual(events.map((e) => e.status), SWAP_STATES, id)
  }
}

// seesAll() waits long enough for orders of a worker that stood still to be taken over.
async function seesAll(source, ids) {
  await until('all confirmed', 60000, () => source.ends() >= ids.length).catch(async (error) => {
    const states = await world.sql('SELECT status, count(*)::int AS n FROM orders GROUP BY status')
    throw new Error(`${error.message}: saw ${source.ends()} of ${ids.length}; ${JSON.stringify(states)}`)
  })
}

const idsOf = (source) => source.events().map((f) => f.id)

test('one order, from placed to confirmed, as everybody else sees it', async () => {
  const daemon = await world.start()
  const source = await listen(daemon)
  const id = await daemon.execute()
  await until('confirmed', 10000, () => source.ends() === 1)
  assertComplete(source, [id])
  const { json } = await daemon.get(`/api/orders/${id}/events`)
  assert.deepEqual(source.events().map((f) => f.data), json.events)
  await daemon.stop()
})

test('filters by type, status and order', async () => {
  const daemon = await world.start()
  const confirmed = await listen(daemon, '?type=market&status=confirmed,failed')
  const none = await listen(daemon, '?type=limit')
  const [a] = await placeMany(daemon, 3)
  const mine = await listen(daemon, `?orderId=${a}`, { after: '0-0' })
  await until('three', 10000, () => confirmed.ends() === 3)
  await until('history', 10000, () => mine.ends() === 1)
  assert.equal(confirmed.events().length, 3)
  assert.equal(none.events().length, 0)
  assertComplete(mine, [a])
  assert.equal(mine.events().length, SWAP_STATES.length)
  await daemon.stop()
})

test('what it asks for and there is not', async () => {
  const daemon = await world.start()
  for (const query of ['?type=x', '?status=x', '?orderId=x', '?last_event_id=x'])
    assertProblem(await daemon.get(`/api/orders/stream${query}`), 400)
  const ahead = await listen(daemon, '', { after: '999999999999-1' })
  await until('a reset', 5000, () => ahead.frames.some((f) => f.event === 'reset'))
  const id = await daemon.execute()
  await until('confirmed', 10000, () => ahead.ends() === 1)
  assertComplete(ahead, [id])
  await daemon.stop()
})

test('two processes and all their listeners agree on one order of events', async () => {
  const [a, b] = [await world.start(), await world.start({ role: 'api' })]
  const all = [await listen(a), await listen(b), await listen(a), await listen(b)]
  const ids = [...(await placeMany(a, 40)), ...(await placeMany(b, 40))]
  for (const source of all) await seesAll(source, ids)
  for (const source of all) assertComplete(source, ids)
  for (const source of all.slice(1)) assert.deepEqual(idsOf(source), idsOf(all[0]))
  await a.stop()
  await b.stop()
})

test('the server is killed and started again, twice: no listener misses or hears anything twice', async () => {
  const port = await freePort()
  const worker = await world.start({ role: 'worker' })
  let api = await world.start({ role: 'api', port })
  const all = []
  for (let i = 0; i < 20; i++) all.push(await listen(api))
  const ids = []
  for (const how of ['SIGKILL', 'SIGTERM', 'end']) {
    ids.push(...(await placeMany(api, 30)))
    if (how === 'end') break
    api.signal(how)
    await api.exited
    api = await world.start({ role: 'api', port })
  }
  for (const source of all) await seesAll(source, ids)
  for (const source of all) {
    assert(source.connects >= 2, `${source.connects} connects`)
    assertComplete(source, ids)
    assert.deepEqual(idsOf(source), idsOf(all[0]))
  }
  await api.stop()
  await worker.stop()
})

test('who is cut off before its first event misses nothing either', async () => {
  const port = await freePort()
  const other = await world.start()
  const api = await world.start({ role: 'api', port })
  const source = await listen(api)
  await until('where it begins', 5000, () => source.lastId)
  api.signal('SIGKILL')
  await api.exited
  const ids = await placeMany(other, 5)
  const again = await world.start({ role: 'api', port })
  await seesAll(source, ids)
  assertComplete(source, ids)
  await again.stop()
  await other.stop()
})

test('Redis is away: late, not lost', async () => {
  const port = await freePort()
  const redis = await startRedis(port)
  const daemon = await world.start({ env: { REDIS_URL: redis.url } })
  const source = await listen(daemon)
  const first = await daemon.execute()
  await until('confirmed', 10000, () => source.ends() === 1)
  redis.signal('SIGSTOP')
  const second = await daemon.execute()
  await until('created', 10000, () => source.events().some((f) => f.data.orderId === second))
  redis.signal('SIGCONT')
  await until('confirmed', 30000, () => source.ends() === 2)
  assertComplete(source, [first, second])
  await daemon.stop()
  await redis.stop()
})

test('a reader who does not read holds nobody up, and misses nothing', async () => {
  const daemon = await world.start()
  const lazy = await listen(daemon, '', { lazy: true })
  const brisk = await listen(daemon)
  const ids = await placeMany(daemon, 400)
  await until('all confirmed', 30000, () => brisk.ends() === ids.length)
  assertComplete(brisk, ids)
  lazy.lazy = false
  lazy.response.removeAllListeners('close')
  let text = ''
  lazy.response.setEncoding('utf8')
  lazy.response.on('data', (piece) => (text += piece))
  await until('the rest', 30000, () => text.split('event: order.').length - 1 === ids.length * 5)
  assert.deepEqual([...text.matchAll(/^id: (.*)\nevent: order/gm)].map((m) => m[1]), idsOf(brisk))
  await daemon.stop()
})

test('a thousand listeners: every one has every event', async () => {
  const LISTENERS = SLOW > 1 ? 200 : 1000
  const daemon = await world.start({ env: { HTTP_MAX_CONNECTIONS: '4096' } })
  const all = await Promise.all(Array.from({ length: LISTENERS }, () => listen(daemon)))
  const ids = await placeMany(daemon, 100)
  for (const source of all) await until('all confirmed', 60000, () => source.ends() === ids.length)
  const first = idsOf(all[0])
  assertComplete(all[0], ids)
  for (const source of all) assert.deepEqual(idsOf(source), first)
  all.forEach((source) => source.close())
  await until('they are gone', 10000, async () => (await daemon.get('/health')).status === 200)
  await daemon.stop()
})
