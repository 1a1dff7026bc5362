// The checker: what was promised, against three records that the daemon does not write: what its clients were told,
// what PostgreSQL holds (and noted of every move, audit.sql), and the venues' own ledger.
//
// check(facts) gives the breaches, each {promise, text, orderId?}. facts:
//   spec, config        what the cycle was
//   placed, followers   the clients' log
//   orders, events, intents, fills, keys, due, sessions, moves     PostgreSQL; times in ms
//   ledger              the venues
//   writers             whose the connections to PostgreSQL were: {port, since, process}
//   books               what Redis was seen to hold (books.mjs)
import { ulidToUuid } from '../e2e/lib.mjs'

const QUEUED = 0
const ACTIVE = 1
const TERMINAL = 2 // and above

const EDGES = {
  pending: ['routing', 'failed', 'cancelled'],
  routing: ['routing', 'building', 'failed', 'cancelled'],
  building: ['submitted', 'routing', 'failed', 'cancelled'],
  submitted: ['confirmed', 'routing', 'failed'],
  confirmed: [],
  failed: [],
  cancelled: []
}
const PHASES = { confirmed: 2, failed: 3, cancelled: 4 }

export function groupBy(rows, key) {
  const groups = new Map()
  for (const row of rows) {
    const at = key(row)
    if (!groups.has(at)) groups.set(at, [])
    groups.get(at).push(row)
  }
  return groups
}

// startsOf() gives the claims among orders' moves, by time. One whose answer came too late is handed back at once
// and was no start.
export function startsOf(histories) {
  const starts = []
  for (const moves of histories)
    for (const [i, m] of moves.entries()) {
      const claim = m.owner !== null && m.fenceWas !== null && m.fence > m.fenceWas
      const next = moves[i + 1]
      const back = next && next.owner === null && next.ver === m.ver && next.phase === QUEUED
      if (claim && !back) starts.push(m)
    }
  return starts.sort((a, b) => a.stamped - b.stamped)
}

// writerOf() gives a function that tells whose a move was: by its port, which is used again once its connection is
// closed.
export function writerOf(writers) {
  const byPort = groupBy(
    [...writers].sort((a, b) => b.since - a.since),
    (w) => w.port
  )
  return (m) => byPort.get(m.port)?.find((w) => w.since <= m.stamped)?.process
}

class Checker {
  constructor(facts) {
    Object.assign(this, facts)
    this.facts = facts
    this.breaches = []
    this.eventsOf = groupBy(facts.events, (e) => e.id)
    this.movesOf = groupBy(facts.moves, (m) => m.id)
    this.intentsOf = groupBy(facts.intents, (i) => i.id)
    this.rankOf = new Map(facts.moves.map((m, i) => [m, i]))
    this.orderOf = new Map(facts.orders.map((o) => [o.id, o]))
    this.landedOf = groupBy(
      facts.ledger.filter((l) => l.landed),
      (l) => l.id
    )
    this.ledgerOf = new Map(facts.ledger.map((l) => [l.hash, l]))
  }

  expect(good, promise, text, id = null) {
    if (!good) this.breaches.push({ promise, text, id })
  }

  // ── P1: what was acknowledged is there ────────────────────────────────────────────────────────
  acknowledged() {
    for (const p of this.placed) {
      for (const a of p.answers)
        this.expect(
          [201, 409, 503].includes(a.status),
          'P1',
          `order ${p.n} was answered ${a.status}: ${a.text.slice(0, 200)}`
        )
      for (const a of p.answers.filter((a) => a.status === 503))
        this.expect('retry-after' in a.headers, 'P1', `order ${p.n}: a 503 without Retry-After`)
      if (!p.orderId) continue
      const id = ulidToUuid(p.orderId)
      const first = this.eventsOf.get(id)?.[0]
      this.expect(
        this.orderOf.has(id) && first?.seq === 1 && first.status === 'pending',
        'P1',
        `order ${p.n} was acknowledged as ${p.orderId} and is not there`,
        id
      )
      const key = p.headers['idempotency-key']
      if (key)
        this.expect(
          this.keys.some((k) => k.key === key && k.id === id),
          'P1',
          `order ${p.n} was acknowledged, its idempotency record is not there`,
          id
        )
    }
  }

  // ── P8: the same request, the same answer ─────────────────────────────────────────────────────
  replayed() {
    const owners = new Map()
    for (const p of this.placed.filter((p) => p.orderId)) {
      const id = ulidToUuid(p.orderId)
      const good = p.answers.filter((a) => a.status === 201)
      for (const a of good)
        this.expect(
          a.text === good[0].text,
          'P8',
          `order ${p.n}: two answers, "${good[0].text}" and "${a.text}"`,
          id
        )
      for (const a of good.slice(1))
        this.expect(a.replayed, 'P8', `order ${p.n}: an answer came twice, not as a replay`, id)
      if (p.other)
        this.expect(
          p.other.status === 422,
          'P8',
          `order ${p.n}: another body with its key was answered ${p.other.status}`,
          id
        )
      this.expect(!owners.has(id), 'P8', `${p.orderId} was given to two requests`, id)
      owners.set(id, p)
    }
    const named = this.orders.filter((o) => o.own)
    this.expect(
      new Set(named.map((o) => o.own)).size === named.length,
      'P8',
      'two orders have one clientOrderId'
    )
  }

  // ── P2: at most one landed transaction, and the books agree ───────────────────────────────────
  landedOnce() {
    for (const [id, landed] of this.landedOf)
      this.expect(landed.length === 1, 'P2', `${landed.length} transactions landed`, id)
    const intentOf = new Map(this.intents.map((i) => [i.hash, i]))
    for (const l of this.ledger) {
      const intent = intentOf.get(l.hash)
      this.expect(intent?.id === l.id, 'P2', `the venue has ${l.hash}, no intent names it`, l.id)
      this.expect(
        l.submitted <= l.expires,
        'P2',
        `the venue took ${l.hash} after its expiry`,
        l.id
      )
    }
    for (const i of this.intents) this.#intentAgrees(i)
    for (const f of this.fills) {
      const l = this.ledgerOf.get(f.hash)
      this.expect(
        l?.landed && l.id === f.id && l.inAmount === f.inAmount && l.outAmount === f.outAmount,
        'P2',
        `the fill of ${f.hash} is not what the venue has`,
        f.id
      )
    }
    const filled = new Set(this.fills.map((f) => f.id))
    for (const o of this.orders) {
      const landed = this.landedOf.has(o.id)
      this.expect(
        (o.phase === 2) === landed && landed === filled.has(o.id),
        'P2',
        `${o.status}, ${landed ? 'landed' : 'nothing landed'}, ${filled.has(o.id) ? 'a' : 'no'} fill`,
        o.id
      )
    }
  }

  #intentAgrees(i) {
    const l = this.ledgerOf.get(i.hash)
    const found = !l ? 'dead' : l.landed ? 'landed' : 'reverted'
    this.expect(i.outcome === found, 'P2', `intent ${i.n} is ${i.outcome}, at the venue ${found}`, i.id)
  }

  // ── P3: everything ends ───────────────────────────────────────────────────────────────────────
  ended() {
    for (const o of this.orders)
      this.expect(o.phase >= TERMINAL, 'P3', `still ${o.status} at the end`, o.id)
    const due = new Set(this.due)
    for (const id of due)
      this.expect(this.orderOf.get(id)?.phase < TERMINAL, 'P3', 'ended, and still in due', id)
    const phases = [QUEUED, ACTIVE, 2, 3, 4].map((n) => this.orders.filter((o) => o.phase === n))
    this.expect(
      phases.reduce((n, list) => n + list.length, 0) === this.orders.length,
      'P3',
      'accepted is not queued + active + ended'
    )
    for (const [name, n] of Object.entries(this.hints ?? {}))
      this.expect(n === 0, 'P3', `${n} hints are left in ${name}, though all orders have ended`)
    for (const { id, where } of this.books.doubles)
      this.expect(false, 'P3', `${id} is ${where} at once: accepted is not queued + active + ended`)
  }

  // ── P4: legal moves, no holes ─────────────────────────────────────────────────────────────────
  histories() {
    for (const o of this.orders) {
      const events = this.eventsOf.get(o.id) ?? []
      this.expect(
        events.every((e, i) => e.seq === i + 1) && events.length === o.ver,
        'P4',
        `seq is ${events.map((e) => e.seq)}, the order is at ${o.ver}`,
        o.id
      )
      this.expect(events.at(-1)?.status === o.status, 'P4', 'its last event is not its state', o.id)
      for (let i = 1; i < events.length; i++) this.#edge(o.id, events[i - 1], events[i])
    }
    for (const [id, moves] of this.movesOf) for (const m of moves) this.#move(id, m)
  }

  #edge(id, from, to) {
    const name = `${from.status} (${from.attempt}) → ${to.status} (${to.attempt})`
    this.expect(EDGES[from.status]?.includes(to.status), 'P4', `illegal: ${name}`, id)
    this.expect(to.at >= from.at, 'P4', `${name} goes back in time`, id)
    const retried = to.attempt === from.attempt + 1 && to.status === 'routing'
    this.expect(to.attempt === from.attempt || retried, 'P11', `attempts: ${name}`, id)
  }

  #move(id, m) {
    if (m.fenceWas === null) return
    this.expect(m.fence >= m.fenceWas, 'P4', `fence went from ${m.fenceWas} to ${m.fence}`, id)
    this.expect(m.phaseWas < TERMINAL, 'P4', `moved after its end (to ${m.status})`, id)
    this.expect(m.ver >= m.verWas, 'P4', `seq went from ${m.verWas} to ${m.ver}`, id)
  }

  // ── P5: every listener saw an exact prefix ────────────────────────────────────────────────────
  streams() {
    for (const f of this.followers) {
      const id = ulidToUuid(f.orderId)
      const history = this.eventsOf.get(id) ?? []
      for (const [n, s] of f.sessions.entries()) this.#session(id, history, s, n + 1)
      this.expect(f.ended, 'P5', 'a listener was never told the end', id)
    }
  }

  #session(id, history, s, n) {
    const name = `listener session ${n}`
    this.expect(s.refused !== 404, 'P5', `${name}: an acknowledged order was not found`, id)
    const seqs = s.events.map((e) => e.seq)
    this.expect(
      seqs.every((seq, i) => seq === s.since + i + 1),
      'P5',
      `${name}, since ${s.since}, saw ${seqs}`,
      id
    )
    for (const e of s.events) {
      const h = history[e.seq - 1]
      const same =
        h?.status === e.status &&
        h.attempt === e.attempt &&
        h.at === Date.parse(e.timestamp) &&
        JSON.stringify(h.data ?? {}) === JSON.stringify(e.data ?? {})
      this.expect(same, 'P5', `${name}: event ${e.seq} is not what is in the history`, id)
    }
    const whole = (s.events.at(-1)?.seq ?? s.since) === history.length
    if (s.code === 1000) this.expect(whole, 'P5', `${name}: closed before the end`, id)
  }

  // ── P6, P7: never more than allowed ───────────────────────────────────────────────────────────

  limited() {
    const limit = this.spec.limit
    const starts = startsOf(this.movesOf.values())
    for (let i = 0; limit > 0 && i + limit < starts.length; i++) {
      const span = starts[i + limit].stamped - starts[i].stamped
      if (span >= this.spec.windowMs) continue
      this.expect(false, 'P6', `${limit + 1} starts within ${span} ms`, starts[i + limit].id)
      break
    }
  }

  // By PostgreSQL's record; where answers to claims are lost a session may own what it does not run.
  concurrency() {
    if (this.spec.faults.some((f) => !f.kind.startsWith('redis') && !/kill|term/.test(f.kind)))
      return
    const running = new Map()
    for (const m of this.moves) {
      for (const set of running.values()) set.delete(m.id)
      if (m.owner === null || m.phase >= TERMINAL) continue
      if (!running.has(m.owner)) running.set(m.owner, new Set())
      running.get(m.owner).add(m.id)
      const n = running.get(m.owner).size
      this.expect(n <= this.spec.concurrency, 'P7', `${n} orders run in one process`, m.id)
    }
  }

  // Of a group one at a time, in the order of acceptance: who comes next is not owned before the one before it has
  // ended; and what was acknowledged before another was sent has the place before it.
  groups() {
    const acked = new Map(this.placed.filter((p) => p.orderId).map((p) => [ulidToUuid(p.orderId), p]))
    const grouped = this.orders.filter((o) => o.group !== null)
    for (const members of groupBy(grouped, (o) => o.group).values()) {
      members.sort((a, b) => a.place - b.place)
      for (const [i, order] of members.slice(1).entries()) {
        const before = members[i]
        const end = this.movesOf.get(before.id).find((m) => m.phase >= TERMINAL)
        const start = this.movesOf.get(order.id).find((m) => m.owner !== null)
        const inTurn = !start || (end && this.rankOf.get(end) < this.rankOf.get(start))
        this.expect(inTurn, 'P7', `ran before ${before.id} of its group had ended`, order.id)
        const [first, second] = [acked.get(before.id), acked.get(order.id)]
        const swapped =
          first && second && first.failures === 0 && second.ackedAt < first.answers[0].began
        this.expect(!swapped, 'P7', `has a place behind ${before.id}, which came later`, order.id)
      }
    }
  }

  // ── take-overs, attempts, waits ───────────────────────────────────────────────────────────────
  // What an order's owner has not let go of is moved by its process only; a client may cancel it.
  owned() {
    const processOf = new Map() // of a session
    const writer = writerOf(this.writers)
    for (const m of this.moves) {
      const process = writer(m)
      if (m.owner !== null && m.owner !== m.ownerWas && process) processOf.set(m.owner, process)
      if (m.ownerWas === null || (m.owner !== null && m.owner !== m.ownerWas)) continue
      const owner = processOf.get(m.ownerWas)
      this.expect(
        !process || !owner || process === owner || m.status === 'cancelled',
        'P4',
        `moved (to ${m.status}) by process ${process}, while it was process ${owner}'s`,
        m.id
      )
    }
  }

  takeovers() {
    const sessions = new Map(this.sessions.map((s) => [s.id, s]))
    for (const m of this.moves) {
      if (m.ownerWas === null || m.owner === null || m.owner === m.ownerWas) continue
      const s = sessions.get(m.ownerWas)
      this.expect(
        !s || s.expires <= m.at, // of one that was closed: when
        'P2',
        `taken over from a session that lived for ${s && s.expires - m.at} ms more`,
        m.id
      )
    }
    for (const o of this.orders)
      this.expect(o.takeovers <= 21, 'P11', `${o.takeovers} take-overs`, o.id)
  }

  attempts() {
    const { attempts, backoffMs } = this.spec
    for (const o of this.orders) {
      this.expect(o.attempt <= attempts, 'P11', `${o.attempt} attempts`, o.id)
      if (o.status !== 'failed') continue
      this.expect(
        o.error?.retryable && o.attempt === attempts,
        'P11',
        `failed at attempt ${o.attempt}: ${JSON.stringify(o.error)}`,
        o.id
      )
      this.expect(o.error?.outcome === 'none', 'P2', `outcome ${o.error?.outcome}`, o.id)
    }
    for (const [id, moves] of this.movesOf)
      for (const [i, m] of moves.entries()) {
        if (m.bump !== 1 || moves[i - 1]?.bump === 1) continue
        const next = moves.slice(i + 1).find((n) => n.owner !== null)
        const gap = next && next.stamped - m.stamped
        const wanted = backoffMs * 2 ** (m.attempt - 1)
        this.expect(!next || gap >= wanted, 'P11', `waited ${gap} ms instead of ${wanted}`, id)
      }
  }

  // ── P9, P10: processes ────────────────────────────────────────────────────────────────────────
  processes() {
    for (const d of this.deaths) {
      const asked = d.signal === 'SIGKILL' || (d.signal === null && d.code === 0)
      this.expect(
        asked,
        'P9',
        `${d.name} ended with ${d.signal ?? `exit ${d.code}`}:\n${d.log.slice(-8).join('\n')}`
      )
    }
    for (const r of this.resources) {
      this.expect(r.now.fds <= r.was.fds, 'P10', `${r.name} has ${r.now.fds} descriptors, had ${r.was.fds}`)
      this.expect(
        r.now.threads <= r.was.threads,
        'P10',
        `${r.name} has ${r.now.threads} threads, had ${r.was.threads}`
      )
      this.expect(
        r.now.mib <= r.was.mib + 24,
        'P10',
        `${r.name} has ${r.now.mib | 0} MiB, had ${r.was.mib | 0}`
      )
    }
  }
}

export function check(facts) {
  const c = new Checker(facts)
  c.acknowledged()
  c.replayed()
  c.landedOnce()
  c.ended()
  c.histories()
  c.streams()
  c.limited()
  c.concurrency()
  c.groups()
  c.owned()
  c.takeovers()
  c.attempts()
  c.processes()
  return c.breaches
}

// ── reading the facts ───────────────────────────────────────────────────────────────────────────

const ms = (column) => `floor(extract(epoch FROM ${column}) * 1000)::bigint`

// Every move of every order's row, as the trigger of audit.sql noted it.
export const MOVES = `SELECT order_id AS id, ${ms('at')} AS at,
  fence_was AS "fenceWas", fence, step, ver_was AS "verWas", ver, phase_was AS "phaseWas", phase,
  owner_was AS "ownerWas", owner, attempt, bump, status, takeovers,
  intent_open AS "intentOpen", port, ${ms('stamped')} AS stamped FROM audit.moves ORDER BY n`

// readFacts() reads PostgreSQL past the daemon. The venues' ledger names orders as clients do.
export async function readFacts(world) {
  const [row] = await world.rows(`SELECT
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT order_id AS id, client_order_id AS own, status,
      phase, attempt, ver, takeovers, error, ${ms('completed_at')} AS completed, group_no AS "group",
      group_seq AS place FROM orders) r) AS orders,
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT order_id AS id, seq, status, attempt,
      ${ms('at')} AS at, data FROM order_events ORDER BY order_id, seq) r) AS events,
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT order_id AS id, n, tx_hash AS hash, outcome
      FROM intents LEFT JOIN outcomes o USING (order_id, n) ORDER BY order_id, n) r) AS intents,
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT order_id AS id, tx_hash AS hash,
      in_amount AS "inAmount", out_amount AS "outAmount" FROM fills) r) AS fills,
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT key, order_id AS id FROM idempotency_keys) r)
      AS keys,
    (SELECT coalesce(json_agg(order_id), '[]') FROM orders WHERE completed_at IS NULL) AS due,
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT id, ${ms('expires_at')} AS expires
      FROM worker_sessions) r) AS sessions,
    (SELECT coalesce(json_agg(r), '[]') FROM (${MOVES}) r)
      AS moves,
    (SELECT coalesce(json_agg(r), '[]') FROM (SELECT tx_hash AS hash, order_id AS "orderId", venue,
      landed, in_amount AS "inAmount", out_amount AS "outAmount", ${ms('submitted_at')} AS submitted,
      ${ms('expires_at')} AS expires FROM sim.ledger ORDER BY submitted_at) r) AS ledger`)
  for (const l of row.ledger) l.id = ulidToUuid(l.orderId)
  return row
}
