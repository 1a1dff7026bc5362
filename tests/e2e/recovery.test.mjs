// How long the orders of a killed worker process stand still: QUEUE_LEASE_MS + 1 s at most, from the kill until
// another process has claimed them, by PostgreSQL's clock. LONG=1 (make recovery): with the default lease, too.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { MOVES } from '../chaos/checker.mjs'
import { createWorld, SLOW, until } from './lib.mjs'

const LEASES = process.env.LONG ? [2000, 10000] : [2000]
const ORDERS = 10
let world
afterEach(() => world?.destroy())

const sessionOpen = (worker) =>
  until('a session', 15000, () => worker.log.some((line) => line.includes('"session open"')))

// What the killed one ran when it died, and what it was doing with it.
const SITUATIONS = {
  routing: () => ({ QUOTE_DELAY_MS: '2000', VENUE_DEADLINE_MS: '9000', SWAP_DELAY_MS: '100' }),
  submitted: (leaseMs) => ({ QUOTE_DELAY_MS: '0', SWAP_DELAY_MS: String(leaseMs + 2000) })
}

for (const leaseMs of LEASES)
  for (const [status, how] of Object.entries(SITUATIONS))
    test(`killed while ${status}, with a lease of ${leaseMs} ms`, async (t) => {
      world = await createWorld({ QUEUE_LEASE_MS: String(leaseMs), ...how(leaseMs) })
      const api = await world.start({ role: 'api' })
      await world.audit()
      const victim = await world.start({ role: 'worker' })
      await sessionOpen(victim)
      const rescuer = await world.start({ role: 'worker' })
      await sessionOpen(rescuer)
      rescuer.signal('SIGSTOP') // so that all of them are the victim's
      const ids = await Promise.all(Array.from({ length: ORDERS }, () => api.execute()))
      await until(`all to be ${status}`, 10000, async () => {
        const [{ n }] = await world.sql(
          `SELECT count(*)::int AS n FROM orders WHERE phase = 1 AND status = '${status}'`
        )
        return n === ORDERS
      })
      rescuer.signal('SIGCONT')
      const killedAt = await world.clock()
      await victim.kill()
      for (const id of ids) assert.equal((await api.ended(id, leaseMs + 20000)).status, 'confirmed')

      const moves = await world.sql(MOVES)
      const taken = moves.filter((m) => m.ownerWas && m.owner && m.owner !== m.ownerWas)
      assert.equal(taken.length, ORDERS, 'each order is taken over once')
      const waits = taken.map((m) => Math.round(m.stamped - killedAt)).sort((a, b) => a - b)
      t.diagnostic(`taken over ${waits[0]} to ${waits.at(-1)} ms after the kill`)
      assert(waits.at(-1) <= leaseMs + 1000 * SLOW, `taken over after ${waits} ms`)
      await world.auditSwaps(ids)
    })
