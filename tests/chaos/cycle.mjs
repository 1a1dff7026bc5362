// One cycle: a world, load, faults; then all is healed, everything comes to rest, and the checker judges.
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { OXD, until } from '../e2e/lib.mjs'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { readFile } from 'node:fs/promises'
import { Books } from './books.mjs'
import { check, readFacts } from './checker.mjs'
import { Clients, GROUPS } from './clients.mjs'
import { FAULTS, wakeStopped } from './faults.mjs'
import { Random } from './random.mjs'
import { makeDirectory, Postgres, Redis } from './servers.mjs'
import { World } from './world.mjs'

const run = promisify(execFile)
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
const TX_SLACK_MS = 2000 // what a transaction of the simulated venues lives beyond the longest swap

// ── a lane: servers that serve one cycle after the other ────────────────────────────────────────

export class Lane {
  static async create(dir, shim) {
    const lane = new Lane()
    await mkdir(dir, { recursive: true })
    await makeDirectory(dir)
    lane.pg = await Postgres.create(path.join(dir, 'pg'), shim)
    lane.redis = await Redis.create(path.join(dir, 'redis'), shim)
    await lane.#makeTemplate()
    lane.cycles = 0
    lane.oxd = OXD // whom the cycles are of: mutants take turns
    return lane
  }

  // The database that those of the cycles are copies of: migrated by the daemon's own role.
  async #makeTemplate() {
    const { pg } = this
    await pg.sql('postgres', `CREATE ROLE oxd LOGIN PASSWORD '${pg.password}'`)
    await pg.sql('postgres', 'CREATE DATABASE template OWNER oxd')
    await run(OXD, ['migrate'], {
      env: { PATH: process.env.PATH, DATABASE_URL: pg.url('template', 'oxd') }
    })
    await pg.sql('template', await readFile(new URL('audit.sql', import.meta.url), 'utf8'))
  }

  async database() {
    const name = `cycle_${++this.cycles}`
    await this.pg.sql('postgres', `CREATE DATABASE ${name} TEMPLATE template OWNER oxd`)
    return name
  }

  // repair() is for after a cycle that broke off in the middle of a fault.
  async repair() {
    for (const server of [this.pg, this.redis]) {
      server.thaw()
      await server.setShim({})
      if (!server.alive) await server.start()
    }
    await this.pg.noConnectionLimit('oxd')
  }

  async close() {
    await this.pg?.end('SIGQUIT')
    await this.redis?.end('SIGKILL')
  }
}

const upper = (range) => Number(String(range).split('-').at(-1))

// ── running ─────────────────────────────────────────────────────────────────────────────────────

// How long after the healing every order must have ended: the dead are noticed, connections are back, the limiter
// has opened and let all through, a transaction in doubt has died, and all attempts were made.
function patienceMs(spec) {
  const swap = upper(spec.swapMs) + upper(spec.quoteMs)
  const attempts = spec.attempts * (swap + 200) + spec.backoffMs * 2 ** spec.attempts
  const aside = Math.ceil(spec.orders / (spec.concurrency * spec.workers)) * attempts
  const inTurn = aside + Math.ceil(spec.orders / 4 / GROUPS) * attempts
  const windows = spec.limit
    ? Math.ceil((spec.orders * spec.attempts) / spec.limit + 2) * spec.windowMs
    : 0
  return 2 * spec.leaseMs + 1000 + 2000 + TX_SLACK_MS + swap + inTurn + windows + 5000
}

const configOf = (spec) => ({
  QUEUE_CONCURRENCY: String(spec.concurrency),
  QUEUE_LEASE_MS: String(spec.leaseMs),
  QUEUE_RATE_LIMIT: String(spec.limit),
  QUEUE_RATE_WINDOW_MS: String(spec.windowMs),
  QUEUE_ATTEMPTS: String(spec.attempts),
  QUEUE_BACKOFF_MS: String(spec.backoffMs),
  QUOTE_DELAY_MS: spec.quoteMs,
  SWAP_DELAY_MS: spec.swapMs,
  SIM_SEED: String(spec.seed + 1),
  DRAIN_TIMEOUT_MS: '6000',
  LOG_LEVEL: 'info'
})

function place(world, spec) {
  const slot = (name) => world.slots.find((s) => s.name === name)
  for (const f of spec.failpoints) {
    const s = slot(f.slot)
    const text = [f.name, f.action, f.nth, f.afterUs].join(':')
    s.once.OX_FAILPOINTS = [s.once.OX_FAILPOINTS, text].filter(Boolean).join(',')
  }
  for (const c of spec.clocks) slot(c.slot).env.OX_CLOCK_OFFSET_MS = String(c.ms)
}

async function inject(world, spec, random) {
  const apply = async (fault, n) => {
    await sleep(fault.atMs)
    await FAULTS[fault.kind](world, random.fork(`${fault.kind} ${n}`), fault)
  }
  await Promise.all(spec.faults.map(apply))
}

const unfinished = async (world) => {
  const [{ n }] = await world.rows('SELECT count(*)::int AS n FROM orders WHERE phase < 2')
  return n
}

async function eventually(ms, probe) {
  return until('', ms, probe).then(
    () => true,
    () => false
  )
}

async function hintsLeft(world) {
  const { redis } = world.lane
  const count = async (key) => Number(await redis.cli('zcard', `ox:{0}:${key}`))
  const hints = {}
  for (const key of ['waiting', 'delayed', 'active', 'behind']) hints[key] = await count(key)
  return hints
}

// What every process must come back to; those that died since are measured against their predecessors.
async function resources(world) {
  const measure = async () => {
    const all = []
    for (const [slot, was] of world.baseline)
      all.push({ name: slot.name, was, now: await slot.resources() })
    return all
  }
  const settled = (all) =>
    all.every((r) => r.now.fds <= r.was.fds && r.now.threads <= r.was.threads)
  await eventually(4000, async () => settled(await measure()))
  return measure()
}

async function quiesce(world, clients, load, spec) {
  const patience = patienceMs(spec)
  await world.heal()
  await Promise.race([load, sleep(patience)])
  clients.giveUp = true
  await eventually(patience, async () => (await unfinished(world)) === 0)
  const restMs = Date.now() - world.healedAt
  world.note('fault', `at rest, ${restMs} ms after the healing`)
  await clients.replay()
  await eventually(5000, async () => clients.followers.every((f) => f.ended))
  await clients.close()
  let hints
  await eventually(spec.leaseMs + 3000, async () => {
    hints = await hintsLeft(world)
    return Object.values(hints).every((n) => n === 0)
  })
  return { hints, restMs, resources: await resources(world) }
}

export async function runCycle(lane, spec) {
  const random = new Random(spec.seed)
  await lane.redis.restart()
  const restart = random.fork('restart')
  const world = new World(lane, {
    database: await lane.database(),
    config: configOf(spec),
    restartMs: () => restart.int(0, 800),
    apis: spec.apis,
    workers: spec.workers
  })
  world.spec = spec
  place(world, spec)
  const books = new Books(() => lane.redis.port)
  const clients = new Clients({
    random: random.fork('clients'),
    note: (...args) => world.note(...args),
    ports: world.apis.map((slot) => () => slot.http.port),
    orders: spec.orders,
    burst: spec.burst,
    everyMs: spec.everyMs,
    follow: spec.follow
  })
  let watching
  try {
    await world.start()
    watching = setInterval(() => wakeStopped(world), 100) // a fail-point may be reached late
    books.start()
    const load = clients.run()
    await inject(world, spec, random.fork('faults'))
    await Promise.race([load, sleep(spec.orders * spec.everyMs * 2)])
    const rest = await quiesce(world, clients, load, spec)
    await world.stop()
    await books.stop()
    const facts = {
      spec,
      ...(await readFacts(world)),
      ...rest,
      writers: world.writers(),
      books,
      placed: clients.placed,
      followers: clients.followers,
      logs: world.slots.flatMap((s) => s.logs),
      deaths: world.slots.flatMap((s) => s.deaths.map((d) => ({ name: s.name, ...d })))
    }
    return { facts, notes: world.notes, breaches: check(facts), took: Date.now() - world.began }
  } finally {
    clearInterval(watching)
    clients.giveUp = true
    await books.stop()
    await clients.close()
    await world.destroy()
  }
}
