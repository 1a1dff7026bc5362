// What is measured. A case's measure() runs one side once, from an empty database, and gives figures
// by name; `figures` says which of them are shown, in which unit, and what is better.
import { setTimeout as sleep } from 'node:timers/promises'
import { meter } from './cpu.mjs'
import { postAndFollow, startClock } from './follow.mjs'
import { getFor, postCount, postFor } from './load.mjs'
import { watchPublished } from './published.mjs'
import { startService } from './service.mjs'
import { quantile } from './stats.mjs'
import { SERVERS } from './world.mjs'

export const NO_DELAYS = { QUOTE_DELAY_MS: '0', SWAP_DELAY_MS: '0' }
const SHORT_DELAYS = { QUOTE_DELAY_MS: '10', SWAP_DELAY_MS: '10-30', QUEUE_CONCURRENCY: '10' }
const WARM_UP_S = 2
const WARM_UP_ORDERS = 1000
const LATENCY_WARM_UP_ORDERS = 300
const MAX_ORDERS = 100_000
const DRAIN_MS = 120_000
const STATES = 'pending,routing,building,submitted,confirmed'

// perRequest() gives CPU µs for each of n: the side's own processes, PostgreSQL, Redis, and all of them.
function perRequest(used, n) {
  const us = {}
  let daemon = 0
  for (const [name, seconds] of Object.entries(used)) {
    us[`${name}CpuUs`] = (seconds * 1e6) / n
    if (!(name in SERVERS)) daemon += us[`${name}CpuUs`]
  }
  const total = daemon + us.postgresCpuUs + us.redisCpuUs
  return { ...us, daemonCpuUs: daemon, totalCpuUs: total }
}

export async function withService(side, world, roles, env, measure) {
  const service = await startService(side, world, roles, env)
  try {
    return await measure(service, () => meter({ ...service.pids, ...SERVERS }))
  } finally {
    await service.stop()
  }
}

const now = async (world) => (await world.sql('SELECT clock_timestamp()::text AS at'))[0].at

// ── accepting, reading ───────────────────────────────────────────────────────────────────────────

const accept = (connections) => (side, world, seconds) =>
  withService(side, world, ['api'], {}, async ({ origin }, startMeter) => {
    await postFor(origin, WARM_UP_S, connections)
    await sleep(500)
    const since = await now(world)
    const stop = startMeter()
    const { requests, perS, p50Ms, p99Ms, errors } = await postFor(origin, seconds, connections)
    const { used, foreignPct } = stop()
    const [{ n }] = await world.sql(
      'SELECT count(*)::int AS n FROM orders WHERE created_at > $1::timestamptz',
      [since]
    )
    if (n < requests - errors) throw new Error(`${requests} answers, ${n} orders`)
    return { perS, p50Ms, p99Ms, errors, foreignPct, ...perRequest(used, requests) }
  })

function get(side, world, seconds) {
  return withService(side, world, ['api'], {}, async ({ origin }, startMeter) => {
    const answer = await fetch(`http://${origin}/api/orders/execute`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"tokenIn":"SOL","tokenOut":"USDC","amount":1.5,"slippage":0.01}'
    })
    const path = `/api/orders/${(await answer.json()).orderId}`
    await getFor(origin, path, WARM_UP_S)
    const stop = startMeter()
    const { requests, perS, p50Ms, p99Ms, errors } = await getFor(origin, path, seconds)
    const { used, foreignPct } = stop()
    return { perS, p50Ms, p99Ms, errors, foreignPct, ...perRequest(used, requests) }
  })
}

// ── the whole life of an order ───────────────────────────────────────────────────────────────────

// lifeSince() is what PostgreSQL knows of the orders accepted after a time.
async function lifeSince(world, since) {
  const [life] = await world.sql(
    `SELECT count(*) FILTER (WHERE status = 'pending')::int AS accepted,
            count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
            count(*) FILTER (WHERE status = 'failed')::int AS failed,
            extract(epoch FROM max(at) - min(at))::float8 AS seconds
     FROM order_events WHERE at > $1::timestamptz`,
    [since]
  )
  return life
}

// drained() waits until the service says that nothing is queued or running.
async function drained(origin) {
  const end = Date.now() + DRAIN_MS
  for (;;) {
    const { queue } = await (await fetch(`http://${origin}/api/orders/stats`)).json()
    if (queue.waiting + queue.active + queue.delayed === 0) return
    if (Date.now() > end) throw new Error(`not drained: ${JSON.stringify(queue)}`)
    await sleep(50)
  }
}

// runOrders() has n orders executed, all of them, and gives their life and the CPU they took.
export async function runOrders(world, origin, n, startMeter) {
  const since = await now(world)
  const stop = startMeter()
  const end = Date.now() + DRAIN_MS
  await postCount(origin, n)
  for (;;) {
    await drained(origin)
    const cpu = stop()
    const life = await lifeSince(world, since)
    if (life.accepted !== n) throw new Error(`${n} orders posted, ${life.accepted} accepted`)
    if (life.confirmed === n) return { ...cpu, ...life }
    if (life.failed > 0) throw new Error(`${life.failed} orders failed`)
    if (Date.now() > end) throw new Error(`${n} orders posted, ${life.confirmed} confirmed`)
  }
}

const lifeCycle = (roles, concurrency) => (side, world, seconds) => {
  const env = { ...NO_DELAYS, QUEUE_CONCURRENCY: String(concurrency) }
  return withService(side, world, roles, env, async ({ origin }, startMeter) => {
    const warmUp = await runOrders(world, origin, WARM_UP_ORDERS, startMeter)
    const rate = WARM_UP_ORDERS / warmUp.seconds
    const n = Math.round(Math.min(MAX_ORDERS, Math.max(WARM_UP_ORDERS, rate * seconds)))
    await sleep(500)
    const run = await runOrders(world, origin, n, startMeter)
    const { used, foreignPct } = run
    return { orders: n, perS: n / run.seconds, foreignPct, ...perRequest(used, n) }
  })
}

// ── latency at a low, fixed rate ─────────────────────────────────────────────────────────────────

// delays() gives, for each status that came while its socket was open, the time from the stamp of its row
// in PostgreSQL (taken before the commit), and from its publication in Redis.
async function delays(side, world, followed, published, wallTime) {
  const rows = await world.sql(
    `SELECT order_id, status, extract(epoch FROM at)::float8 * 1000 AS ms FROM order_events`
  )
  const recorded = new Map(rows.map((r) => [`${r.order_id} ${r.status}`, r.ms]))
  const fromRow = []
  const fromPublication = []
  for (const { orderId, openAt, statuses } of followed) {
    const openMs = wallTime(openAt)
    for (const [status, at] of statuses) {
      const ms = recorded.get(`${side.storedId(orderId)} ${status}`)
      if (ms < openMs) continue
      fromRow.push(wallTime(at) - ms)
      const publishedMs = published.get(`${orderId} ${status}`)
      if (publishedMs !== undefined) fromPublication.push(wallTime(at) - publishedMs)
    }
  }
  return { fromRow, fromPublication }
}

const latency = (perS) => (side, world, seconds) =>
  withService(side, world, side.usualRoles, SHORT_DELAYS, async ({ origin }, startMeter) => {
    await runOrders(world, origin, LATENCY_WARM_UP_ORDERS, startMeter)
    const monitor = await watchPublished()
    await sleep(500)
    const stopClock = startClock()
    const stop = startMeter()
    const { followed, postMs } = await postAndFollow(origin, perS, seconds)
    const { used, foreignPct } = stop()
    const wallTime = stopClock()
    const published = await monitor.stop()
    const whole = followed.filter((f) => [...f.statuses.keys()].join() === STATES).length
    if (whole !== followed.length) throw new Error(`${whole} of ${followed.length} streams were whole`)
    const { fromRow, fromPublication } = await delays(side, world, followed, published, wallTime)
    return {
      samples: fromRow.length,
      rowP50Ms: quantile(fromRow, 0.5),
      rowP99Ms: quantile(fromRow, 0.99),
      publishedP50Ms: quantile(fromPublication, 0.5),
      publishedP99Ms: quantile(fromPublication, 0.99),
      postP50Ms: quantile(postMs, 0.5),
      postP99Ms: quantile(postMs, 0.99),
      foreignPct,
      ...perRequest(used, followed.length)
    }
  })

// ── the table ────────────────────────────────────────────────────────────────────────────────────

const rate = (of) => ({ key: 'perS', label: `${of}/s`, more: true })
const answers = [
  { key: 'p50Ms', label: 'answer p50, ms' },
  { key: 'p99Ms', label: 'answer p99, ms' }
]
const cpu = (of) => [
  { key: 'totalCpuUs', label: `CPU per ${of}, µs` },
  { key: 'daemonCpuUs', label: '… service', part: true },
  { key: 'postgresCpuUs', label: '… PostgreSQL', part: true },
  { key: 'redisCpuUs', label: '… Redis', part: true }
]
const statuses = [
  { key: 'rowP50Ms', label: 'row written → listener p50, ms' },
  { key: 'rowP99Ms', label: 'row written → listener p99, ms' },
  { key: 'publishedP50Ms', label: 'published → listener p50, ms' },
  { key: 'publishedP99Ms', label: 'published → listener p99, ms' },
  { key: 'postP50Ms', label: 'POST p50, ms' },
  { key: 'postP99Ms', label: 'POST p99, ms' },
  { key: 'totalCpuUs', label: 'CPU per order, µs' }
]
const life = (title, roles, concurrency) => ({
  title: `${title}, concurrency ${concurrency}`,
  measure: lifeCycle(roles, concurrency),
  figures: [rate('orders'), ...cpu('order')]
})
const accepting = (connections) => ({
  title: `POST, ${connections} connections, no worker`,
  measure: accept(connections),
  figures: [rate('orders'), ...answers, ...cpu('order')]
})
const ALL = ['all']
const SPLIT = ['api', 'worker']

export const CASES = {
  accept: accepting(64),
  'accept-256': accepting(256),
  get: {
    title: 'GET one order, 64 connections',
    measure: get,
    figures: [rate('requests'), ...answers, ...cpu('request')]
  },
  'life-10': life('Life-cycle, one process', ALL, 10),
  'life-100': life('Life-cycle, one process', ALL, 100),
  'life-split-10': life('Life-cycle, API and worker', SPLIT, 10),
  'life-split-100': life('Life-cycle, API and worker', SPLIT, 100),
  'latency-10': { title: '10 orders/s', measure: latency(10), figures: statuses },
  'latency-100': { title: '100 orders/s', measure: latency(100), figures: statuses }
}
