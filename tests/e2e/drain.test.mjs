// SIGTERM: no new work, the running orders finish or are handed back, sockets get 1001, exit 0.
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, afterEach, before, test } from 'node:test'
import {
  assertHistory,
  createWorld,
  Listener,
  executePath,
  rawRequest,
  SLOW,
  SWAP,
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
  ['short swaps', '900-1500', '8000'],
  ['swaps longer than the drain', '2000', '1500']
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
    await Promise.all(
      ids.map(async (id, i) => {
        const history = (await world.events(id)).map((e) => e.status)
        const rest = watch(second, id, seen[i].length)
        await within('the close', 10000, rest.closed)
        assertHistory([...seen[i], ...rest.messages], history)
      })
    )
    await second.stop()
  })

test('what a draining daemon accepted before it went is run by the next', async () => {
  const first = await world.start({ env: { QUEUE_CONCURRENCY: '1', SWAP_DELAY_MS: '100' } })
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

test('a second SIGTERM hands the running orders back at once, and nothing is lost', async () => {
  const first = await world.start({ env: { SWAP_DELAY_MS: '2500' } })
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
  const end = await within('the exit', 2000, first.exited)
  assert.deepEqual(end, { code: 0, signal: null })
  const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase = 1')
  assert.equal(n, 0)
  const second = await world.start({ env: { SWAP_DELAY_MS: '20-30' } })
  for (const id of ids) assert.equal((await second.ended(id, 40000)).status, 'confirmed')
  await world.auditSwaps(ids)
})

const turn = () => new Promise((resolve) => setImmediate(resolve))

// One client with one connection at a time, which it keeps or not: a bare socket, to tell a reset from an
// end. place() sends a POST and gives its answer, or how the connection ended without one.
class Client {
  #socket
  #look = () => {}

  constructor(daemon, keep) {
    this.daemon = daemon
    this.keep = keep
    // Nobody lets a client in any more, who would try again after a second.
    daemon.exited.then(() => this.#socket?.connecting && this.#ended('ECONNREFUSED'))
  }

  #ended(how) {
    this.#drop(how)
    this.#look()
  }

  #drop(how) {
    this.end ??= how
    this.#socket.destroy()
  }

  async #connect() {
    const socket = (this.#socket = net.connect({ host: '127.0.0.1', port: this.daemon.portNumber }))
    this.received = ''
    this.end = undefined
    const connected = new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
    socket.on('data', (data) => {
      this.received += data
      this.#look()
    })
    socket.on('end', () => this.#ended('eof')).on('error', (error) => this.#ended(error.code))
    await connected
  }

  #answer() {
    const [head, body] = this.received.split('\r\n\r\n')
    if (!body?.endsWith('}')) return this.end && { end: this.end }
    if (/^connection: close/im.test(head)) this.#drop('answered')
    return { status: Number(head.slice(9, 12)), json: JSON.parse(body) }
  }

  // An end that is there is seen after two turns: of the loop that reads it, and of the one that says so.
  async place(name) {
    await turn()
    await turn()
    if (!this.#socket || this.end) await this.#connect()
    if (this.end) return { end: this.end }
    const body = JSON.stringify({ ...SWAP, clientOrderId: name })
    const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length }
    if (!this.keep) headers.Connection = 'close'
    this.received = ''
    this.#socket.write(rawRequest('POST', executePath(), headers, body))
    this.asked = name
    return new Promise((resolve) => {
      this.#look = () => {
        const answer = this.#answer()
        if (answer) resolve(answer)
      }
    })
  }

  // flood() places one order after the other until nobody listens any more. answers is by the name of each.
  async flood(prefix, answers) {
    for (let i = 0; ; i++) {
      const answer = await this.place(`${prefix}-${i}`)
      if (answer.end === 'ECONNREFUSED') break
      answers.set(`${prefix}-${i}`, answer)
    }
  }
}

test('a request that arrived before SIGTERM is answered, though nobody accepted its connection', async () => {
  const daemon = await world.start({ role: 'api' })
  const kept = Array.from({ length: 50 }, () => new Client(daemon, true))
  for (const [i, client] of kept.entries()) assert.equal((await client.place(`kept-${i}`)).status, 201)
  daemon.signal('SIGSTOP')
  const all = [...kept, ...Array.from({ length: 200 }, () => new Client(daemon, false))]
  const answers = all.map((client, i) => client.place(`waits-${i}`))
  await until('all requests to leave', 5000, () => all.every((client, i) => client.asked === `waits-${i}`))
  daemon.signal('SIGTERM')
  daemon.signal('SIGCONT')
  for (const answer of await within('all answers', 5000, Promise.all(answers)))
    assert.equal(answer.status, 201, answer.end)
  assert.deepEqual(await within('the exit', 5000, daemon.exited), { code: 0, signal: null })
})

const placed = (answers) => [...answers.values()].filter((a) => a.status === 201).length

// One daemon under load gets SIGTERM, in every third round twice.
async function drainUnderLoad(round) {
  const daemon = await world.start({ env: { SWAP_DELAY_MS: '1-60', QUEUE_CONCURRENCY: '4' } })
  const answers = new Map()
  const clients = Array.from({ length: 8 }, (_, i) =>
    new Client(daemon, i % 2 === 0).flood(`round${round}-${i}`, answers)
  )
  const idle = new Listener(daemon.url + executePath())
  await idle.opened
  await until('some orders', 10000, () => placed(answers) > 5 + ((round * 37) % 100))
  const asked = Date.now()
  daemon.signal('SIGTERM')
  if (round % 3 === 2) {
    await until('it to drain', 8000, () => daemon.log.some((line) => /"draining"/.test(line)))
    daemon.signal('SIGTERM')
  }
  const end = await within('the exit', 8000, daemon.exited)
  assert.deepEqual(end, { code: 0, signal: null }, daemon.log.slice(-20).join('\n'))
  assert(Date.now() - asked < 8000 * SLOW)
  assert.equal((await within('the close', 5000, idle.closed)).code, 1001)
  await within('the clients', 10000, Promise.all(clients))
  return answers
}

const ROUNDS = Number(process.env.DRAIN_ROUNDS ?? 3)
test(`SIGTERM under load, ${ROUNDS} times: no request is lost, no answer, no order`, async (t) => {
  const accepted = []
  let asked = 0
  for (let round = 0; round < ROUNDS; round++) {
    const answers = await drainUnderLoad(round)
    const rows = await world.sql(`SELECT client_order_id AS name FROM orders
      WHERE client_order_id LIKE 'round${round}-%'`)
    const stored = new Set(rows.map((row) => row.name))
    asked += answers.size
    for (const [name, { status, json, end }] of answers) {
      assert([201, 503].includes(status), `${name}: ${status ?? `no answer, ${end}`}, ${stored.has(name) ? '' : 'not '}stored`)
      if (status === 201) accepted.push(json.orderId)
      if (status === 201) assert(stored.has(name), `${name}: answered 201 and not stored`)
    }
  }
  t.diagnostic(`${asked} requests, ${accepted.length} orders accepted, none without an answer`)
  const last = await world.start({ env: { SWAP_DELAY_MS: '0' } })
  await until('every order to end', 60000 + ROUNDS * 2000, async () => {
    const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase < 2')
    return n === 0
  })
  await world.auditSwaps(accepted)
  await last.stop()
})

test('an idle daemon ends at once on SIGTERM and on SIGINT', async () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const daemon = await world.start()
    daemon.signal(signal)
    assert.deepEqual(await within('the exit', 3000, daemon.exited), { code: 0, signal: null })
  }
})

test('one that still waits to bring the schema forward ends at once', async () => {
  await (await world.start()).stop()
  const held = world.exec(`SELECT pg_advisory_lock(hashtext('ox schema_migrations')), pg_sleep(60)`)
  const locks = (granted) =>
    world.sql(`SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted = ${granted}
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`)
  await until('the lock to be held', 5000, async () => (await locks(true)).length === 1)
  const [{ pid }] = await locks(true)
  for (const [i, signal] of ['SIGTERM', 'SIGINT'].entries()) {
    const daemon = await world.start({ role: 'worker' })
    // PostgreSQL lets who has gone wait for the lock all the same.
    await until('it to wait', 10000, async () => (await locks(false)).length === i + 1)
    daemon.signal(signal)
    assert.deepEqual(await within('the exit', 3000, daemon.exited), { code: 0, signal: null })
  }
  await world.exec(`SELECT pg_terminate_backend(${pid})`)
  await assert.rejects(held)
})

test('SIGTERM over and over: it ends in good order all the same', async () => {
  const daemon = await world.start()
  await daemon.execute()
  const again = setInterval(() => daemon.signal('SIGTERM'), 1)
  const end = await within('the exit', 5000, daemon.exited)
  clearInterval(again)
  assert.deepEqual(end, { code: 0, signal: null })
})
