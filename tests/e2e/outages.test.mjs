// PostgreSQL and Redis stopped, shut down and started again, under load, with workers running: a client is told at
// once what it can expect, and each order that was acknowledged ends once. OUTAGE_MS says how long the long ones
// last: `make outages` has half a minute.
import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { makeDirectory, Postgres, Redis, removeDirectory } from '../chaos/servers.mjs'
import {
  assertHistory,
  assertProblem,
  createWorld,
  request,
  SLOW,
  SWAP,
  SWAP_STATES,
  until,
  watch,
  within
} from './lib.mjs'
import { assertBack, Load, percentile, resources } from './load.mjs'

const OUTAGE_MS = Number(process.env.OUTAGE_MS ?? 5000)
const RESTARTS = Number(process.env.RESTARTS ?? 2)
const CLIENTS = 8
const TOLD_MS = 1500 * SLOW // how soon "at once" is, on a busy machine: a deadline would be 2 s or more

let dir, pg, redis, world, ox, was
before(async () => {
  dir = await mkdtemp('/tmp/ox-outages.')
  await makeDirectory(dir)
  pg = await Postgres.create(path.join(dir, 'pg'))
  redis = await Redis.create(path.join(dir, 'redis'))
  world = await createWorld(
    { REDIS_URL: redis.url(), QUEUE_LEASE_MS: '3000', QUEUE_CONCURRENCY: '20' },
    pg.url('postgres')
  )
  ox = await world.start()
  await warmUp()
  was = await resources(ox)
})
after(async () => {
  if (pg?.alive) pg.thaw()
  if (redis?.alive) redis.thaw()
  await world?.destroy()
  await redis?.end('SIGKILL')
  await pg?.end('SIGQUIT')
  await removeDirectory(dir)
})
afterEach(async () => {
  for (const server of [pg, redis]) {
    server.thaw()
    if (!server.alive) await server.start()
  }
  await ready(true)
  assert(ox.running, `oxd ended:\n${ox.log.slice(-20).join('\n')}`)
})

async function warmUp() {
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(200)
  await allEnd(await load.stop())
}

const ready = (yes) =>
  until(`readyz ${yes ? 200 : 503}`, 20000, async () => {
    const { status } = await ox.get('/readyz')
    return status === (yes ? 200 : 503)
  })

// allEnd() waits until nothing is under way any more, then holds what was acknowledged against the records.
async function allEnd(ids, ms = 60000) {
  await until('every order to end', ms, async () => {
    const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase < 2')
    return n === 0
  })
  await world.auditSwaps(ids)
  const [{ twice }] = await world.sql(`SELECT count(*)::int AS twice FROM (SELECT order_id
    FROM sim.ledger WHERE landed GROUP BY order_id HAVING count(*) > 1) t`)
  assert.equal(twice, 0, 'orders that were swapped twice')
}

const TARGETS = (id) => [
  ...[`/api/orders/${id}`, `/api/orders/${id}/status`, `/api/orders/${id}/events`].map((at) => ['GET', at]),
  ...[['GET', '/queue/stats'], ['GET', '/dlq'], ['DELETE', `/api/orders/${id}`]],
  ...[['POST', '/queue/resume'], ['POST', '/api/orders/execute', SWAP]]
]
// How long each may take while it is not known yet: reading, operating, placing.
const FIRST_MS = [3000, 3000, 3000, 5000, 3000, 4000, 5000, 2000]

// ask() expects the 503 of a PostgreSQL that is away, and gives how long it took.
async function ask([method, target, body]) {
  const began = performance.now()
  const answer = body ? await ox.post(target, body) : await request(ox.url + target, { method })
  const problem = assertProblem(answer, 503)
  assert.match(answer.headers.get('retry-after'), /^[1-9][0-9]*$/, target)
  assert.match(problem.detail, /PostgreSQL/)
  return performance.now() - began
}

// assertAway() is what everybody sees while PostgreSQL is away and that is known.
async function assertAway(id) {
  for (const target of TARGETS(id)) {
    const ms = await ask(target)
    assert(ms < TOLD_MS, `${target[0]} ${target[1]} took ${ms} ms`)
  }
  const upgrade = await watch(ox, id).opened.catch((error) => error)
  assert.equal(upgrade?.status, 503, 'an upgrade is refused')
  assert.equal((await ox.get('/livez')).status, 200)
  const health = await ox.get('/health')
  assert.deepEqual([health.status, health.json.checks.postgres], [503, 'down'])
  assert.equal((await ox.get('/readyz')).status, 503)
}

test('Redis stopped: orders are accepted as fast as ever, and run when it goes on', async (t) => {
  const load = new Load(ox, { clients: CLIENTS })
  await pause(OUTAGE_MS / 2)
  const stoppedAt = performance.now()
  await redis.freeze()
  const listener = watch(ox, await ox.execute())
  await pause(OUTAGE_MS)
  const health = await ox.get('/health')
  assert.deepEqual([health.status, health.json.status], [200, 'degraded'])
  assert.equal((await ox.get('/readyz')).status, 200)
  const goesOnAt = performance.now()
  redis.thaw()
  const ids = await load.stop()
  assert(
    load.answers.every((a) => a.status === 201),
    'every one is accepted'
  )
  const up = load.answers.filter((a) => a.sentMs < stoppedAt)
  const stopped = load.answers.filter((a) => a.sentMs >= stoppedAt && a.sentMs < goesOnAt)
  const [usual, then] = [percentile(up, 99), percentile(stopped, 99)]
  t.diagnostic(
    `p99 of ${up.length} orders with Redis: ${usual.toFixed(1)} ms, of ${stopped.length} without: ${then.toFixed(1)} ms`
  )
  assert(stopped.length > OUTAGE_MS / 100, `only ${stopped.length} orders in ${OUTAGE_MS} ms`)
  assert(then < usual * 5 + 500 * SLOW, `p99 ${then} ms, with Redis ${usual} ms`)
  await allEnd(ids)
  const { code } = await within('the end of the history', 20000, listener.closed)
  assert.equal(code, 1000)
  assertHistory(listener.messages, SWAP_STATES)
  await assertBack(ox, was)
})

test('PostgreSQL stopped: 503, to those who are first within seconds, then at once; it goes on by itself', async (t) => {
  const load = new Load(ox, { clients: CLIENTS })
  await load.more(50)
  const id = load.accepted[0]
  const stoppedAt = performance.now()
  await pg.freeze()
  const first = Promise.all(TARGETS(id).map(ask))
  await ready(false)
  const knownAt = performance.now()
  for (const [i, ms] of (await first).entries())
    assert(ms < FIRST_MS[i] + TOLD_MS, `${TARGETS(id)[i].slice(0, 2)} took ${ms} ms`)
  while (performance.now() < stoppedAt + OUTAGE_MS) {
    await assertAway(id)
    await pause(200)
  }
  const goesOnAt = performance.now()
  pg.thaw()
  await ready(true)
  const backMs = performance.now() - goesOnAt
  await load.more(10)
  const ids = await load.stop()
  const before = load.answers.filter((a) => a.sentMs >= stoppedAt && a.sentMs < knownAt)
  const told = load.answers.filter((a) => a.sentMs >= knownAt && a.sentMs < goesOnAt)
  t.diagnostic(
    `POST: at most ${percentile(before, 100).toFixed(0)} ms until it was known, ` +
      `then ${percentile(told, 100).toFixed(0)} ms (${told.length} of them); ready again after ${backMs.toFixed(0)} ms`
  )
  assert(percentile(before, 100) < 2000 + TOLD_MS, 'nobody waits for longer than the deadline')
  assert(
    told.every((a) => a.status === 503),
    'nothing is acknowledged'
  )
  assert(percentile(told, 95) < TOLD_MS, `p95 ${percentile(told, 95)} ms`)
  await allEnd(ids)
  await assertBack(ox, was)
})

test('silent for long before anybody asks: the first is told at once, too', async () => {
  const shown = await ox.execute()
  await ox.ended(shown)
  const other = await ox.post('/api/orders', { id: 'never-read', amount: 1, status: 'COMPLETED' })
  await pg.freeze()
  await pause(3000 * SLOW)
  await assertAway(other.json.orderId)
  assert.equal((await ox.get(`/api/orders/${shown}`)).status, 200, 'an end is final, and in the cache')
  pg.thaw()
  await ready(true)
})

test('PostgreSQL shut down, in the middle of swaps: 503 at once, a clear word for every request', async () => {
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(50)
  const downAt = performance.now()
  await pg.end('SIGINT')
  await ready(false)
  await assertAway(load.accepted[0])
  await pg.start()
  await ready(true)
  await load.more(50)
  const ids = await load.stop()
  assert(percentile(load.since(downAt), 100) < 2000 + TOLD_MS)
  await allEnd(ids)
  await assertBack(ox, was)
})

test('both started again and again under load, Redis with nothing kept: what was acknowledged ends once', async () => {
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  const crash = (server) => server.restart()
  const shutDown = async (server) => {
    await server.end(server === pg ? 'SIGINT' : 'SIGTERM')
    await pause(300)
    await server.start()
  }
  for (let round = 0; round < RESTARTS; round++) {
    await load.more(40)
    await (round % 2 ? shutDown : crash)(pg)
    await load.more(20)
    await (round % 2 ? crash : shutDown)(redis)
    await load.more(20)
    await Promise.all([crash(pg), crash(redis)])
  }
  await load.more(40)
  await allEnd(await load.stop())
  await assertBack(ox, was)
})
