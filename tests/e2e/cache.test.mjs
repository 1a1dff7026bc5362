// The cache: X-Cache, and that nobody is ever shown what was before a change that was acknowledged, whichever
// process made it and whether Redis is there or not.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import { SWAP, createWorld, request, startRedis, until } from './lib.mjs'

const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
let world, redis, a, b
before(async () => {
  redis = await startRedis()
  world = await createWorld({ REDIS_URL: redis.url, CACHE_LIST_TTL_S: '30' })
  a = await world.start() // with workers
  b = await world.start({ role: 'api' })
})
after(async () => {
  await world.destroy()
  await redis.stop()
})

let made = 0
async function record(daemon = a) {
  const id = `rec-${++made}`
  const answer = await daemon.post('/api/orders', { id, amount: 1 })
  assert.equal(answer.status, 201, answer.text)
  return id
}
const get = (daemon, id, headers) => daemon.get(`/api/orders/${id}`, { headers })
const move = (daemon, id, status) => daemon.put(`/api/orders/${id}/status`, { status })
const from = (answer) => answer.headers.get('x-cache')
const list = (daemon, query = '?limit=20') => daemon.get(`/api/orders${query}`)
const remove = (daemon, target) => request(daemon.url + target, { method: 'DELETE' })

async function expectMove(daemon, id, status) {
  const answer = await move(daemon, id, status)
  assert.equal(answer.status, 200, answer.text)
}

// withoutRedis() has Redis hang while fn runs: nothing is heard of it.
async function withoutRedis(fn) {
  redis.signal('SIGSTOP')
  try {
    await fn()
  } finally {
    redis.signal('SIGCONT')
  }
  const health = async () => (await a.get('/health')).json.checks.redis
  await until('Redis to be back', 10000, async () => (await health()).status !== 'down')
}

test('MISS, then HIT with the same bytes and tag, by id and by own id', async () => {
  const id = await record()
  const { json } = await get(b, id)
  for (const name of [id, json.orderId]) {
    const misses = [await get(a, name), await get(b, name)]
    const hits = [await get(a, name), await get(b, name)]
    assert.equal(from(misses[0]), 'MISS')
    for (const hit of hits) {
      assert.equal(from(hit), 'HIT')
      assert.match(hit.headers.get('x-cache-age'), /^\d+$/)
      assert.equal(hit.text, misses[0].text)
      assert.equal(hit.headers.get('etag'), misses[0].headers.get('etag'))
    }
  }
})

test('304 and HEAD, of an open order and of one that has ended', async () => {
  const open = await record()
  const ended = await record()
  for (const status of ['PROCESSING', 'FAILED']) await expectMove(a, ended, status)
  for (const id of [open, ended]) {
    const first = await get(a, id)
    const etag = first.headers.get('etag')
    for (const daemon of [a, b, b]) {
      const answer = await get(daemon, id, { 'if-none-match': etag })
      assert.equal(answer.status, 304, id)
      assert.equal(answer.text, '')
      assert.equal(answer.headers.get('etag'), etag)
    }
    const head = await request(`${a.url}/api/orders/${id}`, { method: 'HEAD' })
    assert.equal(head.status, 200)
    assert.equal(from(head), 'HIT')
    assert.equal(head.headers.get('content-length'), String(first.text.length))
  }
  const { headers } = await get(b, open)
  await expectMove(a, open, 'PROCESSING')
  const changed = await get(b, open, { 'if-none-match': headers.get('etag') })
  assert.equal(changed.status, 200)
  assert.equal(changed.json.status, 'PROCESSING')
})

// Each kind of change is made on a and must be seen on b, which has the order in its cache, at once.
const changes = [
  ['a move by hand', (id) => expectMove(a, id, 'PROCESSING'), 'PROCESSING'],
  ['a last move', (id) => expectMove(a, id, 'COMPLETED'), 'COMPLETED'],
  ['a cancel', async (id) => assert.equal((await remove(a, `/api/orders/${id}`)).status, 200), 'CANCELLED']
]

async function eachChange() {
  const one = await record()
  const other = await record()
  for (const [what, change, status] of changes) {
    const id = status === 'CANCELLED' ? other : one
    for (const daemon of [a, b]) {
      await get(daemon, id)
      assert.equal(from(await get(daemon, id)), 'HIT')
    }
    await change(id)
    for (const daemon of [b, a]) {
      const answer = await get(daemon, id)
      assert.equal(answer.json.status, status, `${what}, ${from(answer)}`)
      assert.equal(from(answer), 'MISS')
    }
  }
}

test('what another process changes is new at once', eachChange)
test('also when Redis hangs', () => withoutRedis(eachChange))

test('what a worker does is new with its event', async () => {
  const orderId = await b.execute()
  const seen = []
  const ended = await until('the order to end', 10000, async () => {
    const { json } = await get(b, orderId)
    const { json: history } = await b.get(`/api/orders/${orderId}/events`)
    seen.push(json.seq)
    assert(history.events.length >= json.seq)
    const { json: later } = await get(b, orderId)
    assert(later.seq >= history.events.length, 'older than a history that was read before')
    return later.phase === 'succeeded' && later
  })
  const hit = await get(b, orderId)
  assert.equal(from(hit), 'HIT')
  assert.deepEqual(hit.json, ended)
})

// One writer goes through orders on a, so many; readers on both hold what they are shown against what had been
// acknowledged before they asked.
async function hammer(orders) {
  const rank = { PENDING: 0, PROCESSING: 1, COMPLETED: 2 }
  const seen = { HIT: 0, MISS: 0 }
  let id = await record()
  let acknowledged = 0
  let over = false
  const reader = async (daemon, target, status) => {
    while (!over) {
      const asked = { id, acknowledged }
      const answer = await daemon.get(target(id))
      assert.equal(answer.status, 200, answer.text)
      seen[from(answer)]++
      const shown = status(answer.json, asked.id)
      assert(rank[shown] >= asked.acknowledged, `${shown} after ${asked.acknowledged}: ${from(answer)}`)
    }
  }
  const order = [(of) => `/api/orders/${of}`, (json) => json.status]
  const page = [
    () => '/api/orders?type=record&limit=3',
    (json, of) => json.orders.find((o) => o.clientOrderId === of || o.id === of)?.status
  ]
  const writer = async () => {
    for (let i = 0; i < orders; i++) {
      for (const status of ['PROCESSING', 'COMPLETED']) {
        await expectMove(a, id, status)
        acknowledged = rank[status]
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      const next = await record()
      ;[id, acknowledged] = [next, 0]
    }
  }
  await Promise.all([
    writer().finally(() => (over = true)),
    ...[a, b, b, b].map((daemon) => reader(daemon, ...order)),
    ...[a, b].map((daemon) => reader(daemon, ...page))
  ])
  assert(seen.HIT > 0 && seen.MISS > 2 * orders, `${seen.HIT} hits, ${seen.MISS} misses`)
}

test('readers never see a status older than the last one that was acknowledged', () => hammer(30))
test('also when Redis hangs meanwhile', () => withoutRedis(() => hammer(20)))

test('a list is given again, but never older than the last change of the client', async () => {
  const id = await record(b)
  const first = await list(a)
  assert.equal(from(first), 'MISS')
  const again = await list(a)
  assert.equal(from(again), 'HIT')
  assert.equal(again.text, first.text)
  assert.equal(again.headers.get('link'), first.headers.get('link'))
  assert.equal(from(await list(a, '?limit=19')), 'MISS')

  const own = [
    () => record(b),
    () => expectMove(b, id, 'PROCESSING'),
    () => remove(b, `/api/orders/${id}`),
    () => b.post('/api/orders/batch', [{ id: 'in-a-batch', amount: 1 }], { 'idempotency-key': 'one' }),
    () => b.execute({ ...SWAP, clientOrderId: 'a-swap' })
  ]
  for (const change of own) {
    await list(a)
    await change()
    const answer = await list(a)
    assert.equal(from(answer), 'MISS')
    for (const order of answer.json.orders) {
      const { json } = await b.get(`/api/orders/${order.orderId}`)
      if (order.type === 'record') assert.deepEqual(order, json)
    }
  }
  assert((await list(a)).text.includes('a-swap'))
})

test('a list lives CACHE_LIST_TTL_S', async () => {
  const short = await world.start({ role: 'api', env: { CACHE_LIST_TTL_S: '1' } })
  for (const expected of ['HIT', 'MISS'])
    await until(`a ${expected}`, 4000, async () => from(await list(short)) === expected)
  await short.stop()
})

test('stats and keys', async () => {
  const before = (await b.get('/cache/stats')).json
  const id = await record()
  await get(b, id)
  await get(b, id)
  await get(b, id)
  const { status, json } = await b.get('/cache/stats')
  assert.equal(status, 200)
  assert.equal(json.hits, before.hits + 2)
  assert.equal(json.misses, before.misses + 1)
  assert.equal(json.entries, before.entries + 1)
  assert(json.bytes > before.bytes && json.bytes <= json.maxBytes)
  assert(json.hitRatio > 0 && json.hitRatio < 1)
  const keys = (await b.get('/cache/keys')).json
  assert.equal(keys.keys[0], `default/${id}`)
})

test('clear reaches every process, or says that it did not', async () => {
  const id = await record()
  const warm = () => Promise.all([a, b].map((daemon) => get(daemon, id)))
  await warm()
  const answer = await remove(a, '/cache/clear')
  assert.equal(answer.status, 200, answer.text)
  assert(answer.json.cleared > 0)
  assert.deepEqual([answer.json.processes, answer.json.everywhere], [2, true])
  const empty = async (daemon) => (await daemon.get('/cache/stats')).json.entries === 0
  await until('b to have forgotten', 2000, () => empty(b))
  assert(await empty(a))
  assert.equal(from(await get(b, id)), 'MISS')

  await warm()
  await withoutRedis(async () => {
    const alone = await remove(a, '/cache/clear')
    assert.deepEqual([alone.json.processes, alone.json.everywhere], [1, false])
    assert(await empty(a))
    assert(!(await empty(b)))
  })
})

test('memory has a bound', async () => {
  const small = await world.start({ role: 'api', env: { CACHE_MAX_MIB: '1' } })
  const items = Array.from({ length: 500 }, (_, i) => 'x'.repeat(50) + i)
  const ids = []
  for (let n = 0; n < 60; n++) {
    const order = { user_id: `u-${n}`, item_ids: items, total_amount: 1 }
    const { status, json, text } = await small.post('/api/orders', order)
    assert.equal(status, 201, text)
    ids.push(json.orderId)
  }
  for (const id of ids) assert.equal((await get(small, id)).status, 200)
  const { json } = await small.get('/cache/stats')
  assert.equal(json.maxBytes, 1 << 20)
  assert(json.bytes <= json.maxBytes)
  assert(json.evictions > 0)
  assert(json.entries < ids.length)
  await small.stop()
})

test('nobody gets what another client was shown', async () => {
  const other = await createWorld({ AUTH: 'required', JWT_SECRET, REDIS_URL: redis.url })
  try {
    const ox = await other.start()
    const as = (sub, scope = 'orders:read orders:write') => {
      const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const exp = Math.floor(Date.now() / 1000) + 600
      const text = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64({ iss: 'ox', aud: 'ox', sub, scope, exp })}`
      const mac = createHmac('sha256', JWT_SECRET).update(text).digest('base64url')
      return { authorization: `Bearer ${text}.${mac}` }
    }
    const [ann, ben, root] = [as('cli_ann'), as('cli_ben'), as('cli_root', 'admin')]
    const placed = await ox.post('/api/orders', { id: 'mine', amount: 1, status: 'COMPLETED' }, ann)
    assert.equal(placed.status, 201, placed.text)
    const { orderId } = placed.json
    for (const name of [orderId, 'mine', 'mine']) assert.equal((await get(ox, name, ann)).status, 200)
    assert.equal(from(await get(ox, orderId, ann)), 'HIT')
    assert.equal((await get(ox, orderId, ben)).status, 404)
    assert.equal((await get(ox, 'mine', ben)).status, 404)
    assert.equal((await get(ox, orderId, {})).status, 401)
    await ox.post('/api/orders', { id: 'mine', amount: 2 }, ben)
    assert.equal((await get(ox, 'mine', ben)).json.amount, 2)
    assert.equal((await get(ox, 'mine', ann)).json.amount, 1)
    const page = (headers) => ox.get('/api/orders', { headers })
    assert.equal((await page(ann)).json.orders.length, 1)
    assert.equal(from(await page(ann)), 'HIT')
    assert.equal((await page(ben)).json.orders[0].amount, 2)
    for (const target of ['/cache/stats', '/cache/keys']) {
      assert.equal((await ox.get(target, { headers: ann })).status, 403)
      assert.equal((await ox.get(target, { headers: root })).status, 200)
    }
  } finally {
    await other.destroy()
  }
})
