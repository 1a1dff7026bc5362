// Venues in trouble: tests/plugin/moody.c brings two, east (the better one) and west, whose moods a test sets.
import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, beforeEach, test } from 'node:test'
import { OXD, assertHistory, assertProblem, createWorld, SWAP, SWAP_STATES, ulidToUuid, until } from './lib.mjs'

const FAILURES = 3
const built = path.dirname(OXD)
let world, daemon, dir

before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ox-plugins-'))
  for (const file of ['plugins/market.so', 'plugins/tokens.json', 'tests/plugin/moody.so'])
    await symlink(path.join(built, file), path.join(dir, path.basename(file)))
  world = await createWorld({
    EXECUTOR_DIR: dir,
    BREAKER_FAILURES: String(FAILURES),
    BREAKER_OPEN_MS: '300',
    VENUE_DEADLINE_MS: '200',
    VENUE_RETRY_PERCENT: '0',
    QUEUE_BACKOFF_MS: '10',
    QUEUE_LEASE_MS: '3000',
    QUEUE_CONCURRENCY: '4',
    QUEUE_RATE_LIMIT: '10000',
    JOB_DEADLINE_MS: '20000'
  })
  daemon = await world.start()
})
after(async () => {
  await world.destroy()
  await rm(dir, { recursive: true })
})

const send = (method, target, body, to) =>
  to.get(target, {
    method,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body)
  })
const moods = async (body, to = daemon) => {
  const answer = await send('PUT', '/test/moods', body, to)
  assert.equal(answer.status, 200, answer.text)
  return answer.json
}
const venues = async (of = daemon) => (await of.get('/health')).json.checks.venues
const states = async (of) => Object.values(await venues(of)).map((v) => v.state)
const quote = (of = daemon) => of.get('/api/quote?tokenIn=SOL&tokenOut=USDC&amount=1')
const starts = async () => (await daemon.get('/api/orders/stats')).json.rateLimit.usedInWindow
const logged = (text, of = daemon) => of.log.filter((line) => line.includes(text)).length

// What the order's building event says each venue answered, and where it went.
const record = async (id) => {
  const { json } = await daemon.get(`/api/orders/${id}/events`)
  const { quotes, route } = json.events.find((e) => e.status === 'building').data
  return [quotes.map((q) => q.error ?? 'OK'), route.dex]
}

beforeEach(async () => {
  await moods({ east: 'well', west: 'well' })
  await send('POST', '/test/reset', {}, daemon)
  assert.deepEqual(await states(), ['closed', 'closed'])
})

test('both well: the better one', async () => {
  const id = await daemon.execute()
  assert.equal((await daemon.ended(id)).status, 'confirmed')
  assert.deepEqual(await record(id), [['OK', 'OK'], 'east'])
  assert.deepEqual(await venues(), {
    east: { state: 'closed', failures: 0, retryInMs: 0 },
    west: { state: 'closed', failures: 0, retryInMs: 0 }
  })
})

test('one away: orders go to the other, the breaker opens, the event says so; then it is back', async () => {
  await moods({ east: 'away' })
  for (let i = 0; i < FAILURES; i++) {
    const id = await daemon.execute()
    assert.equal((await daemon.ended(id)).attempt, 1)
    assert.deepEqual(await record(id), [['UNAVAILABLE', 'OK'], 'west'])
  }
  assert.equal((await venues()).east.state, 'open')
  const health = await daemon.get('/health')
  assert.deepEqual([health.status, health.json.status], [200, 'degraded'])
  assert.equal((await daemon.get('/readyz')).status, 200)
  assert(logged("a venue's breaker opens") > 0)
  // probes come to nothing, so that most orders find it open
  await until('an order that was not sent there', 5000, async () => {
    const id = await daemon.execute()
    assert.equal((await daemon.ended(id)).status, 'confirmed')
    return (await record(id))[0][0] === 'BREAKER_OPEN'
  })
  const closes = logged("a venue's breaker closes")
  await moods({ east: 'well' })
  await until('east to be taken again', 10000, async () => {
    const id = await daemon.execute()
    await daemon.ended(id)
    return (await record(id))[1] === 'east'
  })
  assert.equal((await venues()).east.state, 'closed')
  assert.equal(logged("a venue's breaker closes"), closes + 1)
  assert.equal((await daemon.get('/health')).json.status, 'ok')
})

test('one that never answers holds nobody up for longer than the deadline', async () => {
  await moods({ east: 'deaf' })
  const ids = []
  for (let i = 0; i < FAILURES + 2; i++) ids.push(await daemon.execute())
  for (const id of ids) assert.equal((await daemon.ended(id)).dex, 'west')
  assert.deepEqual(await record(ids[0]), [['TIMEOUT', 'OK'], 'west'])
  assert.notEqual((await venues()).east.state, 'closed')
})

async function openBoth() {
  await moods({ east: 'away', west: 'away' })
  await until('both to open', 5000, async () => {
    assertProblem(await quote(), 503)
    return !(await states()).includes('closed')
  })
}

test('both open: the order waits for a probe, as one start and one attempt', async () => {
  await openBoth()
  const [before, ids] = [await starts(), []]
  for (let i = 0; i < 8; i++) ids.push(await daemon.execute()) // twice as many as there are workers
  const running = async () => (await daemon.get('/api/orders/stats')).json.queue
  await until('four to run', 5000, async () => (await running()).active === 4)
  const probes = logged('a venue is probed')
  await until('probes to come to nothing', 10000, () => logged('a venue is probed') >= probes + 6)
  for (const id of ids)
    assert((await daemon.get(`/api/orders/${id}`)).json.attempt === 1, 'no attempt is counted')
  assert.equal((await starts()) - before, 4, 'one start for each that runs')
  await moods({ east: 'well' })
  for (const id of ids) {
    const order = await daemon.ended(id)
    assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
    const { json } = await daemon.get(`/api/orders/${id}/events`)
    assertHistory(json.events, SWAP_STATES)
  }
  assert.equal((await starts()) - before, 8)
})

test('GET /api/quote does not wait: 503, and each venue by name', async () => {
  await openBoth()
  const problem = assertProblem(await quote(), 503)
  assert.equal(problem.code, 'NO_ROUTE')
  assert.match(problem.detail, /east (BREAKER_OPEN|UNAVAILABLE), west (BREAKER_OPEN|UNAVAILABLE)/)
  assert.equal(problem.retryable, true)
})

test('plugins close breakers: one by its name, all from the desk', async () => {
  await openBoth()
  await send('POST', '/test/reset/east', {}, daemon)
  assert.equal((await venues()).east.state, 'closed')
  assert.notEqual((await venues()).west.state, 'closed')
  await send('POST', '/test/reset', {}, daemon)
  assert.deepEqual(await states(), ['closed', 'closed'])
})

test('a transaction that was sent is looked for whatever the breaker says, and landed once', async () => {
  const landed = await moods({ east: 'mute' }) // it lands there, but nobody is told
  const id = await daemon.execute()
  await until('the order to be submitted', 5000, async () => {
    return (await daemon.get(`/api/orders/${id}`)).json.status === 'submitted'
  })
  await openBoth()
  await until('the breaker to have been probed', 5000, () => logged('a venue is probed') > 0)
  assert.equal((await daemon.get(`/api/orders/${id}`)).json.status, 'submitted')
  await moods({ east: 'well' })
  const order = await daemon.ended(id)
  assert.deepEqual([order.status, order.attempt, order.dex], ['confirmed', 1, 'east'])
  assert.equal((await moods({})).east, landed.east + 1)
})

test('who loses an order while it is told that it has landed sends no other', async () => {
  const { east, west } = await moods({ east: 'slow' })
  const id = await daemon.execute()
  await until('it to land', 5000, async () => (await moods({})).east === east + 1)
  const lost = logged('session lost')
  await world.exec(`UPDATE worker_sessions SET expires_at = '-infinity'`)
  await until('the session to be lost', 5000, () => logged('session lost') > lost)
  await moods({ east: 'well' })
  const order = await daemon.ended(id)
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
  const now = await moods({})
  assert.deepEqual([now.east, now.west], [east + 1, west])
  const [{ n }] = await world.sql(
    `SELECT count(*)::int AS n FROM fills WHERE order_id = '${ulidToUuid(id)}'`
  )
  assert.equal(n, 1)
})

test('submits that fail open it though its quotes are good', async () => {
  await moods({ east: 'mute' })
  const ids = []
  for (let i = 0; i < FAILURES; i++) ids.push(await daemon.execute())
  await until('east to open', 10000, async () => (await venues()).east.state !== 'closed')
  const other = await daemon.execute()
  assert.equal((await daemon.ended(other)).dex, 'west')
  await moods({ east: 'well' })
  for (const id of ids) assert.equal((await daemon.ended(id)).status, 'confirmed')
})

test('a drain ends the wait: the order is released, and another process fills it', async () => {
  await daemon.stop()
  const second = await world.start({ env: { DRAIN_TIMEOUT_MS: '3000' } })
  await moods({ east: 'away', west: 'away' }, second)
  for (let i = 0; i < FAILURES; i++) await quote(second)
  const id = await second.execute()
  await until('it to wait', 5000, async () => {
    return (await second.get(`/api/orders/${id}`)).json.status === 'routing'
  })
  await second.stop()
  daemon = await world.start()
  const order = await daemon.ended(id)
  assert.deepEqual([order.status, order.attempt], ['confirmed', 1])
})
