// Accepting, reading and listing beside few orders that ended, and beside many.
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { meter } from './cpu.mjs'
import { growHistory, orderId, RARE_TOKEN, STEP_MS } from './grow.mjs'
import { getEachFor, postFor } from './load.mjs'
import { settled } from './memory.mjs'
import { ROOT, SIDES, startService } from './service.mjs'
import { median } from './stats.mjs'
import { undisturbed } from './undisturbed.mjs'
import { SERVERS } from './world.mjs'

const OUT = `${ROOT}bench/out`
const RECENT = 1000
const PATHS_MAX = 300_000
const PAGES = 6000
const PAGE = 20
const LIMITS = 5 // a cursor is good for pages of any size, and each is kept apart
const LIST_CONNECTIONS = 8
const AT_ONCE = 16
const ASKED = 5
const WARM_UP_S = 1
const WARM_UP_MAX_S = 8
const SETTLE_MS = 3000

const range = (n, of) => Array.from({ length: n }, (_, i) => of(i))
const anyOf = (n) => Math.floor(Math.random() * n)

async function ask(origin, path, headers = {}) {
  const answer = await fetch(`http://${origin}${path}`, { headers })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${text}`)
  return text
}

// far() gives a time to come, another each time: what is listed up to it is the newest, and kept for nobody.
let distance = 0
const far = () => new Date(Date.UTC(2100, 0, 1) + distance++).toISOString()
const newest = (filter) => range(PAGES, () => `/api/orders?limit=${PAGE}&${filter}to=${far()}`)

// deepPages() gives second pages, behind cursors all over the history.
async function deepPages(origin, { n, firstMs }) {
  const pages = []
  const cursors = Math.ceil(PAGES / LIMITS)
  async function work() {
    while (pages.length < cursors) {
      const to = new Date(firstMs + (PAGE + anyOf(n - PAGE)) * STEP_MS).toISOString()
      const { nextCursor } = JSON.parse(await ask(origin, `/api/orders?limit=1&to=${to}`))
      if (nextCursor) pages.push(`to=${to}&cursor=${nextCursor}`)
    }
  }
  await Promise.all(range(AT_ONCE, work))
  return pages.flatMap((page) => range(LIMITS, (i) => `/api/orders?limit=${PAGE + i - 2}&${page}`))
}

const orderPaths = (numbers, firstMs) => numbers.map((i) => `/api/orders/${orderId(firstMs, i)}`)

// Each case gives the paths that are asked for.
const READS = {
  'get-recent': ({ n, firstMs }) => orderPaths(range(RECENT, (i) => n - 1 - i), firstMs),
  'get-any': ({ n, firstMs }) => orderPaths(range(PATHS_MAX, () => anyOf(n)), firstMs),
  'list-first': () => newest(''),
  'list-failed': () => newest('status=failed&'),
  'list-rare': () => newest(`tokenIn=${RARE_TOKEN}&`),
  'list-deep': (side, origin) => deepPages(origin, side)
}

async function metered(service, run) {
  const stop = meter({ ...service.pids, ...SERVERS })
  const { requests, perS, p50Ms, p99Ms, errors } = await run()
  const { used, foreignPct } = stop()
  if (errors) throw new Error(`${errors} of ${requests} requests failed`)
  const cpuUs = (1e6 * (used.api + used.postgres + used.redis)) / requests
  return { perS, p50Ms, p99Ms, cpuUs, foreignPct }
}

// warmUp() asks for all of it once, as far as there is time: a process' first look at a page of shared
// memory costs more than all the others.
async function warmUp(run, n) {
  const { perS } = await run(WARM_UP_S)
  if (perS * WARM_UP_S < n) await run(Math.ceil(Math.min(n / perS, WARM_UP_MAX_S)))
}

async function measureReads(service, side, seconds, names, into) {
  for (const name of names) {
    const file = `${OUT}/paths`
    const paths = await READS[name](side, service.origin)
    writeFileSync(file, `${paths.join('\n')}\n`)
    const connections = name.startsWith('list') ? LIST_CONNECTIONS : undefined
    const run = (s) => getEachFor(service.origin, file, s, connections)
    await warmUp(run, paths.length)
    into(name, await undisturbed(() => metered(service, () => run(seconds))))
  }
}

async function measureAccept(service, seconds, into) {
  await postFor(service.origin, WARM_UP_S)
  into('accept', await undisturbed(() => metered(service, () => postFor(service.origin, seconds))))
}

const JSON_ONLY = { accept: 'application/json' }
const SEEN = ['/api/orders/stats', '/queue/stats', '/dlq', '/health', '/metrics']

// What is asked for seldom, and may count: the slowest of a few answers, the first one among them.
async function measureSeen({ origin }, into) {
  for (const path of SEEN) {
    const ms = []
    for (let i = 0; i < ASKED; i++) {
      const begun = performance.now()
      await ask(origin, path, JSON_ONLY)
      ms.push(performance.now() - begun)
    }
    into(path, { ms: Math.max(...ms) })
  }
}

async function serve(side, env, measure) {
  const begun = performance.now()
  const service = await startService(SIDES.ox, side.world, ['api'], env)
  try {
    await measure(service, performance.now() - begun)
  } finally {
    await service.stop()
  }
}

// One start alone may come upon a disk or a core that is busy.
async function measureStart(side, into) {
  const starts = []
  for (let i = 0; i < ASKED; i++) await serve(side, {}, (_, ms) => starts.push(ms))
  into('start', { ms: median(starts) })
}

// warm() reads what is looked up into memory, as far as that goes: others' files may have taken its place.
async function warm({ world }) {
  await world.sql('CREATE EXTENSION IF NOT EXISTS pg_prewarm')
  await world.sql("SELECT pg_prewarm('orders'), pg_prewarm('orders_pkey')")
  await sleep(SETTLE_MS)
}

async function measureSide(servers, side, { seconds }, into) {
  await servers.redis('FLUSHALL')
  await warm(side)
  await measureStart(side, into)
  await serve(side, {}, async (service) => {
    await measureSeen(service, into)
    await measureReads(service, side, seconds, Object.keys(READS), into)
    await measureAccept(service, seconds, into)
    into('memory', await settled(service.pids.api))
  })
  await warm(side) // what was accepted took the place of others
  await serve(side, { CACHE_TTL_S: '0' }, (service) =>
    measureReads(service, side, seconds, ['get-any'], (_, figures) => into('get-read', figures))
  )
}

// ── the sides ────────────────────────────────────────────────────────────────────────────────────

const nameOf = (n) => `ox_bench_${n}`

// grown() gives what is there already of a history of n, or undefined.
async function grown(servers, n) {
  const world = await servers.findWorld(nameOf(n))
  if (!world) return
  const [{ known }] = await world.sql(
    `SELECT shobj_description(oid, 'pg_database') AS known FROM pg_database
     WHERE datname = current_database()`
  )
  if (known) return { world, ...JSON.parse(known) }
  await world.leave()
}

async function create(servers, n) {
  const world = await servers.createWorld(nameOf(n))
  const setUp = await startService(SIDES.ox, world, ['api'], {})
  await setUp.stop()
  const begun = performance.now()
  const firstMs = await growHistory(world, n)
  const grownS = (performance.now() - begun) / 1000
  const [{ bytes }] = await world.sql('SELECT pg_database_size(current_database())::float8 AS bytes')
  const known = JSON.stringify({ n, firstMs, grownS, bytes })
  await world.sql(`COMMENT ON DATABASE ${nameOf(n)} IS '${known}'`)
  console.error(`  ${known}`)
  return { world, n, firstMs, grownS, bytes }
}

async function growAll(servers, sizes) {
  const sides = []
  for (const n of [...sizes].reverse())
    sides.unshift((await grown(servers, n)) ?? (await create(servers, n)))
  return sides
}

// shrink() takes back what was accepted meanwhile: the next round begins as this one did. The indexes too: of
// a table so large VACUUM would pass over them, and whoever lists the newest would walk over who was there.
async function shrink({ world }) {
  const accepted = 'SELECT order_id FROM orders WHERE completed_at IS NULL AND NOT by_hand'
  for (const table of ['steps', 'orders']) {
    await world.sql(`DELETE FROM ${table} WHERE order_id IN (${accepted})`)
    await world.sql(`VACUUM (ANALYZE, INDEX_CLEANUP on) ${table}`)
  }
  await world.sql(
    'DELETE FROM accepts WHERE NOT EXISTS (SELECT FROM orders o WHERE o.order_id = order_ids[1])'
  )
  await world.sql('VACUUM (ANALYZE, INDEX_CLEANUP on) accepts')
  await world.sql('CHECKPOINT')
}

// growHistories() makes those that are not there yet. They stay as long as their server does.
export async function growHistories(servers, sizes) {
  for (const { world } of await growAll(servers, sizes)) await world.leave()
}

// measureHistory() takes turns between the sizes; the order changes with each round.
export async function measureHistory(servers, { history, rounds, ...options }) {
  mkdirSync(OUT, { recursive: true })
  const sides = (await growAll(servers, history)).map((side) => ({ ...side, runs: {} }))
  for (let round = 0; round < rounds; round++) {
    for (const side of round % 2 ? [...sides].reverse() : sides) {
      await shrink(side)
      await measureSide(servers, side, options, (name, figures) => {
        side.runs[name] ??= []
        side.runs[name].push(figures)
        console.error(`  ${side.n} ${name}: ${JSON.stringify(figures)}`)
      })
    }
  }
  for (const side of sides) await shrink(side)
  for (const side of sides) await side.world.leave()
  return sides.map(({ n, grownS, bytes, runs }) => ({ n, grownS, bytes, runs }))
}
