// What the end-to-end tests share: a world (a database and a Redis prefix of its own for each test file),
// daemons in it, and clients. Waiting is polling with a deadline. Everything started is stopped by its pid.
import assert from 'node:assert/strict'
import { spawn, execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import net from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import WebSocket from 'ws'
import { assertClosed, assertDocumented, assertMessage } from './contract.mjs'

const run = promisify(execFile)
export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
export const OXD = process.env.OXD ?? path.join(ROOT, 'build/oxd')
export const SLOW = Number(process.env.SLOW ?? 1) // under sanitizers everything takes longer
export const SWAP_STATES = ['pending', 'routing', 'building', 'submitted', 'confirmed']
// Prices are drawn anew for each attempt; with so much slippage none is below the first one's floor.
export const SWAP = { tokenIn: 'SOL', tokenOut: 'USDC', amount: 1.5, slippage: 0.1 }

export async function until(what, ms, probe) {
  const deadline = Date.now() + ms * SLOW
  for (;;) {
    const value = await probe()
    if (value) return value
    if (Date.now() > deadline) throw new Error(`waited ${ms * SLOW} ms for: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

export function within(what, ms, promise) {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${ms * SLOW} ms for: ${what}`)), ms * SLOW)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

// ── the world ────────────────────────────────────────────────────────────────────────────────────

const otherDatabase = (url, name) =>
  url.replace(
    /^(postgres(?:ql)?:\/\/[^/?]*)(?:\/[^?]*)?(\?.*)?$/,
    (_, head, query) => `${head}/${name}${query ?? ''}`
  )

async function psql(url, query) {
  const options = { maxBuffer: 64 << 20 } // ten thousand histories are more than the default
  const { stdout } = await run('psql', ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', url, '-c', query], options)
  return stdout.trim()
}

// server is the URL of a PostgreSQL of the test's own, where it is to be broken.
export async function createWorld(env = {}, server = process.env.DATABASE_URL) {
  assert(server && process.env.REDIS_URL, 'run me under scripts/servers.sh tmp -- …')
  const name = `ox_e2e_${randomBytes(6).toString('hex')}`
  await psql(server, `CREATE DATABASE ${name}`)
  const url = otherDatabase(server, name)
  return new World(name, {
    DATABASE_URL: url,
    REDIS_URL: process.env.REDIS_URL,
    REDIS_KEY_PREFIX: name,
    QUEUE_RATE_LIMIT: '0',
    QUOTE_DELAY_MS: '5',
    SWAP_DELAY_MS: '20-30',
    SIM_SEED: '7',
    LOG_LEVEL: 'info',
    ...env
  })
}

class World {
  constructor(name, env) {
    this.name = name
    this.env = env
    this.daemons = []
  }

  // sql() gives the rows of a SELECT as objects.
  async sql(query) {
    const rows = await psql(
      this.env.DATABASE_URL,
      `SELECT coalesce(json_agg(r), '[]') FROM (${query}) r`
    )
    return JSON.parse(rows)
  }

  // audit() has PostgreSQL note every move of an order's row from now on, as for the checker of tests/chaos.
  async audit() {
    await psql(
      this.env.DATABASE_URL,
      await readFile(new URL('../chaos/audit.sql', import.meta.url), 'utf8')
    )
  }

  // clock() is PostgreSQL's, in ms.
  async clock() {
    const [{ now }] = await this.sql('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS now')
    return Number(now)
  }

  exec(command) {
    return psql(this.env.DATABASE_URL, command)
  }

  // start() runs a daemon and waits until it is ready (roles with an API), or until its process runs.
  async start({ role, port = 0, env = {}, args = [], under = [] } = {}) {
    const all = { ...this.env, PORT: String(port), ...env }
    const daemon = new Daemon(role ?? 'all', args, all, OXD, under)
    this.daemons.push(daemon)
    if (role === 'worker') return daemon
    await daemon.listening()
    await until('readyz', 10000, async () => (await daemon.get('/readyz')).status === 200)
    return daemon
  }

  // client() runs oxd client and gives what it printed; addClient() gives {id, secret} of a new one.
  async client(...args) {
    const env = { PATH: process.env.PATH, ...sanitizerOptions(), ...this.env }
    return (await run(OXD, ['client', ...args], { env })).stdout
  }

  async addClient(name, scopes = 'orders:read,orders:write') {
    const made = JSON.parse(await this.client('add', name, '--scopes', scopes))
    return { id: made.client_id, secret: made.client_secret }
  }

  async destroy() {
    for (const daemon of this.daemons) await daemon.kill()
    const server = otherDatabase(this.env.DATABASE_URL, 'postgres')
    await psql(server, `DROP DATABASE IF EXISTS ${this.name} WITH (FORCE)`)
  }

  // events() are an order's events as PostgreSQL has them, oldest first.
  events(orderId) {
    return this.sql(`SELECT seq, status, attempt, at FROM order_events
                     WHERE order_id = '${ulidToUuid(orderId)}' ORDER BY seq`)
  }

  // auditSwaps() is the independent check: each order confirmed once, its history without holes, and
  // exactly one landed transaction for it in the venues' own book.
  async auditSwaps(orderIds) {
    const histories = await this.sql(`SELECT order_id AS id, json_agg(seq ORDER BY seq) AS seqs,
      json_agg(status ORDER BY seq) AS states, json_agg(data -> 'error' ORDER BY seq) AS errors
      FROM order_events GROUP BY order_id`)
    const entries = await this.sql(`SELECT order_id AS id, count(*)::int AS n FROM sim.ledger
      WHERE landed GROUP BY order_id`)
    const found = new Map(histories.map((row) => [row.id, row]))
    const landed = new Map(entries.map((row) => [row.id, row.n]))
    for (const id of orderIds) {
      const { seqs, states, errors } = found.get(ulidToUuid(id))
      const history = `${states.join(' ')} ${JSON.stringify(errors.filter(Boolean))}`
      assert.deepEqual(
        seqs,
        seqs.map((_, i) => i + 1),
        `${id}: seq has holes`
      )
      assert.equal(states.filter((s) => s === 'confirmed').length, 1, `${id}: confirmed once: ${history}`)
      assert.equal(states.at(-1), 'confirmed', `${id}: ends confirmed: ${history}`)
      assert.equal(landed.get(id), 1, `${id}: landed once in the venues' ledger`)
    }
  }

  // assertInTurn() is for orders of one group: each began after the one before it had ended, by what PostgreSQL
  // and the venues wrote down.
  async assertInTurn(ids) {
    const list = ids.map((id) => `'${ulidToUuid(id)}'`).join()
    const rows = await this.sql(`SELECT order_id AS id, min(at) FILTER (WHERE seq > 1) AS began,
      max(at) AS ended FROM order_events WHERE order_id IN (${list}) GROUP BY 1`)
    const book = await this.sql(`SELECT order_id AS id, submitted_at AS at FROM sim.ledger`)
    const of = new Map(rows.map((row) => [row.id, row]))
    const runs = ids.map((id) => ({ id, ...of.get(ulidToUuid(id)) }))
    for (const [i, run] of runs.entries()) {
      if (i > 0) assert(runs[i - 1].ended <= run.began, `${run.id} began before the one before it ended`)
      for (const sent of book.filter((l) => l.id === run.id))
        assert(run.began <= sent.at && sent.at <= run.ended, `${run.id} was sent out of its turn`)
    }
  }
}

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

// ulidToUuid() gives the uuid that PostgreSQL stores for ord_ + ULID.
export function ulidToUuid(orderId) {
  let n = 0n
  for (const c of orderId.slice(4)) n = n * 32n + BigInt(CROCKFORD.indexOf(c.toUpperCase()))
  const hex = n.toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

// ── daemons ──────────────────────────────────────────────────────────────────────────────────────

// under is a command that becomes the daemon: prlimit, say.
export class Daemon {
  constructor(role, args, env, oxd = OXD, under = []) {
    const command = role === 'all' ? ['serve'] : ['serve', '--role', role]
    const [file, ...argv] = [...under, oxd, ...command, ...args]
    this.role = role
    this.log = []
    this.process = spawn(file, argv, {
      cwd: ROOT,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...sanitizerOptions(), ...env },
      stdio: ['ignore', 'ignore', 'pipe']
    })
    this.pid = this.process.pid
    this.exited = new Promise((resolve) => {
      this.process.on('exit', (code, signal) => resolve({ code, signal }))
      this.process.on('error', (error) => resolve({ code: -1, signal: error.message }))
    })
    this.port = new Promise((resolve) => this.#readLog(resolve))
  }

  #readLog(onPort) {
    createInterface({ input: this.process.stderr }).on('line', (line) => {
      this.log.push(line)
      if (!line.startsWith('{')) return
      const entry = JSON.parse(line)
      if (entry.msg === 'listening') onPort(entry.port)
    })
  }

  async listening() {
    const port = await within(
      `${this.role} to listen`,
      20000,
      Promise.race([this.port, this.exited])
    ).catch((late) => {
      throw new Error(`${late.message}; its log:\n${this.log.join('\n')}`)
    })
    assert.equal(typeof port, 'number', `oxd ${this.role} ended early:\n${this.log.join('\n')}`)
    this.portNumber = port
    this.url = `http://127.0.0.1:${port}`
  }

  get running() {
    return this.process.exitCode === null && this.process.signalCode === null
  }

  signal(name) {
    if (this.running) this.process.kill(name)
  }

  // stop() asks it to end and expects that it does so cleanly.
  async stop(ms = 30000) {
    this.signal('SIGTERM')
    const end = await within(`${this.role} to end after SIGTERM`, ms, this.exited)
    assert.deepEqual(end, { code: 0, signal: null }, this.log.slice(-20).join('\n'))
  }

  async kill() {
    this.signal('SIGKILL')
    await this.exited
  }

  get(target, options) {
    return request(this.url + target, options)
  }

  post(target, body, headers = {}) {
    return request(this.url + target, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body)
    })
  }

  put(target, body) {
    return request(this.url + target, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body)
    })
  }

  // login() asks for a token; token() expects that it gets one.
  login(client, form = {}, headers = {}) {
    const body = { grant_type: 'client_credentials', client_id: client.id, client_secret: client.secret, ...form }
    return request(this.url + '/oauth/token', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams(Object.entries(body).filter(([, value]) => value !== undefined)).toString()
    })
  }

  async token(client, scope) {
    const answer = await this.login(client, { scope })
    assert.equal(answer.status, 200, answer.text)
    return answer.json.access_token
  }

  // setFaults() replaces the faults of the mock venues, in every process.
  async setFaults(...faults) {
    const answer = await this.put('/api/sim/faults', { faults })
    assert.equal(answer.status, 200, answer.text)
  }

  // ledger() pages through the venues' own book.
  async ledger(orderId) {
    const entries = []
    for (let cursor = ''; cursor !== null;) {
      const query = new URLSearchParams({ limit: '200' })
      if (orderId) query.set('orderId', orderId)
      if (cursor) query.set('cursor', cursor)
      const { status, json, text } = await this.get(`/api/sim/ledger?${query}`)
      assert.equal(status, 200, text)
      entries.push(...json.entries)
      cursor = json.nextCursor
    }
    return entries
  }

  // audit() holds ended orders against the venues' book: tokens moved once for each confirmed one, as it
  // says, and for no other; and what the orders gave and got is, token by token, what the venues took and
  // gave.
  async audit(orderIds) {
    const landed = (await this.ledger()).filter((e) => e.landed && orderIds.includes(e.orderId))
    const moved = new Map() // by token: what the venues have more than before
    const add = (token, amount) => moved.set(token, (moved.get(token) ?? 0n) + BigInt(amount))
    for (const id of orderIds) {
      const { json: order } = await this.get(`/api/orders/${id}`)
      const own = landed.filter((e) => e.orderId === id)
      assert.equal(own.length, order.status === 'confirmed' ? 1 : 0, `${id} is ${order.status}`)
      if (own.length === 0) continue
      for (const key of ['txHash', 'inAmount', 'outAmount'])
        assert.equal(own[0][key], order[key], `${id}: ${key}`)
      assert.equal(own[0].venue, order.dex)
      add(order.tokenIn, own[0].inAmount)
      add(order.tokenIn, -BigInt(order.inAmount))
      add(order.tokenOut, -BigInt(own[0].outAmount))
      add(order.tokenOut, order.outAmount)
    }
    for (const [token, sum] of moved) assert.equal(sum, 0n, `${token} was made or lost`)
  }

  // execute() places a swap, which must be accepted, and gives its id.
  async execute(order = SWAP) {
    const answer = await this.post('/api/orders/execute', order)
    assert.equal(answer.status, 201, answer.text)
    return answer.json.orderId
  }

  async ended(orderId, ms = 20000) {
    return until(`${orderId} to end`, ms, async () => {
      const { json } = await this.get(`/api/orders/${orderId}`)
      return ['succeeded', 'failed', 'cancelled'].includes(json?.phase) && json
    })
  }
}

const sanitizerOptions = () =>
  Object.fromEntries(
    Object.entries(process.env).filter(([name]) => /^[A-Z]+SAN_OPTIONS$/.test(name))
  )

// ── clients ──────────────────────────────────────────────────────────────────────────────────────

// redisCli() speaks to the Redis that the worlds share.
export const redisCli = async (...args) =>
  (await run('redis-cli', ['-u', process.env.REDIS_URL, ...args])).stdout.trim()

// request() also holds the answer against the documents.
export async function request(url, options) {
  const answer = await fetch(url, { redirect: 'manual', ...options })
  const text = await answer.text()
  const type = answer.headers.get('content-type') ?? ''
  const given = {
    status: answer.status,
    headers: answer.headers,
    type,
    text,
    json: /json/.test(type) && text ? JSON.parse(text) : undefined
  }
  assertDocumented(options?.method ?? 'GET', url, given)
  return given
}

export const executePath = (orderId, since) =>
  '/api/orders/execute' +
  (orderId ? `?orderId=${orderId}` + (since === undefined ? '' : `&since=${since}`) : '')

// Listener keeps every message of one WebSocket. It never drops any: what a test sees is what was sent. Each is
// held against the documents.
export class Listener {
  constructor(url, options) {
    this.messages = []
    const channel = url.includes('orderId=') ? 'watch' : 'feed'
    this.socket = new WebSocket(url.replace(/^http/, 'ws'), {
      perMessageDeflate: false,
      ...options
    })
    this.opened = new Promise((resolve, reject) => {
      this.socket.on('open', resolve)
      this.socket.on('error', reject)
      this.socket.on('unexpected-response', (_, answer) => {
        reject(
          Object.assign(new Error(`refused: ${answer.statusCode}`), { status: answer.statusCode })
        )
        this.socket.terminate() // else it never closes
      })
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) => {
      this.socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
    }).then((end) => {
      assertClosed(channel, end.code)
      return end
    })
    this.socket.on('message', (data, isBinary) => {
      assert.equal(isBinary, false)
      const message = JSON.parse(String(data))
      assertMessage(channel, message.type ?? 'event', message)
      this.messages.push(message)
    })
  }

  send(message) {
    this.socket.send(typeof message === 'string' ? message : JSON.stringify(message))
  }

  eventsOf(orderId) {
    return this.messages.filter(
      (m) => m.orderId === orderId && m.seq !== undefined && m.type === undefined
    )
  }

  find(what, probe, ms = 10000) {
    return until(what, ms, () => this.messages.find(probe))
  }

  close() {
    this.socket.close()
    return this.closed
  }
}

export const watch = (daemon, orderId, since) =>
  new Listener(daemon.url + executePath(orderId, since))

// assertHistory() checks the events of one order as a client saw them: from since + 1 on, no hole, none
// twice, in order.
export function assertHistory(events, states, since = 0) {
  assert.deepEqual(
    events.map((e) => e.status),
    states.slice(since)
  )
  assert.deepEqual(
    events.map((e) => e.seq),
    states.slice(since).map((_, i) => since + i + 1)
  )
}

// RawConnection is a bare TCP connection, for what no HTTP client would send. Its answers, too, are held against the
// documents.
export class RawConnection {
  constructor(daemon, options = {}) {
    this.received = Buffer.alloc(0)
    this.sent = ''
    this.answers = 0
    this.socket = net.connect({ host: '127.0.0.1', port: daemon.portNumber, ...options })
    this.socket.on('data', (data) => (this.received = Buffer.concat([this.received, data])))
    this.socket.on('error', () => {}) // a reset is an end like any other
    this.opened = new Promise((resolve) => this.socket.once('connect', resolve))
    this.ended = new Promise((resolve) => this.socket.once('close', resolve))
  }

  write(data) {
    this.sent += Buffer.from(data).toString('latin1')
    this.socket.write(data)
    return this
  }

  // answer() waits for one whole HTTP answer, takes it off the stream and gives it.
  async answer(ms = 10000) {
    const parsed = await until('an HTTP answer', ms, () => this.#parse())
    this.received = this.received.subarray(parsed.size)
    if (parsed.status >= 200) this.#check(parsed, this.answers++)
    return parsed
  }

  // The nth answer is the nth request line's, if that is one.
  #check({ status, head, body }, n) {
    const asked = [...this.sent.matchAll(/([A-Z]+) (\/\S*) HTTP\/1\.[01]\r\n/g)][n]
    if (!asked) return
    const lines = head.split('\r\n').slice(1)
    const headers = new Headers(lines.map((line) => line.match(/^([^:]+):\s*(.*)$/).slice(1)))
    const type = headers.get('content-type') ?? ''
    const json = /json/.test(type) && body ? JSON.parse(body) : undefined
    assertDocumented(asked[1], new URL(asked[2], 'http://localhost'), { status, headers, type, text: body, json })
  }

  #parse() {
    const end = this.received.indexOf('\r\n\r\n')
    if (end < 0) return null
    const head = this.received.subarray(0, end).toString('latin1')
    const status = Number(head.slice(9, 12))
    const length = status === 101 ? 0 : Number(/^content-length: *(\d+)/im.exec(head)?.[1] ?? 0)
    if (this.received.length < end + 4 + length) return null
    const body = this.received.subarray(end + 4, end + 4 + length).toString()
    return { status, head, body, size: end + 4 + length }
  }

  // frames() are the whole unmasked WebSocket frames received so far.
  frames() {
    const out = []
    for (let at = 0; at + 2 <= this.received.length;) {
      const opcode = this.received[at] & 15
      let length = this.received[at + 1] & 127
      let head = 2
      if (length === 126) {
        length = this.received.readUInt16BE(at + 2)
        head = 4
      }
      if (at + head + length > this.received.length) break
      out.push({ opcode, payload: this.received.subarray(at + head, at + head + length) })
      at += head + length
    }
    return out
  }

  destroy() {
    this.socket.destroy()
    return this.ended
  }
}

export const rawRequest = (method, target, headers = {}, body = '') =>
  [
    `${method} ${target} HTTP/1.1`,
    'Host: localhost',
    ...Object.entries(headers).map(([k, v]) => `${k}: ${v}`),
    '',
    body
  ].join('\r\n')

export const upgradeHeaders = () => ({
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': randomBytes(16).toString('base64')
})

// assertProblem() checks an RFC 9457 answer, and that it lists each of pointers.
export function assertProblem(answer, status, pointers = []) {
  assert.equal(answer.status, status, answer.text)
  assert.match(answer.type, /^application\/problem\+json/)
  const problem = answer.json
  assert.equal(problem.status, status)
  for (const key of ['type', 'title', 'detail', 'code', 'requestId'])
    assert.equal(typeof problem[key], 'string', `${key} in ${answer.text}`)
  assert.match(problem.code, /^[A-Z][A-Z0-9_]*$/)
  assert.equal(typeof problem.retryable, 'boolean')
  assert.equal(answer.headers.get('x-request-id'), problem.requestId)
  const listed = (problem.errors ?? []).map((e) => e.pointer)
  for (const pointer of pointers)
    assert(listed.includes(pointer), `no error for ${pointer} in ${answer.text}`)
  for (const error of problem.errors ?? []) {
    assert.match(error.code, /^[A-Z][A-Z0-9_]*$/)
    assert(error.detail.length > 0)
  }
  return problem
}

// freePort() is a port that was free a moment ago, for servers that cannot choose one themselves.
export function freePort() {
  return new Promise((resolve) => {
    const server = net.createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

// startRedis() is a Redis of a test's own, to be wiped or stopped at will.
export async function startRedis(port) {
  port ??= await freePort()
  const child = spawn(
    'redis-server',
    ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'],
    { stdio: 'ignore', cwd: '/tmp' }
  )
  const exited = new Promise((resolve) => child.on('exit', resolve))
  const cli = async (...args) =>
    (await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...args])).stdout.trim()
  await until('Redis to answer', 5000, () =>
    cli('ping').then(
      (pong) => pong === 'PONG',
      () => false
    )
  )
  return {
    url: `redis://127.0.0.1:${port}`,
    cli,
    signal: (name) => child.kill(name),
    stop: () => {
      child.kill('SIGTERM')
      return exited
    }
  }
}
