// One swap from POST to its last event, watched in every way there is.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  assertHistory,
  createWorld,
  executePath,
  Listener,
  RawConnection,
  rawRequest,
  SWAP,
  SWAP_STATES,
  upgradeHeaders,
  until,
  watch,
  within
} from './lib.mjs'

let world, ox
before(async () => {
  world = await createWorld({ SWAP_DELAY_MS: '100-150' })
  ox = await world.start()
})
after(() => world.destroy())

test('POST answers 201 with the id, a Location, and a time', async () => {
  const answer = await ox.post('/api/orders/execute', SWAP)
  assert.equal(answer.status, 201)
  assert.match(answer.type, /^application\/json/)
  assert.deepEqual(Object.keys(answer.json).sort(), ['orderId', 'status', 'timestamp'])
  assert.match(answer.json.orderId, /^ord_[0-9A-HJKMNP-TV-Z]{26}$/)
  assert.equal(answer.json.status, 'pending')
  assert.match(answer.json.timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  assert.equal(answer.headers.get('location'), `/api/orders/${answer.json.orderId}`)
})

test('a listener sees each state exactly once and in order, then 1000', async () => {
  const orderId = await ox.execute()
  const listener = watch(ox, orderId)
  const end = await within('the socket to close', 15000, listener.closed)
  assert.equal(end.code, 1000)
  assertHistory(listener.messages, SWAP_STATES)
  const [pending, routing, building, submitted, confirmed] = listener.messages
  for (const event of listener.messages) {
    assert.equal(event.orderId, orderId)
    assert.equal(event.attempt, 1)
    assert.match(event.timestamp, /Z$/)
    assert.equal(typeof event.data, 'object')
  }
  assert.deepEqual(
    [pending.phase, routing.phase, confirmed.phase],
    ['queued', 'active', 'succeeded']
  )
  assert(building.data.quotes.length >= 2, 'every venue is quoted')
  assert.equal(typeof submitted.data.txHash, 'string')
  assert.equal(confirmed.data.txHash, submitted.data.txHash)
  for (const key of ['executedPrice', 'inAmount', 'outAmount', 'dex'])
    assert.equal(typeof confirmed.data[key], 'string', key)
  assert.equal(confirmed.data.inAmount, '1500000000')
})

test('a late listener gets the whole history; since cuts it', async () => {
  const orderId = await ox.execute()
  await ox.ended(orderId)
  for (const since of [undefined, 0, 1, 3, 4]) {
    const listener = watch(ox, orderId, since)
    assert.equal((await within('the close', 5000, listener.closed)).code, 1000)
    assertHistory(listener.messages, SWAP_STATES, since ?? 0)
  }
  const nothingLeft = watch(ox, orderId, 5)
  assert.equal((await within('the close', 5000, nothingLeft.closed)).code, 1000)
  assert.deepEqual(nothingLeft.messages, [])
})

test('twenty listeners of one order, joining at any moment, all see the same', async () => {
  const orderId = await ox.execute()
  const listeners = []
  for (let i = 0; i < 20; i++) {
    listeners.push(watch(ox, orderId))
    if (i % 3 === 0) await listeners[i].opened
  }
  for (const listener of listeners) {
    await within('the close', 15000, listener.closed)
    assertHistory(listener.messages, SWAP_STATES)
  }
})

test('the connection that carried the POST can be upgraded', async () => {
  const connection = new RawConnection(ox)
  const body = JSON.stringify(SWAP)
  connection.write(
    rawRequest(
      'POST',
      '/api/orders/execute',
      { 'Content-Type': 'application/json', 'Content-Length': body.length },
      body
    )
  )
  const answer = await connection.answer()
  assert.equal(answer.status, 201, answer.body)
  const { orderId } = JSON.parse(answer.body)

  connection.write(rawRequest('GET', executePath(orderId), upgradeHeaders()))
  assert.equal((await connection.answer()).status, 101)
  const frames = await until('the close frame', 15000, () => {
    const all = connection.frames()
    return all.some((f) => f.opcode === 8) && all
  })
  assertHistory(
    frames.filter((f) => f.opcode === 1).map((f) => JSON.parse(f.payload)),
    SWAP_STATES
  )
  assert.equal(frames.find((f) => f.opcode === 8).payload.readUInt16BE(0), 1000)
  await connection.destroy()
})

test('POST and upgrade pipelined in one segment', async () => {
  const orderId = await ox.execute()
  const connection = new RawConnection(ox)
  connection.write(
    rawRequest('GET', `/api/orders/${orderId}/status`) +
      rawRequest('GET', executePath(orderId), upgradeHeaders())
  )
  assert.equal((await connection.answer()).status, 200)
  assert.equal((await connection.answer()).status, 101)
  await until('the close frame', 15000, () => connection.frames().some((f) => f.opcode === 8))
  const texts = connection.frames().filter((f) => f.opcode === 1)
  assertHistory(
    texts.map((f) => JSON.parse(f.payload)),
    SWAP_STATES
  )
  await connection.destroy()
})

test('one socket for many orders: execute, subscribe, unsubscribe', async () => {
  const socket = new Listener(ox.url + executePath())
  await socket.opened
  const N = 10
  for (let i = 0; i < N; i++) socket.send({ action: 'execute', requestId: `r${i}`, order: SWAP })
  const ids = []
  for (let i = 0; i < N; i++) {
    const accepted = await socket.find(
      'an accepted',
      (m) => m.type === 'accepted' && m.requestId === `r${i}`
    )
    assert.match(accepted.orderId, /^ord_/)
    ids.push(accepted.orderId)
  }
  assert.equal(new Set(ids).size, N)

  const other = await ox.execute()
  socket.send({ action: 'subscribe', requestId: 's', orderId: other, since: 0 })
  await socket.find('subscribed', (m) => m.type === 'subscribed' && m.requestId === 's')
  for (const id of [...ids, other]) {
    await socket.find(`${id} confirmed`, (m) => m.orderId === id && m.status === 'confirmed', 20000)
    assertHistory(socket.eventsOf(id), SWAP_STATES)
  }

  const unwatched = await ox.execute()
  socket.send({ action: 'subscribe', requestId: 'u1', orderId: unwatched })
  await socket.find('subscribed', (m) => m.type === 'subscribed' && m.requestId === 'u1')
  socket.send({ action: 'unsubscribe', requestId: 'u2', orderId: unwatched })
  await socket.find('unsubscribed', (m) => m.type === 'unsubscribed' && m.requestId === 'u2')
  const before = socket.eventsOf(unwatched).length
  await ox.ended(unwatched)
  const marker = await ox.execute()
  socket.send({ action: 'subscribe', orderId: marker })
  await socket.find('the marker', (m) => m.orderId === marker && m.status === 'confirmed', 20000)
  assert.equal(socket.eventsOf(unwatched).length, before)
  await socket.close()
})

test('errors on the many-order socket answer their request and keep it open', async () => {
  const socket = new Listener(ox.url + executePath())
  await socket.opened
  const bad = [
    [{ action: 'execute', requestId: 'a', order: { ...SWAP, amount: -1 } }, 'a'],
    [{ action: 'execute', requestId: 'b' }, 'b'],
    [{ action: 'dance', requestId: 'c' }, 'c'],
    [{ action: 'subscribe', requestId: 'd', orderId: 'ord_00000000000000000000000000' }, 'd'],
    [{ action: 'subscribe', requestId: 'e' }, 'e'],
    [{ action: 'subscribe', requestId: 'f', orderId: 17 }, 'f']
  ]
  for (const [message, requestId] of bad) {
    socket.send(message)
    await socket.find(
      `an error for ${requestId}`,
      (m) => m.type === 'error' && m.requestId === requestId
    )
  }
  const before = socket.messages.length
  for (const text of ['{', '', '[]', '17', 'null']) socket.send(text)
  await until('five more errors', 5000, () => socket.messages.length === before + 5)
  for (const message of socket.messages.slice(before)) assert.equal(message.type, 'error')
  socket.send({ action: 'execute', requestId: 'z', order: SWAP })
  await socket.find('still open', (m) => m.type === 'accepted' && m.requestId === 'z')
  await socket.close()
})

test('GET order, status and events agree with what was streamed', async () => {
  const orderId = await ox.execute({ ...SWAP, clientOrderId: 'mine-1' })
  const order = await ox.ended(orderId)
  assert.equal(order.status, 'confirmed')
  assert.equal(order.phase, 'succeeded')
  assert.equal(order.type, 'market')
  assert.equal(order.seq, 5)
  assert.equal(order.attempt, 1)
  assert.equal(order.clientOrderId, 'mine-1')
  assert.equal(order.error, null)
  assert.equal(order.amount, 1.5)
  assert.equal(order.tokenIn, 'SOL')
  assert.match(order.outAmount, /^\d+$/)
  assert(BigInt(order.outAmount) >= BigInt(order.minOutAmount))
  for (const key of ['createdAt', 'updatedAt', 'completedAt'])
    assert.match(order[key], /\.\d{3}Z$/, key)

  const status = await ox.get(`/api/orders/${orderId}/status`)
  assert.deepEqual(status.json, { orderId, status: 'confirmed', phase: 'succeeded' })
  const history = await ox.get(`/api/orders/${orderId}/events`)
  assert.equal(history.json.orderId, orderId)
  const listener = watch(ox, orderId)
  await within('the close', 5000, listener.closed)
  assert.deepEqual(listener.messages, history.json.events)

  const byOwnId = await ox.get('/api/orders/mine-1')
  assert.equal(byOwnId.json.orderId, orderId)
})

test('an amount keeps its text: number or string, never a binary float', async () => {
  for (const amount of ['"0.1"', '0.1', '1e-1', '0.100000000', '"123456.000000001"']) {
    const body = `{"tokenIn":"SOL","tokenOut":"USDC","amount":${amount},"slippage":0.5}`
    const answer = await ox.post('/api/orders/execute', body)
    assert.equal(answer.status, 201, `${amount}: ${answer.text}`)
    const stored = await ox.get(`/api/orders/${answer.json.orderId}`)
    assert(stored.text.includes(`"amount":${amount}`), `${amount}: ${stored.text}`)
  }
})

test('stats, health, livez, readyz', async () => {
  const stats = await ox.get('/api/orders/stats')
  assert.equal(stats.status, 200)
  for (const key of ['waiting', 'active', 'delayed', 'completed', 'failed'])
    assert(Number.isInteger(stats.json.queue[key]), key)
  assert(Number.isInteger(stats.json.websocket.connections))
  for (const key of ['limit', 'windowMs', 'usedInWindow'])
    assert(Number.isInteger(stats.json.rateLimit[key]), key)
  const health = await ox.get('/health')
  assert.equal(health.status, 200)
  assert.equal(health.json.status, 'ok')
  for (const key of ['postgres', 'redis', 'workers']) assert(key in health.json.checks, key)
  for (const target of ['/livez', '/readyz'])
    assert.equal((await ox.get(target)).status, 200, target)
})

test('the request id is taken or made, and returned', async () => {
  const taken = await ox.get('/livez', { headers: { 'x-request-id': 'abc-1.2:3' } })
  assert.equal(taken.headers.get('x-request-id'), 'abc-1.2:3')
  for (const unsafe of ['a b', 'x'.repeat(129), '<script>']) {
    const made = await ox.get('/livez', { headers: { 'x-request-id': unsafe } })
    assert.notEqual(made.headers.get('x-request-id'), unsafe)
    assert(made.headers.get('x-request-id').length > 0)
  }
})
