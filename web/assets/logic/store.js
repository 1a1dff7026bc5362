// store.js - the orders on show, as events and answers tell of them. Whatever comes late, twice or out of
// order changes nothing: an order's seq says what is newer. It holds as many orders as MAX, the newest.

const MAX = 200
const KEPT = ['dex', 'executedPrice', 'inAmount', 'outAmount', 'minOutAmount', 'txHash', 'error', 'shipment']
const OPEN = new Set(['queued', 'active'])

export const isOpen = (order) => OPEN.has(order.phase)

// after() is an order after an event: what it was made of is in the API's answers only.
export function after(order, event) {
  const { orderId, seq, status, phase, attempt, timestamp, data = {} } = event
  const changed = { ...order, orderId, seq, status, phase, attempt, updatedAt: timestamp }
  if (seq === 1) changed.createdAt = timestamp
  for (const key of KEPT) if (data[key] !== undefined) changed[key] = data[key]
  return changed
}

export class Store {
  constructor(max = MAX) {
    this.max = max
    this.orders = new Map()
  }

  // event() is false when it was known already, or is about an order older than all that are kept.
  event(event) {
    const known = this.orders.get(event.orderId)
    if (known && known.seq >= event.seq) return false
    if (!known && this.#tooOld(event.orderId)) return false
    this.orders.set(event.orderId, after(known, event))
    this.#bound()
    return true
  }

  // answer() takes an order as the API shows it. An older one adds only what events do not say.
  answer(order) {
    const known = this.orders.get(order.orderId)
    if (!known && this.#tooOld(order.orderId)) return
    const newer = !known || order.seq >= known.seq
    this.orders.set(order.orderId, newer ? { ...known, ...order } : { ...order, ...known })
    this.#bound()
  }

  // unknown() are the orders of which only events were seen.
  unknown() {
    return [...this.orders.values()].filter((o) => o.type === undefined).map((o) => o.orderId)
  }

  get(orderId) {
    return this.orders.get(orderId)
  }

  clear() {
    this.orders.clear()
  }

  // list() is newest first: ids begin with the time.
  list(shown = () => true) {
    return [...this.orders.values()].filter(shown).sort((a, b) => (a.orderId < b.orderId ? 1 : -1))
  }

  #tooOld(orderId) {
    return this.orders.size >= this.max && orderId < this.#oldest()
  }

  #oldest() {
    let oldest = null
    for (const id of this.orders.keys()) if (oldest === null || id < oldest) oldest = id
    return oldest
  }

  #bound() {
    while (this.orders.size > this.max) this.orders.delete(this.#oldest())
  }
}

// History is all that happened to one order: seq 1, 2, 3 … What comes before its turn is kept out, and
// add() says 'gap': the history is to be read again.
export class History {
  constructor() {
    this.events = []
  }

  get seq() {
    return this.events.length
  }

  fill(events) {
    for (const event of events) this.add(event)
  }

  add(event) {
    if (event.seq <= this.seq) return 'old'
    if (event.seq > this.seq + 1) return 'gap'
    this.events.push(event)
    return 'new'
  }
}

// stays() turns a history into what a timeline shows: one entry for each state it was in, with from, to
// (null: still there) and its share of the whole.
export function stays(events, now) {
  if (events.length === 0) return []
  const times = events.map((e) => Date.parse(e.timestamp))
  const last = events.at(-1)
  const end = OPEN.has(last.phase) ? Math.max(now, times.at(-1)) : times.at(-1)
  const whole = Math.max(1, end - times[0])
  return events.map((event, i) => {
    const isLast = i === events.length - 1
    const to = isLast ? (OPEN.has(event.phase) ? end : times[i]) : Math.max(times[i], times[i + 1])
    return {
      event,
      from: times[i],
      to: isLast ? null : to,
      ms: to - times[i],
      start: (times[i] - times[0]) / whole,
      width: (to - times[i]) / whole,
      again: i > 0 && event.attempt > events[i - 1].attempt
    }
  })
}
