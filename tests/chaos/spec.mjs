// What a seed means: the processes, the load, and what goes wrong with them. Seeds up to MATRIX go through the
// fault matrix one by one; all others draw.
import { FAILPOINTS, FAULTS } from './faults.mjs'
import { Random } from './random.mjs'

const points = Object.entries(FAILPOINTS).flatMap(([role, names]) =>
  names.flatMap((name) => ['kill', 'stop'].map((action) => ({ slot: `${role}0`, name, action })))
)
const kinds = Object.keys(FAULTS)
const ofTheLimiter = (kind) => kind.startsWith('redis_clock_')

export const MATRIX = Math.max(points.length, kinds.length)

const drawSlot = (r, spec) =>
  r.chance(0.4) ? `api${r.int(0, spec.apis - 1)}` : `worker${r.int(0, spec.workers - 1)}`

function drawFailpoint(r, spec) {
  const slot = drawSlot(r, spec)
  return {
    slot,
    name: r.pick(FAILPOINTS[slot.replace(/\d+$/, '')]),
    action: r.chance(0.6) ? 'kill' : 'stop',
    nth: r.int(1, 12),
    afterUs: r.pick([0, 0, 0, r.int(1, 5000)])
  }
}

const drawFault = (r, spec, kind) => ({ kind, atMs: r.int(100, spec.orders * spec.everyMs) })

// A limit that lets all orders through in about five seconds.
function drawLimit(r, spec) {
  spec.windowMs = r.pick([1000, 2000])
  spec.limit = Math.ceil((1.4 * spec.orders * spec.windowMs) / 5000)
}

// So many orders at once, and workers for them, that transactions of the journal follow each other on a connection.
function crowd(r, spec) {
  const draws = r.fork('crowd')
  if (spec.limit || !draws.chance(0.2)) return
  Object.assign(spec, { orders: 192, burst: 64, everyMs: 12, concurrency: 32 })
  Object.assign(spec, { quoteMs: draws.pick(['0', '5-20']), swapMs: draws.pick(['0', '20-60']) })
}

export function drawWorld(r, seed, limited) {
  const spec = {
    seed,
    apis: r.int(1, 2),
    workers: r.int(2, 3),
    concurrency: r.int(2, 6),
    leaseMs: r.pick([700, 1000, 1500]),
    limit: 0,
    windowMs: 1000,
    orders: r.int(30, 70),
    burst: 1, // that many come together
    everyMs: r.int(20, 60),
    quoteMs: r.pick(['0', '5-20', '50']),
    swapMs: r.pick(['0', '20-60', '100-300', '300-600']),
    attempts: r.int(2, 4),
    backoffMs: r.pick([50, 150]),
    follow: 0.6,
    failpoints: [],
    faults: [],
    clocks: []
  }
  if (limited) drawLimit(r, spec)
  return spec
}

// One point and one fault of the matrix each.
function matrixSpec(seed) {
  const r = new Random(seed)
  const kind = kinds[seed % kinds.length]
  const spec = drawWorld(r, seed, ofTheLimiter(kind) || r.chance(0.35))
  crowd(r, spec)
  spec.failpoints.push({ ...points[seed % points.length], nth: r.int(1, 6), afterUs: 0 })
  spec.faults.push(drawFault(r, spec, kind))
  return spec
}

function drawnSpec(seed) {
  const r = new Random(seed)
  const limited = r.chance(0.35)
  const spec = drawWorld(r, seed, limited)
  crowd(r, spec)
  for (let n = r.int(0, 2); n > 0; n--) spec.failpoints.push(drawFailpoint(r, spec))
  const possible = kinds.filter((k) => limited || !ofTheLimiter(k))
  for (let n = r.int(1, 4); n > 0; n--) spec.faults.push(drawFault(r, spec, r.pick(possible)))
  if (r.chance(0.15))
    spec.clocks.push({ slot: drawSlot(r, spec), ms: r.pick([-3600000, 3600000]) })
  return spec
}

export const specOf = (seed) => (seed >= 1 && seed <= MATRIX ? matrixSpec(seed) : drawnSpec(seed))
