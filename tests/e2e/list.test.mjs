// GET /api/orders: filters, pages, cursors, and orders that come and move while somebody pages.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { assertProblem, createWorld, request, SWAP } from './lib.mjs'

let world, api
const swaps = []
const records = []
before(async () => {
  world = await createWorld()
  api = await world.start()
  for (let i = 0; i < 7; i++) {
    const type = i % 2 ? { ...SWAP, tokenIn: 'USDC', tokenOut: 'SOL' } : SWAP
    swaps.push(await api.execute(type))
    const { json } = await api.post('/api/orders', { id: `r-${i}`, amount: i + 1 })
    records.push(json)
  }
  for (const id of swaps) await api.ended(id)
})
after(() => world.destroy())

const list = (query = '') => api.get(`/api/orders${query}`)
const ids = (answer) => answer.json.orders.map((o) => o.orderId)

// pages() follows the Link headers to the end.
async function pages(query) {
  const all = []
  for (let target = `/api/orders${query}`; target;) {
    const answer = await api.get(target)
    assert.equal(answer.status, 200, answer.text)
    all.push(ids(answer))
    const link = answer.headers.get('link')
    assert.equal(link === null, answer.json.nextCursor === null)
    target = link?.match(/^<(.*)>; rel="next"$/)[1]
  }
  return all
}

test('newest first, as each order shows itself', async () => {
  const answer = await list()
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.headers.get('x-cache'), 'MISS')
  assert.deepEqual(
    ids(answer),
    swaps.flatMap((id, i) => [id, records[i].orderId]).reverse()
  )
  for (const order of answer.json.orders)
    assert.deepEqual(order, (await api.get(`/api/orders/${order.orderId}`)).json)
  assert.equal(answer.json.nextCursor, null)
})

test('pages of any size hold every order once, both ways', async () => {
  const all = ids(await list())
  for (const limit of [1, 3, 7, 14, 200]) {
    assert.deepEqual((await pages(`?limit=${limit}`)).flat(), all)
    assert.deepEqual((await pages(`?limit=${limit}&sort=createdAt`)).flat(), [...all].reverse())
  }
})

test('filters', async () => {
  const expect = async (query, expected) =>
    assert.deepEqual((await pages(query)).flat().sort(), [...expected].sort(), query)
  const ofRecords = records.map((r) => r.orderId)
  await expect('?type=market', swaps)
  await expect('?type=record', ofRecords)
  await expect('?phase=succeeded', swaps)
  await expect('?status=confirmed&type=market', swaps)
  await expect('?phase=queued', ofRecords)
  await expect('?status=PENDING&limit=2', ofRecords)
  await expect('?tokenIn=USDC', swaps.filter((_, i) => i % 2))
  await expect('?tokenIn=SOL&tokenOut=USDC&limit=1', swaps.filter((_, i) => i % 2 === 0))
  await expect('?status=confirmed&phase=failed', [])
  await expect('?user_id=nobody', [])
  const at = records[3].createdAt
  const late = records.slice(3).map((r) => r.orderId)
  assert.deepEqual(new Set((await pages(`?type=record&from=${at}&limit=2`)).flat()), new Set(late))
  await expect(`?type=record&to=${at}`, ofRecords.slice(0, 4))
  await expect(`?type=record&from=${Date.parse(at)}&to=${Date.parse(at)}`, [ofRecords[3]])
})

test('what ends meanwhile is found by how it ended', async () => {
  const [a, b, c] = records
  for (const r of [a, b]) await api.put(`/api/orders/${r.id}/status`, { status: 'PROCESSING' })
  await api.put(`/api/orders/${a.id}/status`, { status: 'FAILED' })
  await request(`${api.url}/api/orders/${c.id}`, { method: 'DELETE' })
  const one = async (query, order) => assert.deepEqual(ids(await list(query)), [order.orderId])
  await one('?phase=failed', a)
  await one('?status=FAILED', a)
  await one('?phase=active', b)
  await one('?status=PROCESSING&type=record', b)
  await one('?phase=cancelled', c)
  assert(!ids(await list('?phase=queued')).includes(a.orderId))
})

test('a cursor belongs to its question', async () => {
  const { json } = await list('?type=record&limit=2')
  const next = await list(`?limit=5&type=record&cursor=${json.nextCursor}`)
  assert.equal(next.status, 200, next.text)
  for (const other of ['?', '?type=market&', '?type=record&sort=createdAt&'])
    assert.equal(
      assertProblem(await list(`${other}cursor=${json.nextCursor}`), 400).code,
      'INVALID_CURSOR'
    )
  assertProblem(await list('?cursor=x'), 400)
})

test('all that is wrong with a question', async () => {
  const problem = assertProblem(await list('?limit=201&type=barter&phase=x&sort=y&from=z'), 400)
  assert.deepEqual(problem.errors.map((e) => `${e.pointer} ${e.code}`).sort(), [
    '/from INVALID_TIME',
    '/limit OUT_OF_RANGE',
    '/phase UNKNOWN_PHASE',
    '/sort UNKNOWN_SORT',
    '/type UNKNOWN_TYPE'
  ])
  for (const limit of ['0', '-1', '201', '1.5', 'x', ''])
    assertProblem(await list(`?limit=${limit}`), 400)
  assertProblem(await list('?page=2'), 400)
})
