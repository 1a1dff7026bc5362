// What the machine itself takes, measured in the same rounds: the raw limits that ox is held against.
// A limit's measure() gets the runs so far, and gives figures by name, as a case's does.
import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { NO_DELAYS, runOrders, withService } from './cases.mjs'
import { meter } from './cpu.mjs'
import { getFor, postFor } from './load.mjs'
import { ROOT, SIDES, startBareHttp } from './service.mjs'
import { median, quantile } from './stats.mjs'
import { REDIS_URLS, SERVERS } from './world.mjs'

const run = promisify(execFile)
const SECONDS_MAX = 4
const ORDER = readFileSync(`${ROOT}bench/order.json`, 'utf8')

// ── PostgreSQL ───────────────────────────────────────────────────────────────────────────────────

const ROWS = 200
export const IN_FLIGHT = [1, 2, 4]
const AT_ONCE = 10
const CHAIN_IN_FLIGHT = [1, 2, 10]
const CHAIN_ORDERS = 1000
const PACED = { perS: 100, connections: 20 }

// Of an order what an accept writes: a key that grows, JSON, times, words. No second index, no event.
const TABLE = `
  DROP TABLE IF EXISTS bare;
  CREATE TABLE bare (order_id uuid PRIMARY KEY, tenant text NOT NULL, type text NOT NULL,
                     status text NOT NULL, payload json NOT NULL,
                     created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL)`

// Each transaction's ids begin with 16 digits of its own, which grow with time.
const INSERT = `\\set n :n + 1
\\set prefix :n * 10000 + :client_id
INSERT INTO bare
  SELECT (:prefix::text || suffix)::uuid, tenant, type, status, payload,
         statement_timestamp(), statement_timestamp()
  FROM unnest(:suffixes::text[], :tenants::text[], :types::text[], :statuses::text[],
              :payloads::json[]) AS t (suffix, tenant, type, status, payload);
`

const arrayOf = (items) => `{${items.map((item) => JSON.stringify(item)).join()}}`
const variablesOf = (rows) => ({
  n: '100000000000',
  suffixes: arrayOf(Array.from({ length: rows }, (_, i) => String(i + 1).padStart(16, '0'))),
  tenants: arrayOf(Array(rows).fill('default')),
  types: arrayOf(Array(rows).fill('market')),
  statuses: arrayOf(Array(rows).fill('pending')),
  payloads: arrayOf(Array(rows).fill(ORDER))
})

// runPgbench() inserts so many rows with each transaction, over so many connections, and gives what
// pgbench prints.
async function runPgbench(world, { rows, inFlight, seconds, more = [], cwd }) {
  await world.sql(TABLE)
  const variables = Object.entries(variablesOf(rows)).flatMap(([name, value]) => [
    '-D',
    `${name}=${value}`
  ])
  const args = [
    ...['-n', '-M', 'prepared', '-c', inFlight, '-j', 1, '-T', seconds].map(String),
    ...[...more, ...variables, '-f', '-', world.env.DATABASE_URL]
  ]
  const bench = run('pgbench', args, { cwd })
  bench.child.stdin.end(INSERT)
  return (await bench).stdout
}

// pgbench() gives the rows per second that come in by transactions of so many rows, so many of them at
// a time.
async function pgbench(world, { rows, inFlight, seconds }) {
  const stdout = await runPgbench(world, { rows, inFlight, seconds })
  return rows * Number(stdout.match(/tps = ([\d.]+)/)[1])
}

// beside() has the load generator take answers from the bare HTTP server at a rate while work() runs.
async function beside(perS, seconds, work) {
  const http = await startBareHttp(perS)
  try {
    const stop = meter({ ...SERVERS, ...http.pids })
    const [load, result] = await Promise.all([postFor(http.origin, seconds), work()])
    return { result, loadPerS: load.perS, foreignPct: stop().foreignPct }
  } finally {
    await http.stop()
  }
}

async function insertRows(world, secondsEach, { accept }) {
  const seconds = Math.min(secondsEach, SECONDS_MAX)
  const insert = (inFlight) => pgbench(world, { rows: ROWS, inFlight, seconds })
  const figures = {}
  const stop = meter(SERVERS)
  for (const n of IN_FLIGHT) figures[`alone${n}`] = await insert(n)
  const foreign = [stop().foreignPct]
  if (accept?.ox) {
    const perS = Math.round(median(accept.ox.map((r) => r.perS)))
    const rates = []
    for (const n of IN_FLIGHT) {
      const { result, loadPerS, foreignPct } = await beside(perS, seconds, () => insert(n))
      figures[`loaded${n}`] = result
      rates.push(loadPerS)
      foreign.push(foreignPct)
    }
    figures.loadPerS = Math.min(...rates)
  }
  return { ...figures, foreignPct: Math.max(...foreign) }
}

// flushes() is how often PostgreSQL has had its log written to the disk, as far as those who did have
// disconnected.
async function flushes(world) {
  return Number((await world.sql('SELECT wal_sync FROM pg_stat_wal'))[0].wal_sync)
}

// One order at a time, so that no commit is for two: how many commits, one after another, is an order?
async function commitsPerOrder(world) {
  const before = await flushes(world)
  const env = { ...NO_DELAYS, QUEUE_CONCURRENCY: '1' }
  await withService(SIDES.ox, world, ['all'], env, ({ origin }, startMeter) =>
    runOrders(world, origin, CHAIN_ORDERS, startMeter)
  )
  return ((await flushes(world)) - before) / CHAIN_ORDERS
}

// Ten orders at a time may share commits or not; whichever way is the fastest is the limit.
async function chain(world, secondsEach) {
  const seconds = Math.min(secondsEach, SECONDS_MAX)
  const flushesPerOrder = await commitsPerOrder(world)
  const commits = Math.round(flushesPerOrder)
  const stop = meter(SERVERS)
  const single = await pgbench(world, { rows: 1, inFlight: 1, seconds })
  const figures = { flushesPerOrder, commitMs: 1000 / single }
  for (const n of CHAIN_IN_FLIGHT) {
    const rows = AT_ONCE / n
    figures[`chain${n}`] = (await pgbench(world, { rows, inFlight: n, seconds })) / commits
  }
  const { foreignPct } = stop()
  const chainPerS = Math.max(...CHAIN_IN_FLIGHT.map((n) => figures[`chain${n}`]))
  return { ...figures, chainPerS, foreignPct }
}

// The third column of pgbench's log: microseconds since the transaction was due.
const tookMs = (line) => Number(line.split(' ')[2]) / 1000

// Commits at a steady rate, each timed from when it was due: what PostgreSQL and its disk
// take when nobody hurries them.
async function paced(world, seconds) {
  const cwd = mkdtempSync(`${tmpdir()}/ox-pgbench-`)
  const stop = meter(SERVERS)
  try {
    const more = ['-R', String(PACED.perS), '-l']
    await runPgbench(world, { rows: 1, inFlight: PACED.connections, seconds, more, cwd })
    const lines = readdirSync(cwd).flatMap((name) =>
      readFileSync(`${cwd}/${name}`, 'utf8').trim().split('\n')
    )
    const took = lines.map(tookMs)
    return {
      commitP50Ms: quantile(took, 0.5),
      commitP99Ms: quantile(took, 0.99),
      foreignPct: stop().foreignPct
    }
  } finally {
    rmSync(cwd, { recursive: true })
  }
}

// ── Redis ────────────────────────────────────────────────────────────────────────────────────────

const PIPELINED = { depth: 100, requests: 300_000 }
const ONE_BY_ONE = { depth: 1, requests: 15_000 }
const COMMANDS = {
  Xadd: ['XADD', 'bare:stream', '*', 'order', ORDER],
  Lpush: ['LPUSH', 'bare:list', '01KAJ3W8QZ5M1T9GQ2B7C4D6EF'],
  Zadd: ['ZADD', 'bare:set', '__rand_int__', '01KAJ3W8QZ5M:__rand_int__']
}

function redisAddress() {
  const { socket, url } = REDIS_URLS
  const { hostname, port, password } = new URL(url)
  const path = socket.match(/^unix:\/\/[^@]*@(.+)$/)?.[1]
  return [...(path ? ['-s', path] : ['-h', hostname, '-p', port]), '-a', password]
}

// redisBenchmark() gives commands per second over one connection.
async function redisBenchmark(command, { depth, requests }) {
  const { stdout } = await run('redis-benchmark', [
    ...[...redisAddress(), '-q', '-c', '1', '-P', depth, '-n', requests].map(String),
    ...['-r', '100000000', ...command]
  ])
  return Number(stdout.match(/([\d.]+) requests per second/)[1])
}

async function redis() {
  const stop = meter(SERVERS)
  const figures = {}
  for (const [name, command] of Object.entries(COMMANDS)) {
    figures[`pipelined${name}`] = await redisBenchmark(command, PIPELINED)
    figures[`single${name}`] = await redisBenchmark(command, ONE_BY_ONE)
  }
  return { ...figures, foreignPct: stop().foreignPct }
}

// ── HTTP ─────────────────────────────────────────────────────────────────────────────────────────

async function http(world, secondsEach) {
  const seconds = Math.min(secondsEach, SECONDS_MAX)
  const { origin, pids, stop } = await startBareHttp(0)
  try {
    const stopMeter = meter({ ...SERVERS, ...pids })
    const post = await postFor(origin, seconds)
    const get = await getFor(origin, '/api/orders', seconds)
    const { foreignPct } = stopMeter()
    return { postPerS: post.perS, getPerS: get.perS, postP99Ms: post.p99Ms, foreignPct }
  } finally {
    await stop()
  }
}

// ── the table ────────────────────────────────────────────────────────────────────────────────────

const inFlight = (n) => `${n} transaction${n > 1 ? 's' : ''} in flight`

export const LIMITS = {
  'limit-rows': {
    title: `PostgreSQL, transactions of ${ROWS} rows by unnest`,
    measure: insertRows,
    figures: [
      ...IN_FLIGHT.map((n) => ({ key: `alone${n}`, label: `rows/s, ${inFlight(n)}` })),
      ...IN_FLIGHT.map((n) => ({
        key: `loaded${n}`,
        label: `rows/s beside the load, ${inFlight(n)}`
      })),
      { key: 'loadPerS', label: '… answers/s to the load, at least' }
    ]
  },
  'limit-chain': {
    title: `PostgreSQL, commits one after another, ${AT_ONCE} orders at a time`,
    measure: chain,
    figures: [
      { key: 'commitMs', label: 'a commit of one row, ms' },
      { key: 'flushesPerOrder', label: 'commits per order of ox, one order at a time' },
      ...CHAIN_IN_FLIGHT.map((n) => ({
        key: `chain${n}`,
        label: `orders/s of so many commits, ${inFlight(n)} of ${AT_ONCE / n}`
      }))
    ]
  },
  'limit-commit': {
    title: `PostgreSQL, ${PACED.perS} commits of one row a second`,
    measure: paced,
    figures: [
      { key: 'commitP50Ms', label: 'from when it was due, p50, ms' },
      { key: 'commitP99Ms', label: '… p99, ms' }
    ]
  },
  'limit-redis': {
    title: 'Redis, one connection',
    measure: redis,
    figures: Object.keys(COMMANDS).flatMap((name) => [
      { key: `pipelined${name}`, label: `${name.toUpperCase()}/s, ${PIPELINED.depth} pipelined` },
      { key: `single${name}`, label: `${name.toUpperCase()}/s, one by one` }
    ])
  },
  'limit-http': {
    title: 'libwebsockets, a fixed 201, 64 connections',
    measure: http,
    figures: [
      { key: 'postPerS', label: 'POST answers/s' },
      { key: 'getPerS', label: 'GET answers/s' },
      { key: 'postP99Ms', label: 'POST p99, ms' }
    ]
  }
}
