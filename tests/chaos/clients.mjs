// The clients of a cycle: they place orders, listen, come back when they are cut off, and write down all
// that they were told. Their log is the first of the checker's records.
import http from 'node:http'
import { executePath, Listener } from '../e2e/lib.mjs'

const SOCKETS = 16 // to a process, at least
const ANSWER_MS = 20000 // after this a client calls it a hang
const BEAT_MS = 2000 // a listener asks this often whether the server is there
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export class Http {
  constructor(maxSockets) {
    this.agent = new http.Agent({ keepAlive: true, maxSockets })
  }

  // send() gives the answer, or throws when there was none.
  send(port, method, target, headers = {}, body) {
    return new Promise((resolve, reject) => {
      const began = Date.now()
      const request = http.request(
        { host: '127.0.0.1', port, method, path: target, headers, agent: this.agent },
        (answer) => {
          const parts = []
          answer.on('data', (part) => parts.push(part))
          answer.on('error', reject)
          answer.on('end', () => {
            if (!answer.complete) return reject(new Error('the answer was cut off'))
            const text = Buffer.concat(parts).toString()
            resolve({ status: answer.statusCode, headers: answer.headers, text, began })
          })
        }
      )
      request.setTimeout(ANSWER_MS, () => request.destroy(new Error(`no answer in ${ANSWER_MS} ms`)))
      request.on('error', reject)
      request.end(body)
    })
  }

  close() {
    this.agent.destroy()
  }
}

// One order as its client knows it: what it asked for, and every answer it got.
class Placed {
  constructor(n, body, headers) {
    Object.assign(this, { n, body, headers, answers: [], failures: 0, orderId: null, ackedAt: null })
  }

  get keyed() {
    return 'idempotency-key' in this.headers || this.body.includes('clientOrderId')
  }
}

export const GROUPS = 3 // of which every fourth order is in one
const SLIPPAGES = [0.01, 0.01, 0.01, 0.003, 0.001] // the landing price is up to half a percent off

export class Clients {
  constructor({ random, note, ports, orders, burst, everyMs, follow }) {
    Object.assign(this, { random, note, ports, burst, everyMs, follow })
    this.http = new Http(Math.max(burst, SOCKETS))
    this.placed = []
    this.followers = []
    this.giveUp = false
    for (let n = 0; n < orders; n++) this.placed.push(this.#draw(n))
  }

  #draw(n) {
    const r = this.random
    const order = {
      tokenIn: 'SOL',
      tokenOut: 'USDC',
      amount: r.int(1, 400) / 100,
      slippage: r.pick(SLIPPAGES)
    }
    const headers = { 'content-type': 'application/json' }
    const kind = r.next()
    if (kind < 0.6) headers['idempotency-key'] = `key-${n}`
    if (kind > 0.4 && kind < 0.85) order.clientOrderId = `own-${n}`
    if (n % 4 === 0) order.groupId = `group-${(n / 4) % GROUPS}`
    return new Placed(n, JSON.stringify(order), headers)
  }

  get acknowledged() {
    return this.placed.filter((p) => p.orderId)
  }

  // run() places all orders, and resolves when every client knows, or gave up.
  async run() {
    const clients = []
    for (const placed of this.placed) {
      clients.push(this.#place(placed))
      if ((placed.n + 1) % this.burst) continue
      await sleep(this.burst * this.everyMs * (0.5 + this.random.next()))
    }
    await Promise.all(clients)
  }

  // A client with a name for its order asks until it knows; one without asks once.
  async #place(placed) {
    const at = placed.n % this.ports.length
    do {
      await this.#try(placed, this.ports[(at + placed.failures) % this.ports.length])
      if (placed.orderId || !placed.keyed) break
      await sleep(50 + this.random.int(0, 100))
    } while (!this.giveUp)
  }

  async #try(placed, port) {
    try {
      const answer = await this.http.send(
        port(),
        'POST',
        '/api/orders/execute',
        placed.headers,
        placed.body
      )
      this.take(placed, answer)
    } catch (error) {
      placed.failures++
      this.note('client', `order ${placed.n}: no answer: ${error.message}`)
    }
  }

  take(placed, answer) {
    const { status, text, headers, began } = answer
    const replayed = headers['idempotent-replayed'] === 'true'
    placed.answers.push({ status, text, replayed, headers, began, ms: Date.now() - began })
    if (status !== 201) placed.failures++
    if (status !== 201 || placed.orderId) return
    placed.orderId = JSON.parse(text).orderId
    placed.ackedAt = Date.now()
    this.note('client', `order ${placed.n} acknowledged`, placed.orderId)
    if (this.random.chance(this.follow)) this.#follow(placed.orderId)
  }

  #follow(orderId) {
    const follower = new Follower(this, orderId)
    this.followers.push(follower)
    follower.done = follower.run()
  }

  // replay() asks once more for what was acknowledged: the same body, or another with the same key. Over new
  // connections: of the old ones some may be half open, which nobody has told us.
  async replay() {
    this.http.close()
    this.http = new Http(SOCKETS)
    const keyed = this.acknowledged.filter((p) => p.keyed)
    for (const placed of keyed) {
      const port = this.random.pick(this.ports)()
      const target = '/api/orders/execute'
      this.take(placed, await this.http.send(port, 'POST', target, placed.headers, placed.body))
      if (!this.random.chance(0.2)) continue
      const other = placed.body.replace('"SOL"', '"RAY"')
      placed.other = await this.http.send(port, 'POST', target, placed.headers, other)
    }
  }

  async close() {
    for (const follower of this.followers) follower.stop()
    this.http.close()
  }
}

// Follower listens to one order until it has ended, through any number of lost connections. Now and then
// it leaves by itself, in the middle of the replay, or does not read for a while.
export class Follower {
  constructor(clients, orderId) {
    Object.assign(this, { clients, orderId, sessions: [], ended: false, stopped: false })
    this.last = 0
    this.whim = clients.random.next()
  }

  async run() {
    while (!this.ended && !this.stopped) {
      const session = { began: Date.now(), since: this.last, events: [], code: null }
      this.sessions.push(session)
      await this.#listen(session)
      if (!this.ended) await sleep(30 + this.clients.random.int(0, 100))
    }
  }

  async #listen(session) {
    const port = this.clients.random.pick(this.clients.ports)()
    const listener = new Listener(
      `http://127.0.0.1:${port}${executePath(this.orderId, session.since)}`,
      { handshakeTimeout: 3000 }
    )
    this.listener = listener
    session.events = listener.messages
    listener.opened.then(
      () => {
        this.#beat(listener.socket)
        this.#be(listener)
      },
      (error) => {
        session.refused = error.status
        listener.socket.terminate() // an answer that is no upgrade leaves the connection to us
      }
    )
    const { code } = await listener.closed
    session.code = code
    this.last = session.events.at(-1)?.seq ?? session.since
    this.ended = code === 1000
  }

  // A connection with nobody behind it says nothing: whoever listens has to ask.
  #beat(socket) {
    let heard = true
    socket.on('pong', () => (heard = true))
    const timer = setInterval(() => {
      if (!heard) socket.terminate()
      else socket.ping()
      heard = false
    }, BEAT_MS)
    socket.on('close', () => clearInterval(timer))
  }

  #be(listener) {
    if (this.whim < 0.15) {
      this.whim = 1
      listener.socket.terminate()
    } else if (this.whim < 0.25) {
      listener.socket.pause()
      setTimeout(() => listener.socket.resume(), 700)
    }
  }

  stop() {
    this.stopped = true
    this.listener?.socket.terminate()
  }
}
