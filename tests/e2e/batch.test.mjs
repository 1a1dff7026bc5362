// Many orders under one key: all of them once, whatever breaks, and the same answer for ever after.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Link } from '../chaos/proxy.mjs'
import { assertProblem, createWorld, RawConnection, rawRequest, SLOW, SWAP, ulidToUuid, until } from './lib.mjs'

let world, ox
const links = []
before(async () => {
  world = await createWorld({ SWAP_DELAY_MS: '5', QUOTE_DELAY_MS: '0' })
  ox = await world.start()
})
after(async () => {
  await world.destroy()
  for (const link of links) await link.close()
})

const PATH = '/api/orders/batch'
const orders = async () => (await world.sql('SELECT count(*)::int AS n FROM orders'))[0].n
const swaps = (n) => Array.from({ length: n }, (_, i) => ({ ...SWAP, amount: i + 1 }))
const batch = (key, items, api = ox) => api.post(PATH, items, key ? { 'idempotency-key': key } : {})

// assertCounts() holds an answer against itself: chunks add up, each item is placed or has failed.
function assertCounts(answer, total, size = 100) {
  assert.equal(answer.status, 200, answer.text)
  const r = answer.json
  assert.equal(r.total, total)
  assert.equal(r.processed + r.failed, total)
  assert.equal(r.success, r.failed === 0)
  assert.equal(r.batches, Math.ceil(total / size))
  assert.deepEqual(
    r.batchResults.map((b) => b.batchIndex),
    Array.from({ length: r.batches }, (_, i) => i)
  )
  for (const [i, b] of r.batchResults.entries()) {
    assert.equal(b.processed + b.failed, Math.min(size, total - i * size))
    assert.equal(new Set(b.errors.map((e) => e.index)).size, b.failed)
  }
  assert.equal(r.orders.length, r.processed)
  const failed = r.batchResults.flatMap((b) => b.errors.map((e) => e.index))
  assert.deepEqual(
    [...new Set([...r.orders.map((o) => o.index), ...failed])].sort((a, b) => a - b),
    Array.from({ length: total }, (_, i) => i)
  )
  return r
}

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

test('orders of several types are placed in order, run, and are answered the same again', async () => {
  const before = await orders()
  const items = swaps(250)
  items[3] = { ...SWAP, type: 'limit', limitPrice: '1' }
  items[4] = { id: 'invoice-7', amount: 12.5, status: 'PROCESSING' } // a record, by its id
  const first = await batch('mixed', items)
  const { success, orders: placed } = assertCounts(first, 250)
  assert.equal(success, true)
  assert.deepEqual(
    placed.map((o) => o.orderId),
    placed.map((o) => o.orderId).sort(),
    'ids in the order of the items'
  )
  assert.equal(first.headers.get('idempotent-replayed'), null)
  for (const { index, orderId } of placed.filter((o) => o.index % 50 === 3)) {
    const order = await ox.ended(orderId)
    assert.equal(order.status, 'confirmed')
    assert.equal(order.amount, items[index].amount)
  }
  assert.equal(placed[4].status, 'PROCESSING')
  const { json: record } = await ox.get('/api/orders/invoice-7')
  assert.deepEqual([record.orderId, record.type], [placed[4].orderId, 'record'])
  for (let i = 0; i < 2; i++) {
    const again = await batch('mixed', items)
    assert.equal(again.status, 200)
    assert.equal(again.text, first.text)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
  }
  assertProblem(await batch('mixed', items.slice(1)), 422)
  assert.equal(await orders(), before + 250)
})

test('kill -9 between the commit and the answer: the retry gets it, and every order runs, in its turn', async () => {
  const { link, api } = await behindLink()
  const before = await orders()
  const items = swaps(120).map((o, i) => (i % 10 ? o : { ...o, groupId: 'unheard' }))
  link.loseReply('ox batches')
  link.set({ connect: 'refuse' }) // so that it cannot ask what became of it
  const hung = batch('unheard', items, api).catch(() => 'cut off')
  await until('the commit', 10000, async () => (await orders()) === before + 120)
  await api.kill()
  await hung
  const again = await until('an answer', 10000, async () => {
    const answer = await batch('unheard', items)
    return answer.status === 200 && answer
  })
  const placed = assertCounts(again, 120).orders.map((o) => o.orderId)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.equal(await orders(), before + 120)
  for (const id of placed) assert.equal((await ox.ended(id, 60000)).status, 'confirmed')
  await world.auditSwaps(placed)
  await world.assertInTurn(placed.filter((_, i) => i % 10 === 0))
})

test('from here on nothing needs to run', async () => {
  assert.equal((await ox.post('/queue/pause', '')).status, 200)
})

test('what makes the whole request wrong', async () => {
  const before = await orders()
  assertProblem(await batch(undefined, swaps(1)), 400)
  for (const key of ['a b', 'a.b', 'k'.repeat(129), 'ä']) {
    const answer = await batch(encodeURIComponent(key) === key ? key : encodeURI(key), swaps(1))
    assertProblem(answer, 400)
  }
  for (const body of ['{}', '[]', '', '1', '[', '[{}', '[1]', '[null]', '[{},]', '[,]', '[{}]x', '{"orders":[]}'])
    assertProblem(await batch('wrong', body), 400)
  const missing = assertProblem(
    await batch('wrong', [SWAP, { tokenIn: 'SOL' }, { ...SWAP, amount: -1 }, 7]),
    400,
    ['/1/tokenOut', '/1/amount', '/3']
  )
  assert(!missing.errors.some((e) => e.pointer.startsWith('/2')), 'a bad value fails its item alone')
  assertProblem(await batch('wrong', `[${JSON.stringify(SWAP).replace('}', ',"amount":2}')}]`), 400, ['/0'])
  assertProblem(await batch('wrong', swaps(1001)), 413)
  const large = new RawConnection(ox)
  await large.opened
  large.write(
    rawRequest('POST', PATH, {
      'Content-Type': 'application/json',
      'Idempotency-Key': 'wrong',
      'Content-Length': (1 << 20) + 1
    })
  )
  assert.equal((await large.answer()).status, 413)
  large.destroy()
  const full = JSON.stringify(swaps(1)).slice(0, -1)
  assertCounts(await batch('full', full + ' '.repeat((1 << 20) - full.length - 1) + ']'), 1)
  const plain = await ox.post(PATH, swaps(1), { 'content-type': 'text/plain', 'idempotency-key': 'w' })
  assertProblem(plain, 415)
  assertProblem(await ox.put(PATH, []), 405)
  assert.equal(await orders(), before + 1)
  assertCounts(await batch('wrong', swaps(1000)), 1000)
})

test('a bad value fails its item alone, with its pointer and code', async () => {
  const before = await orders()
  const items = swaps(205)
  items[7].slippage = 0.9
  items[101].tokenIn = 'NOPE'
  items[102].amount = '1.1234567891'
  items[203] = { ...SWAP, surprise: 1 }
  items[204] = { ...SWAP, type: 'nope' }
  const first = await batch('some', items)
  const r = assertCounts(first, 205)
  assert.equal(r.success, false)
  assert.equal(r.failed, 5)
  const errors = r.batchResults.map((b) => b.errors)
  assert.deepEqual(
    errors.map((list) => list.map((e) => e.pointer)),
    [['/7/slippage'], ['/101/tokenIn', '/102/amount'], ['/203/surprise', '/204/type']]
  )
  for (const e of errors.flat()) {
    assert.match(e.code, /^[A-Z][A-Z0-9_]*$/)
    assert.equal(e.pointer.split('/')[1], String(e.index))
    assert(e.detail.length > 0)
  }
  assert.equal(await orders(), before + 200)
  assert.equal((await batch('some', items)).text, first.text)
  const none = await batch('none', [items[7], items[101]])
  assert.equal(assertCounts(none, 2).processed, 0)
  assert.equal((await batch('none', [items[7], items[101]])).text, none.text)
  assert.equal(await orders(), before + 200)
})

test('own ids: the same text is the same order, another text fails', async () => {
  const named = (name, amount) => ({ ...SWAP, amount, clientOrderId: name })
  const single = await ox.post('/api/orders/execute', named('single', 1))
  const before = await orders()
  const items = [
    named('a', 1), // new
    named('single', 1), // placed before, by a single call
    named('a', 1), // once more in the batch
    named('single', 2), // used before, with another body
    named('a', 2), // used in this batch, with another body
    named('b', 1)
  ]
  const r = assertCounts(await batch('names', items), 6)
  const ids = Object.fromEntries(r.orders.map((o) => [o.index, o.orderId]))
  assert.equal(ids[1], single.json.orderId)
  assert.equal(ids[2], ids[0])
  assert.deepEqual(
    r.batchResults[0].errors.map((e) => [e.pointer, e.code]),
    [
      ['/3/clientOrderId', 'IDEMPOTENCY_MISMATCH'],
      ['/4/clientOrderId', 'IDEMPOTENCY_MISMATCH']
    ]
  )
  assert.equal(await orders(), before + 2)
  const alone = await ox.post('/api/orders/execute', named('b', 1))
  assert.equal(alone.json.orderId, ids[5])
  assert.equal(alone.headers.get('idempotent-replayed'), 'true')
  const record = { id: 'r-1', amount: 1 }
  const records = assertCounts(await batch('records', [record, { ...record, amount: 2 }]), 2)
  assert.equal(records.batchResults[0].errors[0].pointer, '/1/id')
  const again = assertCounts(await batch('names-2', items.slice(0, 3)), 3)
  assert.deepEqual(
    again.orders.map((o) => o.orderId),
    [ids[0], ids[1], ids[0]]
  )
  assert.equal(await orders(), before + 3)
})

test('a key is one request: on another path it is refused', async () => {
  const headers = { 'idempotency-key': 'shared' }
  assert.equal((await ox.post('/api/orders/execute', SWAP, headers)).status, 201)
  assertProblem(await ox.post(PATH, [SWAP], headers), 422)
  const other = { 'idempotency-key': 'shared-2' }
  assert.equal((await ox.post(PATH, [SWAP], other)).status, 200)
  assertProblem(await ox.post('/api/orders/execute', SWAP, other), 422)
  assertProblem(await ox.post('/api/orders', SWAP, headers), 422)
  assertProblem(await ox.post('/api/orders/execute', { amount: 'x' }, other), 422)
})

test('the same batch to two processes at once is placed once', async () => {
  const two = await world.start({ role: 'api' })
  for (let i = 0; i < 5; i++) {
    const before = await orders()
    const items = swaps(300).map((o, n) => (n % 3 ? o : { ...o, clientOrderId: `race-${i}-${n}` }))
    const answers = await Promise.all([ox, two, ox, two].map((api) => batch(`race-${i}`, items, api)))
    const placed = answers.filter((a) => a.status === 200)
    assert(placed.length >= 1)
    for (const a of answers) if (a.status !== 200) assertProblem(a, 409)
    assert.equal(new Set(placed.map((a) => a.text)).size, 1)
    assert.equal(placed.filter((a) => !a.headers.get('idempotent-replayed')).length, 1)
    for (const api of [ox, two]) assert.equal((await batch(`race-${i}`, items, api)).text, placed[0].text)
    assert.equal(await orders(), before + 300)
  }
  await two.stop()
})

test('batches with the same own ids in opposite order, to two processes at once', async () => {
  const two = await world.start({ role: 'api' })
  const before = await orders()
  const items = swaps(200).map((o, n) => ({ ...o, clientOrderId: `cross-${n}` }))
  const [a, b] = await Promise.all([
    batch('cross-1', items),
    batch('cross-2', [...items].reverse(), two)
  ])
  assert.equal(await orders(), before + 200)
  const ids = assertCounts(a, 200).orders.map((o) => o.orderId)
  assert.deepEqual(
    assertCounts(b, 200)
      .orders.map((o) => o.orderId)
      .reverse(),
    ids
  )
  await two.stop()
})

test('kill -9 at any moment: all of the batch or nothing, and the retry completes it', async () => {
  for (let i = 0; i < 6; i++) {
    const before = await orders()
    const items = swaps(1000)
    const api = await world.start({ role: 'api' })
    const sent = batch(`killed-${i}`, items, api).catch(() => 'cut off')
    await new Promise((resolve) => setTimeout(resolve, i * 12))
    await api.kill()
    await sent
    await until('no transaction under way', 10000, async () => {
      const [{ n }] = await world.sql(
        `SELECT count(*)::int AS n FROM pg_stat_activity
         WHERE application_name = 'ox batches' AND state <> 'idle' AND datname = current_database()`
      )
      return n === 0
    })
    assert([before, before + 1000].includes(await orders()), 'all or nothing')
    assertCounts(await batch(`killed-${i}`, items), 1000)
    assert.equal(await orders(), before + 1000)
  }
})

test("PostgreSQL's answer to COMMIT is lost: placed once, answered once", async () => {
  const { link, api } = await behindLink()
  const before = await orders()
  const placed = []
  for (let i = 0; i < 5; i++) {
    await until('ready', 10000, async () => (await api.get('/readyz')).status === 200)
    const items = swaps(50).map((o, n) => ({ ...o, clientOrderId: `doubt-${i}-${n}`, groupId: 'doubt' }))
    link.loseReply('ox batches')
    const first = await until('an answer', 15000, async () => {
      const answer = await batch(`doubt-${i}`, items, api)
      if (answer.status === 200) return answer
      assert([409, 503].includes(answer.status), answer.text)
    })
    assertCounts(first, 50)
    assert.equal((await batch(`doubt-${i}`, items)).text, first.text)
    placed.push(...first.json.orders.map((o) => ulidToUuid(o.orderId)))
  }
  assert.equal(await orders(), before + 250)
  const [{ ids }] = await world.sql(`SELECT json_agg(order_id ORDER BY group_seq) AS ids FROM orders
    JOIN order_groups USING (group_no) WHERE group_id = 'doubt'`)
  assert.deepEqual(ids, placed, 'places in the order of the arrays')
  await api.kill()
})

test('PostgreSQL hangs: 503, and the retry is placed once', async () => {
  const { link, api } = await behindLink()
  const before = await orders()
  link.set({ down: 'hold' })
  const started = Date.now()
  const answer = await batch('hung', swaps(100), api)
  assertProblem(answer, 503)
  assert.match(answer.headers.get('retry-after'), /^[0-9]+$/)
  assert(Date.now() - started < 15000 * SLOW)
  link.heal()
  const placed = await until('it to be placed', 20000, async () => {
    const again = await batch('hung', swaps(100), api)
    if (again.status !== 200) assert([409, 503].includes(again.status), again.text)
    return again.status === 200 && again
  })
  assertCounts(placed, 100)
  assert.equal(await orders(), before + 100)
  await api.kill()
})

test('10,000 orders as ten batches go in faster than one by one, and others are served meanwhile', async () => {
  const api = await world.start({ role: 'api' })
  const singles = 200
  let started = performance.now()
  for (let i = 0; i < singles; i++) await api.execute()
  const single = singles / (performance.now() - started)
  const before = await orders()
  let over = false
  const waits = []
  const bystander = (async () => {
    while (!over) {
      const asked = performance.now()
      await api.get('/api/orders/ord_01J00000000000000000000000/status')
      waits.push(performance.now() - asked)
    }
  })()
  started = performance.now()
  for (let i = 0; i < 10; i++) assertCounts(await batch(`bulk-${i}`, swaps(1000), api), 1000)
  const bulk = 10000 / (performance.now() - started)
  over = true
  await bystander
  assert.equal(await orders(), before + 10000)
  waits.sort((a, b) => a - b)
  const ratio = bulk / single
  console.log(
    `# ${(single * 1000).toFixed()} orders/s one by one, ${(bulk * 1000).toFixed()} in batches: ` +
      `${ratio.toFixed(1)} times; others wait ${waits[Math.floor(waits.length / 2)].toFixed(1)} ms ` +
      `(p99 ${waits[Math.floor(waits.length * 0.99)].toFixed(1)})`
  )
  assert(ratio >= 3, `${ratio} times`)
  await api.kill()
})
