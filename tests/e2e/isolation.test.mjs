// Nobody reads or moves an order that is not theirs: two clients, every route, every stream. And what opens
// a stream ends: tokens, tickets, clients.
import assert from 'node:assert/strict'
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import {
  Listener,
  ROOT,
  SWAP,
  assertProblem,
  createWorld,
  executePath,
  request,
  startRedis,
  until,
  within
} from './lib.mjs'

const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
const ORIGIN = 'https://desk.example'
let world, ox, second, ann, ben, root, order
before(async () => {
  world = await createWorld({ AUTH: 'required', JWT_SECRET, CORS_ORIGINS: ORIGIN })
  ox = await world.start()
  second = await world.start({ role: 'api' })
  ann = as(forge('cli_ann'))
  ben = as(forge('cli_ben'))
  root = as(forge('cli_root', { scope: 'orders:read orders:write admin' }))
  order = await place(ann, { clientOrderId: 'mine' })
})
after(() => world.destroy())

const as = (token) => ({ authorization: `Bearer ${token}` })
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

function forge(sub, claims = {}) {
  const exp = Math.floor(Date.now() / 1000) + 600
  const whole = { iss: 'ox', aud: 'ox', sub, scope: 'orders:read orders:write', exp, ...claims }
  const text = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64(whole)}`
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`
}

async function place(headers, more = {}) {
  const answer = await ox.post('/api/orders/execute', { ...SWAP, ...more }, headers)
  assert.equal(answer.status, 201, answer.text)
  return answer.json.orderId
}

const listen = (daemon, target, headers) => new Listener(daemon.url + target, { headers })

async function refusal(daemon, target, headers) {
  const listener = listen(daemon, target, headers)
  const error = await listener.opened.then(
    () => assert.fail(`${target} was opened`),
    (reason) => reason
  )
  return error.status
}

async function ticketOf(headers, daemon = ox) {
  const answer = await daemon.get('/api/tickets', { method: 'POST', headers })
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.expires_in, 30)
  assert.match(answer.json.ticket, /^tkt_[\w-]{43}$/)
  return answer.json.ticket
}

// ── orders ───────────────────────────────────────────────────────────────────────────────────────

const TABLE = readFileSync(path.join(ROOT, 'src/http/routes.c'), 'utf8')
const OF_ONE_ORDER = [...TABLE.matchAll(/^ *\{"(\w+)", "([^"]*orders\/:id[^"]*)",[^,]+, SCOPE_(READ|WRITE)\b/gm)]

test("another client's order is as one that never was, on every route, by either id", async () => {
  assert(OF_ONE_ORDER.length >= 4)
  for (const [, method, pattern] of OF_ONE_ORDER)
    for (const id of [order, 'mine']) {
      const options = (headers) => ({
        method,
        headers: { 'content-type': 'application/json', ...headers },
        body: method === 'PUT' ? '{"status":"PROCESSING"}' : undefined
      })
      const foreign = await ox.get(pattern.replace(':id', id), options(ben))
      const admins = await ox.get(pattern.replace(':id', id), options(root))
      const unknown = await ox.get(pattern.replace(':id', 'never-was'), options(ben))
      for (const answer of [foreign, admins, unknown]) {
        const problem = assertProblem(answer, 404)
        assert.deepEqual({ ...problem, requestId: '' }, { ...unknown.json, requestId: '' }, `${method} ${pattern}`)
      }
    }
  const { status, json } = await ox.get(`/api/orders/${order}`, { headers: ann })
  assert.equal(status, 200)
  assert.notEqual(json.phase, 'cancelled')
})

test("a shipment is seen by whose order it is, and by nobody else", async () => {
  const parcel = { user_id: 'u-1', item_ids: ['a'], total_amount: 1 }
  const placed = await ox.post('/api/orders', parcel, ann)
  assert.equal(placed.status, 201, placed.text)
  const id = placed.json.orderId.replace('ord_', 'shp_')
  const seen = (headers, daemon = ox) => daemon.get(`/api/shipments/${id}`, { headers })
  await until('it to be made', 10000, async () => (await seen(ann)).status === 200)
  assert.equal((await seen(ann, second)).json.orderId, placed.json.orderId)
  for (const daemon of [ox, second]) {
    const problem = assertProblem(await seen(ben, daemon), 404)
    const never = await daemon.get('/api/shipments/shp_01ARZ3NDEKTSV4RRFFQ69G5FAV', { headers: ben })
    assert.equal(assertProblem(never, 404).code, problem.code)
    assert.equal(problem.detail, never.json.detail)
    assertProblem(await seen(root, daemon), 404)
  }
})

test('a name and an idempotency key are of one client', async () => {
  const bens = await place(ben, { clientOrderId: 'mine', amount: 2 })
  assert.notEqual(bens, order)
  const { json } = await ox.get('/api/orders/mine', { headers: ben })
  assert.equal(json.orderId, bens)
  const key = { 'idempotency-key': 'key-1' }
  const first = await ox.post('/api/orders/execute', SWAP, { ...ann, ...key })
  const other = await ox.post('/api/orders/execute', { ...SWAP, amount: 3 }, { ...ben, ...key })
  const again = await ox.post('/api/orders/execute', SWAP, { ...ann, ...key })
  assert.deepEqual([first.status, other.status, again.status], [201, 201, 201])
  assert.notEqual(first.json.orderId, other.json.orderId)
  assert.equal(again.json.orderId, first.json.orderId)
  const stranger = await ox.post('/api/orders/execute', { clientOrderId: 'mine' }, as(forge('cli_eve')))
  assertProblem(stranger, 400) // neither replayed nor refused as another body
})

test('a client pages through its own orders, and a cursor of another is none', async () => {
  const pam = as(forge('cli_pam'))
  const placed = []
  for (let i = 0; i < 5; i++) placed.push(await place(pam))
  const page = async (headers, cursor) =>
    ox.get(`/api/orders?limit=2${cursor ? `&cursor=${cursor}` : ''}`, { headers })
  const seen = []
  let cursor
  do {
    const answer = await page(pam, cursor)
    assert.equal(answer.status, 200, answer.text)
    seen.push(...answer.json.orders.map((o) => o.orderId))
    if (cursor) assert.equal(assertProblem(await page(ben, cursor), 400).code, 'INVALID_CURSOR')
    cursor = answer.json.nextCursor
  } while (cursor)
  assert.deepEqual(seen, placed.reverse())
})

test('the admin sees dead letters, and the client its redriven order', async () => {
  const faults = await request(ox.url + '/api/sim/faults', {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...root },
    body: JSON.stringify({
      faults: ['raydium', 'meteora'].map((venue) => ({
        venue,
        kind: 'no_liquidity',
        probability: 1,
        nth: null,
        windowMs: null
      }))
    })
  })
  assert.equal(faults.status, 200, faults.text)
  const doomed = await place(ann)
  await until('the order to fail', 30000, async () => {
    const { json } = await ox.get(`/api/orders/${doomed}`, { headers: ann })
    return json.phase === 'failed'
  })
  await request(ox.url + '/api/sim/faults', {
    method: 'PUT',
    headers: { 'content-type': 'application/json', ...root },
    body: '{"faults":[]}'
  })
  assertProblem(await ox.get('/dlq', { headers: ann }), 403)
  const letters = await ox.get('/dlq', { headers: root })
  assert(letters.json.orders.some((o) => o.orderId === doomed))
  const redriven = await ox.get(`/dlq/${doomed}/redrive`, { method: 'POST', headers: root })
  assert.equal(redriven.status, 201, redriven.text)
  const { orderId } = redriven.json
  assert.equal((await ox.get(`/api/orders/${orderId}`, { headers: ann })).status, 200)
  for (const stranger of [ben, root])
    assertProblem(await ox.get(`/api/orders/${orderId}`, { headers: stranger }), 404)
})

// ── streams ──────────────────────────────────────────────────────────────────────────────────────

test('a stream opens for its own client alone', async () => {
  for (const daemon of [ox, second])
    for (const id of [order, 'mine'])
      assert.equal(await refusal(daemon, executePath(id), as(forge('cli_eve'))), 404)
  assert.equal(await refusal(ox, executePath(order), {}), 401)
  assert.equal(await refusal(ox, executePath(order), as(forge('cli_ann', { scope: 'admin' }))), 403)
  const origin = { ...ann, origin: 'https://evil.example' }
  assert.equal(await refusal(ox, executePath(order), origin), 403)
  const watching = listen(second, executePath(order), ann)
  assert.equal((await within('the end', 20000, watching.closed)).code, 1000)
  assert.equal(watching.eventsOf(order).at(-1).status, 'confirmed')
})

test('a socket for many orders has its own orders alone', async () => {
  const bens = listen(ox, executePath(), ben)
  await bens.opened
  const ask = async (message) => {
    bens.send(message)
    return bens.find(message.requestId, (m) => m.requestId === message.requestId)
  }
  const foreign = await ask({ action: 'subscribe', requestId: '1', orderId: order })
  const unknown = await ask({ action: 'subscribe', requestId: '2', orderId: 'never-was' })
  for (const answer of [foreign, unknown]) assert.equal(answer.error.code, 'ORDER_NOT_FOUND')
  const away = await ask({ action: 'unsubscribe', requestId: '3', orderId: order })
  assert.equal(away.error.code, 'NOT_SUBSCRIBED')
  const placed = await ask({ action: 'execute', requestId: '4', order: SWAP })
  const anns = await place(ann)
  await bens.find('the end', (m) => m.orderId === placed.orderId && m.phase === 'succeeded', 20000)
  await ox.get(`/api/orders/${anns}`, { headers: ann })
  assert(bens.messages.every((m) => m.orderId === undefined || m.orderId === placed.orderId))
  assertProblem(await ox.get(`/api/orders/${placed.orderId}`, { headers: ann }), 404)
  await bens.close()
})

// The text of GET /api/orders/stream so far, and whether it has ended.
async function follow(daemon, query, headers) {
  const leave = new AbortController()
  const url = `${daemon.url}/api/orders/stream${query}`
  const answer = await fetch(url, { headers, signal: leave.signal })
  assert.equal(answer.status, 200)
  const stream = { text: '', ended: false, leave: () => leave.abort() }
  const read = async () => {
    for await (const part of answer.body) stream.text += Buffer.from(part)
  }
  read().catch(() => {}).finally(() => (stream.ended = true))
  return stream
}

test('the stream of all events shows each client its own, and ends with the token', async () => {
  const short = as(forge('cli_ann', { exp: Math.floor(Date.now() / 1000) + 6 }))
  const anns = await follow(second, '?last_event_id=0-0', short)
  const bens = await follow(ox, `?ticket=${await ticketOf(ben)}`, {})
  const [hers, his] = [await place(ann), await place(ben)]
  await until('her order', 10000, () => anns.text.includes(hers))
  await until('his order', 10000, () => bens.text.includes(his))
  assert(anns.text.includes(order), 'her history, too')
  assert(!anns.text.includes(his) && !bens.text.includes(hers) && !bens.text.includes(order))
  await until('the end of the token', 20000, () => anns.ended)
  assert(!bens.ended)
  bens.leave()
})

test('who may only read places no order over a socket', async () => {
  const socket = listen(ox, executePath(), as(forge('cli_ann', { scope: 'orders:read' })))
  await socket.opened
  socket.send({ action: 'execute', requestId: 'e', order: { ...SWAP, clientOrderId: 'by-stealth' } })
  const answer = await socket.find('the refusal', (m) => m.requestId === 'e')
  assert.deepEqual([answer.type, answer.error.code, answer.error.status], ['error', 'INSUFFICIENT_SCOPE', 403])
  assertProblem(await ox.get('/api/orders/by-stealth', { headers: ann }), 404)
  socket.send({ action: 'subscribe', requestId: 's', orderId: order })
  assert.equal((await socket.find('the answer', (m) => m.requestId === 's')).type, 'subscribed')
  await socket.close()
})

test('sockets end with their token: 4001', async () => {
  const waiting = await place(ann, { type: 'limit', limitPrice: '999999' })
  const exp = Math.floor(Date.now() / 1000) + 3
  const short = as(forge('cli_ann', { exp }))
  const one = listen(ox, executePath(waiting), short)
  const many = listen(second, executePath(), short)
  const ticket = await ticketOf(short)
  const byTicket = listen(ox, `${executePath(waiting)}&ticket=${ticket}`)
  const stays = listen(ox, executePath(waiting), ann)
  await Promise.all([one, many, byTicket, stays].map((l) => l.opened))
  many.send({ action: 'subscribe', requestId: 's', orderId: waiting })
  for (const socket of [one, many, byTicket]) {
    const { code, reason } = await within('the close', 20000, socket.closed)
    assert.equal(code, 4001)
    assert.match(reason, /token/)
  }
  assert(Date.now() / 1000 >= exp)
  assert.equal(stays.socket.readyState, 1)
  assertProblem(await ox.get('/api/orders/stats', { headers: short }), 401)
  await ox.get(`/api/orders/${waiting}`, { method: 'DELETE', headers: ann })
  assert.equal((await within('the end', 20000, stays.closed)).code, 1000)
})

test('sockets end when their client is disabled: 4001', async () => {
  const client = await world.addClient('passing')
  const headers = as(await ox.token(client))
  const sockets = [listen(ox, executePath(), headers), listen(second, executePath(), headers)]
  await Promise.all(sockets.map((s) => s.opened))
  await world.client('disable', 'passing')
  for (const socket of sockets)
    assert.equal((await within('the close', 20000, socket.closed)).code, 4001)
})

// ── tickets ──────────────────────────────────────────────────────────────────────────────────────

test('a ticket opens one stream, once, whichever process', async () => {
  const ticket = await ticketOf(ann)
  const first = listen(second, `${executePath(order)}&ticket=${ticket}`)
  await first.opened
  assert.equal((await within('the end', 20000, first.closed)).code, 1000)
  for (const daemon of [ox, second])
    assert.equal(await refusal(daemon, `${executePath(order)}&ticket=${ticket}`), 401)
})

test('many at once: one gets in', async () => {
  const ticket = await ticketOf(ann)
  const target = `${executePath()}?ticket=${ticket}`
  const sockets = Array.from({ length: 20 }, (_, i) => listen(i % 2 ? ox : second, target))
  const ends = await Promise.all(
    sockets.map((s) =>
      s.opened.then(
        () => 101,
        (error) => error.status
      )
    )
  )
  assert.equal(ends.filter((end) => end === 101).length, 1, ends.join(' '))
  assert.equal(ends.filter((end) => end === 401).length, 19)
  await sockets[ends.indexOf(101)].close()
})

test('a ticket is of its client, and has the scopes of its token', async () => {
  assert.equal(await refusal(ox, `${executePath(order)}&ticket=${await ticketOf(ben)}`), 404)
  const reading = as(forge('cli_ann', { scope: 'orders:read' }))
  const socket = listen(ox, `${executePath()}?ticket=${await ticketOf(reading)}`)
  await socket.opened
  socket.send({ action: 'execute', requestId: 'e', order: SWAP })
  const answer = await socket.find('the refusal', (m) => m.requestId === 'e')
  assert.equal(answer.error.code, 'INSUFFICIENT_SCOPE')
  await socket.close()
  const only = await ox.get('/api/tickets', {
    method: 'POST',
    headers: as(forge('cli_ann', { scope: 'admin' }))
  })
  assertProblem(only, 403)
  assertProblem(await ox.get('/api/tickets', { method: 'POST' }), 401)
})

test('what is no ticket, and where none counts', async () => {
  for (const ticket of ['', 'x', 'tkt_', `tkt_${randomBytes(32).toString('base64url')}`, 'x'.repeat(500), '%zz'])
    assert.equal(await refusal(ox, `${executePath(order)}&ticket=${ticket}`), 401, ticket)
  const ticket = await ticketOf(ann)
  assertProblem(await ox.get(`/api/orders/${order}?ticket=${ticket}`), 401)
  assertProblem(await ox.get(`/api/tickets?ticket=${ticket}`, { method: 'POST' }), 401)
  assert.equal(await refusal(ox, `${executePath(order)}&ticket=${ticket}&ticket=${ticket}`), 401)
  const origin = { origin: 'https://evil.example' }
  assert.equal(await refusal(ox, `${executePath(order)}&ticket=${ticket}`, origin), 403)
})

test('a browser of an allowed origin opens a socket with a ticket', async () => {
  const target = `${executePath(order)}&ticket=${await ticketOf(ann)}`
  const socket = listen(ox, target, { origin: ORIGIN })
  assert.equal((await within('the end', 20000, socket.closed)).code, 1000)
})

test('a ticket gets too old, and is swept away', async () => {
  const ticket = await ticketOf(ann)
  await world.exec("UPDATE tickets SET expires_at = clock_timestamp() - interval '2 minutes'")
  assert.equal(await refusal(ox, `${executePath(order)}&ticket=${ticket}`), 401)
  await ticketOf(ann)
  await world.exec("UPDATE tickets SET expires_at = clock_timestamp() - interval '2 minutes'")
  await ticketOf(ann)
  assert.deepEqual(await world.sql('SELECT count(*)::int AS n FROM tickets'), [{ n: 1 }])
})

test('a used ticket stays used when Redis is wiped', async () => {
  const redis = await startRedis()
  try {
    const own = await world.start({ role: 'api', env: { REDIS_URL: redis.url } })
    const target = `${executePath(order)}&ticket=${await ticketOf(ann, own)}`
    const socket = listen(own, target)
    await within('the end', 20000, socket.closed)
    await redis.cli('FLUSHALL')
    assert.equal(await refusal(own, target), 401)
    await own.kill()
  } finally {
    await redis.stop()
  }
})

test('no token, no ticket and no secret in the logs', () => {
  for (const daemon of world.daemons) {
    const log = daemon.log.join('\n')
    for (const secret of [JWT_SECRET, 'eyJ', 'tkt_', 'oxs_']) assert(!log.includes(secret), secret)
  }
})
