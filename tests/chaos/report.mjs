// What a cycle says of itself: a line when all was kept, else the breaches and the order's timeline.
import { ulidToUuid } from '../e2e/lib.mjs'

const BREACHES_MAX = 12

const describe = (spec) =>
  [
    ...spec.failpoints.map((f) => `${f.slot}:${f.name}:${f.action}:${f.nth}`),
    ...spec.clocks.map((c) => `${c.slot}:clock${c.ms}`),
    ...spec.faults.map((f) => f.kind)
  ].join(' ') || 'no fault'

function line({ facts, took, breaches }) {
  const { orders, placed, spec } = facts
  const n = (phase) => orders.filter((o) => o.phase === phase).length
  const counts = `${placed.filter((p) => p.orderId).length} of ${placed.length} acknowledged, ${n(2)} confirmed, ${n(3)} failed`
  const verdict = breaches.length ? 'FAIL' : 'ok  '
  const times = `${(took / 1000).toFixed(1)} s, at rest ${(facts.restMs / 1000).toFixed(1)} s after`
  return `${verdict} seed ${spec.seed}  ${times}  ${counts}  [${describe(spec)}]`
}

const time = (t) => new Date(t).toISOString().slice(11, 23)

// timeline() is all that is known of one order, and every fault, by time.
export function timeline({ facts, notes }, id) {
  const rows = notes
    .filter((n) => n.who === 'fault' || (n.orderId && ulidToUuid(n.orderId) === id))
    .map((n) => [n.t, n.who, n.text])
  for (const m of facts.moves.filter((m) => m.id === id))
    rows.push([
      m.at,
      'row',
      `${m.status} phase ${m.phase} fence ${m.fence} step ${m.step} ver ${m.ver} attempt ${m.attempt}` +
        ` owner ${m.owner?.slice(-6) ?? '-'}${m.intentOpen ? ' intent open' : ''}`
    ])
  for (const e of facts.events.filter((e) => e.id === id))
    rows.push([e.at, 'event', `${e.seq} ${e.status} (attempt ${e.attempt})`])
  for (const l of facts.ledger.filter((l) => l.id === id))
    rows.push([l.submitted, 'venue', `${l.hash.slice(0, 8)} ${l.landed ? 'lands' : 'reverts'}`])
  for (const log of facts.logs)
    for (const text of log)
      if (text.includes('"msg":"failpoint"')) rows.push([Date.parse(JSON.parse(text).time), 'fault', text])
  for (const f of facts.followers.filter((f) => ulidToUuid(f.orderId) === id))
    for (const s of f.sessions) {
      const seen = `since ${s.since} saw ${s.events.map((e) => e.seq)}`
      rows.push([s.began, 'client', `listens ${seen}, closed ${s.code} ${s.refused ?? ''}`])
    }
  return rows.sort((a, b) => a[0] - b[0]).map(([t, who, text]) => `    ${time(t)} ${who.padEnd(7)} ${text}`)
}

export function print(result) {
  console.log(line(result))
  if (!result.breaches.length) return
  for (const b of result.breaches.slice(0, BREACHES_MAX))
    console.log(`  ${b.promise}: ${b.id ?? ''} ${b.text}`)
  if (result.breaches.length > BREACHES_MAX)
    console.log(`  … and ${result.breaches.length - BREACHES_MAX} more`)
  const { id } = result.breaches.find((b) => b.id) ?? {}
  console.log(timeline(result, id ?? null).join('\n'))
  console.log(`  again: make chaos SEED=${result.facts.spec.seed}`)
}

// Coverage counts what was injected and reached, so that nobody takes a quiet run for a kept promise.
export class Coverage {
  constructor() {
    this.points = new Map()
    this.faults = new Map()
  }

  add({ facts }) {
    const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1)
    for (const log of facts.logs)
      for (const text of log.filter((text) => text.includes('"msg":"failpoint"'))) {
        const { name, signal } = JSON.parse(text)
        count(this.points, `${name}:${signal === 9 ? 'kill' : 'stop'}`)
      }
    for (const f of facts.spec.faults) count(this.faults, f.kind)
  }

  print() {
    const list = (map) => [...map].sort().map(([key, n]) => `${key} ${n}`).join(', ')
    if (this.points.size) console.log(`fail-points reached: ${list(this.points)}`)
    if (this.faults.size) console.log(`faults injected: ${list(this.faults)}`)
  }
}
