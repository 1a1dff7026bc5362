// The same request twice is one order: by the caller's own id, or by Idempotency-Key.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertProblem, createWorld, SWAP, SWAP_STATES } from './lib.mjs'

let world, ox
before(async () => {
  world = await createWorld()
  ox = await world.start()
})
after(() => world.destroy())

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
