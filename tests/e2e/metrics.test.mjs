// GET /metrics: the form that was asked for; what a real parser makes of it; counts that agree with what
// was done, and only rise; what is left out while Redis is away.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import parsePrometheus from 'parse-prometheus-text-format'
import { ROOT, SWAP, assertProblem, createWorld, freePort, request, startRedis, until, watch } from './lib.mjs'

let redis, world, ox
before(async () => {
  redis = await startRedis()
  world = await createWorld({ REDIS_URL: redis.url, DELIVERY_DELAY_MS: '5' })
  ox = await world.start()
})
after(async () => {
  await world.destroy()
  await redis.stop()
})

const get = (accept, from = ox.url) =>
  ox.get.call({ url: from }, '/metrics', accept === undefined ? {} : { headers: { accept } })
const scrape = async (from) => samples((await get('text/plain', from)).text)
// The parser joins the series of a histogram to one: without their types it gives all samples as they are.
const samples = (text) => {
  const all = new Map()
  for (const { name, metrics } of parsePrometheus(text.replace(/^# .*\n/gm, '')))
    all.set(name, [...(all.get(name) ?? []), ...metrics])
  return all
}
const matches = (labels) => (sample) => Object.entries(labels).every(([k, v]) => sample.labels?.[k] === v)
const value = (all, name, labels = {}) => {
  const found = (all.get(name) ?? []).filter(matches(labels))
  assert(found.length <= 1 || name.endsWith('_count'), `${name} ${JSON.stringify(labels)} is ambiguous`)
  return found.length ? found.reduce((sum, { value }) => sum + Number(value), 0) : undefined
}

// ── the form ─────────────────────────────────────────────────────────────────────────────────────

const JSON_TYPE = 'application/json'
const TEXT = 'text/plain; version=0.0.4; charset=utf-8'
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'
const PROMETHEUS =
  'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,' +
  'text/plain;version=0.0.4;q=0.3,*/*;q=0.2'

test('Accept decides on the form', async () => {
  const cases = [
    ['*/*', JSON_TYPE],
    ['application/json', JSON_TYPE],
    ['text/html,application/xhtml+xml,*/*;q=0.8', JSON_TYPE],
    ['text/plain', TEXT],
    ['Text/*', TEXT],
    ['text/plain;q=0.5, application/json;q=0.4', TEXT],
    ['application/json;q=0, */*', TEXT],
    ['text/plain;version=0.0.4', TEXT],
    ['application/openmetrics-text', OPENMETRICS],
    [PROMETHEUS, OPENMETRICS]
  ]
  for (const [accept, type] of cases) {
    const answer = await get(accept)
    assert.deepEqual([answer.status, answer.type], [200, type], accept)
  }
  for (const accept of ['image/png', '*/*;q=0', 'application/json;q=nonsense'])
    assert.equal(assertProblem(await get(accept), 406).code, 'NOT_ACCEPTABLE')
  assertProblem(await ox.post('/metrics', {}), 405)
})

test('the counts as JSON are PostgreSQL’s', async () => {
  const place = (n, body) => Promise.all(Array.from({ length: n }, () => ox.post('/api/orders', body)))
  const placed = [
    ...(await place(3, SWAP)),
    ...(await place(2, { user_id: 'u-1', item_ids: ['a'], total_amount: '1' })),
    await ox.post('/api/orders', { id: 'r-1', amount: 1 })
  ]
  const ids = placed.map((answer) => answer.json.orderId)
  for (const id of ids.slice(0, 5)) await ox.ended(id)
  const { json } = await until('the counts', 5000, async () => {
    const answer = await get('application/json')
    return answer.json.order_counts.Completed === 2 && answer
  })
  assert.equal(json.total_orders, 6)
  const nonzero = Object.entries(json.order_counts).filter(([, n]) => n > 0)
  assert.deepEqual(Object.fromEntries(nonzero), { confirmed: 3, Completed: 2, PENDING: 1 })
  for (const state of ['pending', 'watching', 'expired', 'Shipped', 'PROCESSING'])
    assert.equal(json.order_counts[state], 0)
  const [{ s }] = await world.sql(
    "SELECT avg(extract(epoch FROM completed_at - created_at)) AS s FROM orders WHERE phase = 2"
  )
  assert(Math.abs(json.average_processing_time - Number(s)) < 0.002, `${json.average_processing_time} ${s}`)
})

// ended() are statements that write orders that ended, without ox.
const ended = (n, status, phase) => `
  WITH o AS (INSERT INTO orders (order_id, tenant, type, status, phase, payload, created_at, updated_at, completed_at)
    SELECT gen_random_uuid(), 'default', 'old', '${status}', ${phase}, '{}', now() - interval '2 s', now(), now()
    FROM generate_series(1, ${n}) RETURNING *)
  INSERT INTO steps (order_id, step, seq, status, phase, attempt, at)
  SELECT order_id, 0, 1, status, phase, 1, completed_at FROM o;`
const counted = (what, wanted, api = ox) =>
  until(what, 10000, async () => {
    const { json } = await get('application/json', api.url)
    return Object.entries(wanted).every(([status, n]) => json.order_counts[status] === n) && json
  })

test('what ended is counted once, whoever counts and whenever its transaction is over', async () => {
  // One transaction begins before others and is over after them.
  const late = world.exec(`BEGIN; ${ended(1, 'late', 3)} SELECT pg_sleep(0.8); COMMIT;`)
  await until('the late one', 5000, async () => (await world.sql(
    `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'`)).length === 1)
  await world.exec(ended(5, 'done', 2))
  const { order_counts: before } = await counted('without the late one', { done: 5 })
  assert.equal(before.late, undefined)
  await late
  await counted('with it', { done: 5, late: 1 })

  const other = await world.start({ role: 'api' })
  await world.exec(ended(60000, 'done', 2) + ended(10, 'broken', 3))
  await world.exec(ended(50, 'done', 2))
  const all = { done: 60055, broken: 10, late: 1, confirmed: 3 }
  const [{ total_orders: total }] = await Promise.all([counted('by one', all), counted('by the other', all, other)])
  // What is newer than the oldest transaction that anybody has open is not among the sums yet.
  await until('all among the sums', 10000, async () => {
    await get('application/json')
    const [{ n }] = await world.sql("SELECT n FROM totals WHERE status = 'done'")
    assert(n <= all.done, `${n} counted of ${all.done}`)
    return n === all.done
  })
  assert.deepEqual(await world.sql('SELECT count(*) AS n FROM orders'), [{ n: total }])
})

test('a dump of a server that had counted further is counted, too', async () => {
  await world.exec(`UPDATE steps SET xid = '8000000000'; UPDATE totals_upto SET upto = '8000000001';
    UPDATE accepts SET xid = '8000000000'`)
  const restored = await world.start({ role: 'api' })
  await world.exec(ended(2, 'done', 2))
  await counted('what came after it', { done: 60057, broken: 10 }, restored)
  const [{ future }] = await world.sql(
    `SELECT count(*) AS future FROM (SELECT xid FROM steps UNION ALL SELECT xid FROM accepts) x
     WHERE xid >= pg_snapshot_xmax(pg_current_snapshot())`)
  assert.equal(future, 0)
})

// ── the text ─────────────────────────────────────────────────────────────────────────────────────

// Histograms: no bucket has less than the one before, the last one has all, and the sum lies between what
// the buckets allow.
function assertHistogram(all, name) {
  const series = new Map()
  for (const { labels: { le, ...labels }, value } of all.get(`${name}_bucket`) ?? []) {
    const key = JSON.stringify(labels)
    series.set(key, [...(series.get(key) ?? []), [Number(le.replace('+Inf', 'Infinity')), Number(value)]])
  }
  for (const [key, buckets] of series) {
    const what = `${name} ${key}`
    const [n, sum] = ['count', 'sum'].map((suffix) => value(all, `${name}_${suffix}`, JSON.parse(key)))
    let [bound, below, least, most] = [0, 0, 0, 0]
    for (const [le, count] of buckets) {
      assert(le > bound && count >= below, `${what}: le ${le}`)
      least += (count - below) * bound
      most += count > below ? (count - below) * le : 0
      ;[bound, below] = [le, count]
    }
    assert.deepEqual([bound, below], [Infinity, n], what)
    assert(sum >= least - 1e-9 && sum <= most + 1e-9, `${what}: ${sum} of ${least} to ${most}`)
  }
  return series.size
}

const COUNTED = /_(total|bucket|count|sum)(\{|$)/
const counters = (text) =>
  new Map(
    text
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
      .map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))])
      .filter(([name]) => COUNTED.test(name))
  )

test('what was done is counted, once, and counters only rise', async () => {
  const text = (await get('text/plain')).text
  const before = samples(text)
  const listener = watch(ox, await ox.execute({ ...SWAP, clientOrderId: 'mine' }))
  await listener.closed
  assert.equal((await ox.post('/api/orders/execute', { ...SWAP, clientOrderId: 'mine' })).status, 201)
  const parked = await ox.execute({ ...SWAP, type: 'limit', limitPrice: '100000' })
  assert.equal((await ox.get('/nowhere')).status, 404)
  await until('it to wait', 5000, async () => (await ox.get(`/api/orders/${parked}/status`)).json.status === 'watching')
  const cancel = await request(`${ox.url}/api/orders/${parked}`, { method: 'DELETE' })
  assert.equal(cancel.status, 200)
  const batch = Array.from({ length: 5 }, () => SWAP)
  const placed = await ox.post('/api/orders/batch', batch, { 'Idempotency-Key': 'five' })
  for (const { orderId } of placed.json.orders) await ox.ended(orderId)
  const later = await get('text/plain')
  const now = samples(later.text)

  const rose = (name, labels) => (value(now, name, labels) ?? 0) - (value(before, name, labels) ?? 0)
  const seen = (name, labels) => rose(`${name}_count`, labels)
  assert.equal(rose('ox_orders_accepted_total', { type: 'market' }), 6)
  assert.equal(rose('ox_orders_accepted_total', { type: 'limit' }), 1)
  assert.equal(rose('ox_orders_replayed_total'), 1)
  assert.equal(rose('ox_orders_ended_total', { type: 'market', outcome: 'succeeded' }), 6)
  assert.equal(rose('ox_orders_ended_total', { type: 'limit', outcome: 'cancelled' }), 1)
  assert.equal(seen('ox_order_accept_duration_seconds'), 7)
  assert.equal(seen('ox_order_queue_wait_seconds', { type: 'market' }), 6)
  assert.equal(seen('ox_order_duration_seconds', { type: 'market', outcome: 'succeeded' }), 6)
  assert(seen('ox_order_run_duration_seconds', { type: 'market' }) >= 6)
  const route = { method: 'POST', route: '/api/orders/execute', status: '2xx' }
  assert.equal(seen('ox_http_request_duration_seconds', route), 3)
  assert.equal(seen('ox_http_request_duration_seconds', { route: 'other', status: '4xx' }), 1)
  for (const name of ['ox_journal_commit_duration_seconds', 'ox_event_delay_seconds', 'ox_order_claim_duration_seconds'])
    assert(seen(name) > 0, name)
  assert(seen('ox_venue_call_duration_seconds', { venue: 'raydium', call: 'quote', result: 'ok' }) >= 6)
  const histograms = [...later.text.matchAll(/^# TYPE (\w+) histogram$/gm)].map(([, name]) => name)
  const checked = histograms.map((name) => assertHistogram(now, name))
  assert(checked.reduce((sum, n) => sum + n) > 15)
  const [old, fresh] = [counters(text), counters(later.text)]
  assert(old.size > 100)
  for (const [name, n] of old) assert(fresh.get(name) >= n, `${name}: ${n}, then ${fresh.get(name)}`)
  for (const id of [parked, ...placed.json.orders.map((o) => o.orderId)]) assert(!later.text.includes(id))
})

test('OpenMetrics has the same, with its own names and end', async () => {
  const { text } = await get('application/openmetrics-text')
  assert(text.endsWith('# EOF\n'))
  assert.match(text, /^# TYPE ox_orders_accepted counter\nox_orders_accepted_total\{type="/m)
  for (const [, le] of text.matchAll(/le="([^"]+)"/g)) assert.match(le, /^(\+Inf|\d+\.\d+|\d+e-\d+)$/)
  const named = new Set()
  for (const [, name] of text.matchAll(/^# TYPE (\w+) /gm)) {
    assert(!named.has(name) && !name.endsWith('_total'), name)
    named.add(name)
  }
})

test('the list in docs/metrics.md is the list of what there is', async () => {
  const docs = readFileSync(path.join(ROOT, 'docs/metrics.md'), 'utf8')
  const listed = [...docs.matchAll(/^\| `(\w+)` \| (\w+) \| .*? \| (.*) \|$/gm)].map((m) => m.slice(1))
  const there = parsePrometheus((await get('text/plain')).text).map((f) => [f.name, f.type.toLowerCase(), f.help])
  assert.deepEqual(listed, there)
  for (const [name, type] of there) {
    assert.match(name, /^(ox|process)_[a-z_]+$/)
    assert.equal(name.endsWith('_total'), type === 'counter', name)
  }
})

test('gauges say how things are', async () => {
  const all = await scrape()
  assert.equal(value(all, 'ox_worker_slots'), 10)
  assert.equal(value(all, 'ox_postgres_up'), 1)
  assert.equal(value(all, 'ox_redis_up'), 1)
  assert.equal(value(all, 'ox_queue_orders', { state: 'waiting' }), 0)
  assert.equal(value(all, 'ox_venue_breaker_state', { venue: 'raydium', state: 'closed' }), 1)
  assert.equal(value(all, 'ox_venue_breaker_state', { venue: 'raydium', state: 'open' }), 0)
  assert.equal(value(all, 'ox_build_info'), 1)
  assert(value(all, 'process_resident_memory_bytes') > 1e6)
  assert(value(all, 'process_open_fds') > 5)
  const started = value(all, 'process_start_time_seconds')
  assert(Math.abs(started - Date.now() / 1000) < 600, `started at ${started}`)
})

test('a worker process shows its own on WORKER_PORT', async () => {
  const port = await freePort()
  await world.start({ role: 'worker', env: { WORKER_PORT: String(port), QUEUE_CONCURRENCY: '3' } })
  const url = `http://127.0.0.1:${port}`
  const all = await until('its port', 10000, () => scrape(url).catch(() => null))
  assert.equal(value(all, 'ox_worker_slots'), 3)
  await until('its counts', 5000, async () => (await get('application/json', url)).json.total_orders > 6)
})

test('with Redis away a scrape says so, and leaves out what Redis knows', async () => {
  await redis.stop()
  const all = await until('it to notice', 10000, async () => {
    const now = await scrape()
    return value(now, 'ox_redis_up') === 0 && now
  })
  assert.equal(all.has('ox_queue_orders'), false)
  assert.equal(value(all, 'ox_postgres_up'), 1)
  assert(value(all, 'ox_connections_lost_total', { server: 'redis' }) >= 1)
})
