// Dead letters: listed, placed anew once, and run.
import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { assertProblem, createWorld, OXD, until } from './lib.mjs'

let world, ox, dir
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ox-plugins-'))
  await symlink(path.join(path.dirname(OXD), 'tests/plugin/odd.so'), path.join(dir, 'odd.so'))
  world = await createWorld({ EXECUTOR_DIR: dir, QUEUE_BACKOFF_MS: '20', QUEUE_LEASE_MS: '2000' })
  ox = await world.start()
})
after(async () => {
  await world.destroy()
  await rm(dir, { recursive: true })
})

const fail = async (more) => {
  const id = await ox.execute({ type: 'odd', do: 'fail', ...more })
  assert.equal((await ox.ended(id)).status, 'failed')
  return id
}
const redrive = (id) => ox.post(`/dlq/${id}/redrive`, '')
const list = async (query = '') => (await ox.get(`/dlq${query}`)).json
const deadLetters = async () => (await ox.get('/queue/stats')).json.deadLetters

test('who failed for good, or too often, is a dead letter; who ended otherwise is not', async () => {
  const ids = [
    await fail(),
    await fail({ clientOrderId: 'mine' }),
    await ox.execute({ type: 'odd', do: 'retry' })
  ]
  await ox.ended(ids[2])
  await ox.ended(await ox.execute({ type: 'odd', do: 'done' }))
  const all = await list()
  assert.deepEqual(
    all.orders.map((o) => o.orderId),
    ids
  )
  assert.equal(all.nextCursor, null)
  assert.equal(all.orders[2].error.code, 'TRANSIENT')
  assert.equal(await deadLetters(), 3)
  const first = await ox.get('/dlq?limit=2')
  assert.match(first.headers.get('link'), /rel="next"/)
  const second = await list(`?limit=2&cursor=${first.json.nextCursor}`)
  assert.deepEqual(
    [...first.json.orders, ...second.orders].map((o) => o.orderId),
    ids
  )
})

test('placed anew: a new order that says of which; the old one stays as it is', async () => {
  const before = (await ox.get('/api/orders/mine')).json
  const answers = await Promise.all(Array.from({ length: 5 }, () => redrive('mine')))
  for (const answer of answers) {
    assert.equal(answer.status, 201, answer.text)
    assert.equal(answer.text, answers[0].text)
    assert.equal(answer.headers.get('location'), `/api/orders/${answer.json.orderId}`)
  }
  const fresh = answers.filter((a) => a.headers.get('idempotent-replayed') === null)
  assert.equal(fresh.length, 1)
  const order = await ox.ended(answers[0].json.orderId)
  assert.equal(order.redriveOf, before.orderId)
  assert.equal(order.clientOrderId, null)
  assert.equal(order.do, 'fail')
  assert.equal(order.status, 'failed')
  assert.deepEqual((await ox.get('/api/orders/mine')).json, before)
  assert(!(await list()).orders.some((o) => o.orderId === before.orderId))
  assert((await list()).orders.some((o) => o.orderId === order.orderId))
})

test('what is no dead letter', async () => {
  const done = await ox.execute({ type: 'odd', do: 'done' })
  await ox.ended(done)
  assert.equal(assertProblem(await redrive(done), 409).code, 'NOT_A_DEAD_LETTER')
  assertProblem(await redrive('ord_01J8Z3V4N5P6Q7R8S9T0V1W2X3'), 404)
  assertProblem(await redrive('nobodys'), 404)
  assertProblem(await redrive('ord_x'), 400)
})

test('all at once, through kill -9 and a second try: each once', async () => {
  await Promise.all(Array.from({ length: 30 }, () => fail()))
  const n = await deadLetters()
  const [{ orders: before }] = await world.sql('SELECT count(*)::int AS orders FROM orders')
  const first = ox.post('/dlq/redrive', '').catch(() => null)
  await until('the first new orders', 5000, async () => {
    const [{ orders }] = await world.sql('SELECT count(*)::int AS orders FROM orders')
    return orders > before
  })
  await ox.kill()
  await first
  ox = await world.start()
  const answer = await ox.post('/dlq/redrive', '')
  assert.equal(answer.status, 200, answer.text)
  const rows = await world.sql(`SELECT redrive_of, count(*)::int AS n FROM orders
    WHERE redrive_of IS NOT NULL GROUP BY 1 HAVING count(*) > 1`)
  assert.deepEqual(rows, [])
  const [{ left }] = await world.sql(`SELECT count(*)::int AS left FROM orders o WHERE phase = 3
    AND redrive_of IS NULL AND NOT EXISTS (SELECT 1 FROM redrives r WHERE r.order_id = o.order_id)`)
  assert.equal(left, 0)
  assert(n >= 30)
  await until('all of them to end', 20000, async () => {
    const [{ n: open }] = await world.sql(
      'SELECT count(*)::int AS n FROM orders WHERE completed_at IS NULL'
    )
    return open === 0
  })
})
