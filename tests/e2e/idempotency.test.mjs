// The same request twice is one order: by the caller's own id, or by Idempotency-Key.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertProblem, createWorld, SWAP, SWAP_STATES, until, watch } from './lib.mjs'
import { Link } from '../chaos/proxy.mjs'

let world, ox
const links = []
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: '1000' })
  ox = await world.start()
})
after(async () => {
  await world.destroy()
  for (const link of links) await link.close()
})

const orders = async () => (await world.sql('SELECT count(*)::int AS n FROM orders'))[0].n
const body = (fields) => JSON.stringify({ ...SWAP, ...fields })
const ways = [
  [
    'clientOrderId',
    (name) => [body({ clientOrderId: name }), {}],
    (name) => [body({ clientOrderId: name, amount: 2 }), {}]
  ],
  [
    'Idempotency-Key',
    (name) => [body(), { 'idempotency-key': name }],
    (name) => [body({ amount: 2 }), { 'idempotency-key': name }]
  ]
]

for (const [way, same, other] of ways) {
  test(`${way}: the same body gets the same bytes again`, async () => {
    const before = await orders()
    const first = await ox.post('/api/orders/execute', ...same('twice'))
    assert.equal(first.status, 201, first.text)
    assert.equal(first.headers.get('idempotent-replayed'), null)
    const again = await ox.post('/api/orders/execute', ...same('twice'))
    await ox.ended(first.json.orderId)
    const muchLater = await ox.post('/api/orders/execute', ...same('twice'))
    for (const answer of [again, muchLater]) {
      assert.equal(answer.status, 201)
      assert.equal(answer.text, first.text)
      assert.equal(answer.headers.get('idempotent-replayed'), 'true')
      assert.equal(answer.headers.get('location'), first.headers.get('location'))
    }
    assert.equal(await orders(), before + 1)
  })

  test(`${way}: another body is refused`, async () => {
    await ox.post('/api/orders/execute', ...same('other'))
    const before = await orders()
    assertProblem(await ox.post('/api/orders/execute', ...other('other')), 422)
    const [text, headers] = same('other')
    assertProblem(await ox.post('/api/orders/execute', `${text} `, headers), 422) // equal bytes, not equal JSON
    assert.equal(await orders(), before)
  })

  test(`${way}: twenty at once are one order`, async () => {
    const before = await orders()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ox.post('/api/orders/execute', ...same('crowd')))
    )
    const accepted = answers.filter((a) => a.status === 201)
    assert(accepted.length >= 1)
    for (const answer of answers) if (answer.status !== 201) assertProblem(answer, 409)
    assert.equal(new Set(accepted.map((a) => a.text)).size, 1)
    assert.equal(accepted.filter((a) => !a.headers.get('idempotent-replayed')).length, 1)
    assert.equal(await orders(), before + 1)
  })
}

test('a bad order does not use up its key', async () => {
  const headers = { 'idempotency-key': 'first-bad' }
  assertProblem(await ox.post('/api/orders/execute', body({ amount: -1 }), headers), 400)
  assert.equal((await ox.post('/api/orders/execute', body(), headers)).status, 201)
})

test('another key is another order', async () => {
  const one = await ox.post('/api/orders/execute', body(), { 'idempotency-key': 'one' })
  const two = await ox.post('/api/orders/execute', body(), { 'idempotency-key': 'two' })
  assert.notEqual(one.json.orderId, two.json.orderId)
})

for (const [way, same, other] of ways)
  test(`${way}: two processes get the same request at once`, async () => {
    const before = await orders()
    const two = await world.start({ role: 'api' })
    const names = Array.from({ length: 25 }, (_, i) => `race-${i}`)
    const answers = await Promise.all(
      names.flatMap((name) => [ox, two, ox, two].map((api) => api.post('/api/orders/execute', ...same(name))))
    )
    for (const [i, name] of names.entries()) {
      const mine = answers.slice(i * 4, i * 4 + 4)
      const accepted = mine.filter((a) => a.status === 201)
      assert(accepted.length >= 1)
      for (const answer of mine) if (answer.status !== 201) assertProblem(answer, 409)
      assert.equal(new Set(accepted.map((a) => a.text)).size, 1, name)
      assert.equal(accepted.filter((a) => !a.headers.get('idempotent-replayed')).length, 1)
      for (const api of [ox, two]) {
        const replay = await api.post('/api/orders/execute', ...same(name))
        assert.equal(replay.text, accepted[0].text)
        assertProblem(await api.post('/api/orders/execute', ...other(name)), 422)
      }
    }
    assert.equal(await orders(), before + names.length)
    await two.stop()
  })

for (const [way, same] of ways)
  test(`${way}: the process dies between the commit and the answer`, async () => {
    const { link, api } = await behindLink()
    const before = await orders()
    link.set({ down: 'hold' })
    const lost = api.post('/api/orders/execute', ...same('unheard')).then(
      () => assert.fail('answered'),
      () => 'cut off'
    )
    await until('the commit', 10000, async () => (await orders()) === before + 1)
    await api.kill()
    assert.equal(await lost, 'cut off')
    const again = await ox.post('/api/orders/execute', ...same('unheard'))
    assert.equal(again.status, 201, again.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal((await ox.post('/api/orders/execute', ...same('unheard'))).text, again.text)
    assert.equal(await orders(), before + 1)
    assert.equal((await ox.ended(again.json.orderId)).status, 'confirmed')
  })

for (const [way, same] of ways)
  test(`${way}: PostgreSQL's answer to COMMIT is lost`, async () => {
    const { link, api } = await behindLink()
    const before = await orders()
    for (let i = 0; i < 5; i++) {
      await until('ready', 10000, async () => (await api.get('/readyz')).status === 200)
      link.loseReply('ox journal')
      const name = `doubt-${i}`
      const first = await until('an answer', 15000, async () => {
        const answer = await api.post('/api/orders/execute', ...same(name))
        if (answer.status === 201) return answer
        assert([409, 503].includes(answer.status), answer.text)
      })
      const again = await ox.post('/api/orders/execute', ...same(name))
      assert.equal(again.text, first.text)
      assert.equal(again.headers.get('idempotent-replayed'), 'true')
    }
    assert.equal(await orders(), before + 5)
    await api.kill()
  })

// behindLink() is an API process whose way to PostgreSQL can be broken.
async function behindLink() {
  const url = new URL(world.env.DATABASE_URL)
  const server = { host: url.hostname, port: Number(url.port) }
  const link = await new Link('postgres', () => server).listen()
  links.push(link)
  url.host = `127.0.0.1:${link.port}`
  const api = await world.start({ role: 'api', env: { DATABASE_URL: url.href } })
  return { link, api }
}

test('a retry that comes when the order is no longer valid gets its first answer', async () => {
  const text = (name) =>
    JSON.stringify({
      ...SWAP,
      type: 'limit',
      limitPrice: '1000000',
      clientOrderId: name,
      expiresAt: new Date(Date.now() + 1500).toISOString()
    })
  const order = text('brief')
  const headers = { 'idempotency-key': 'brief' }
  const first = await ox.post('/api/orders/execute', order, headers)
  assert.equal(first.status, 201, first.text)
  await until('its expiry', 10000, () => Date.parse(JSON.parse(order).expiresAt) < Date.now())
  for (const h of [headers, {}]) {
    const again = await ox.post('/api/orders/execute', order, h)
    assert.equal(again.text, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  }
  const late = order.replace('"brief"', '"late"')
  assertProblem(await ox.post('/api/orders/execute', late), 400, ['/expiresAt'])
  assertProblem(await ox.post('/api/orders/execute', late, headers), 422)
  const socket = watch(ox)
  await socket.opened
  socket.send(JSON.stringify({ action: 'execute', requestId: 'r', order: JSON.parse(order) }))
  await until('the replay', 10000, () => socket.messages.length > 0)
  assert.equal(socket.messages[0].replayed, true)
  assert.equal(socket.messages[0].orderId, first.json.orderId)
  socket.close()
})

test('after IDEMPOTENCY_TTL_S a key is free again, a name never', async () => {
  const brief = await world.start({ role: 'api', env: { IDEMPOTENCY_TTL_S: '1' } })
  const [keyed, named] = [ways[1], ways[0]]
  const first = await brief.post('/api/orders/execute', ...keyed[1]('short'))
  await brief.post('/api/orders/execute', ...named[1]('short'))
  const fresh = await until('the key to be free', 10000, async () => {
    const answer = await brief.post('/api/orders/execute', ...keyed[2]('short'))
    if (answer.status !== 201) assertProblem(answer, 422)
    return answer.status === 201 && answer
  })
  assert.notEqual(fresh.json.orderId, first.json.orderId)
  assertProblem(await brief.post('/api/orders/execute', ...named[2]('short')), 422)
  await brief.stop()
})

test('an answer is remembered across a kill -9', async () => {
  const first = await ox.post('/api/orders/execute', ...ways[1][1]('killed'))
  await ox.kill()
  ox = await world.start()
  const again = await ox.post('/api/orders/execute', ...ways[1][1]('killed'))
  assert.equal(again.text, first.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  await ox.ended(first.json.orderId)
  const events = await world.events(first.json.orderId)
  assert.equal(events.at(-1).status, SWAP_STATES.at(-1))
})
