// kill -9 of a worker in the middle of ten swaps: another one finishes them, and none is swapped twice.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { assertHistory, createWorld, SLOW, until, watch, within } from './lib.mjs'

const LEASE_MS = 1000
let world, api
before(async () => {
  world = await createWorld({ QUEUE_LEASE_MS: String(LEASE_MS), SWAP_DELAY_MS: '600-900' })
  api = await world.start({ role: 'api' })
})
after(() => world.destroy())
afterEach(async () => {
  for (const daemon of world.daemons) if (daemon.role === 'worker') await daemon.kill()
})

const tenSwaps = () => Promise.all(Array.from({ length: 10 }, () => api.execute()))
const countIn = async (ids, status) => {
  const all = await Promise.all(ids.map((id) => api.get(`/api/orders/${id}/status`)))
  return all.filter((a) => a.json.status === status).length
}

// crashAt() lets ten swaps run into status, kills their worker, and gives the ids.
async function crashAt(status, env = {}) {
  const worker = await world.start({ role: 'worker', env })
  const ids = await tenSwaps()
  await until(`most of ten swaps ${status}`, 10000, async () => (await countIn(ids, status)) >= 5)
  await worker.kill()
  return ids
}

for (const status of ['routing', 'submitted'])
  test(`killed when most were ${status}`, async () => {
    const ids = await crashAt(status, status === 'routing' ? { QUOTE_DELAY_MS: '400' } : {})
    const killedAt = Date.now()
    await world.start({ role: 'worker' })
    for (const id of ids) assert.equal((await api.ended(id)).status, 'confirmed')
    await world.auditSwaps(ids)
    const took = Date.now() - killedAt
    assert(took < (LEASE_MS + 6000) * SLOW, `recovered after ${took} ms`)
  })

test('a second crash during the recovery changes nothing', async () => {
  const ids = await crashAt('submitted', { SWAP_DELAY_MS: '5000' })
  const rescuer = await world.start({ role: 'worker' })
  await until('the rescuer to have taken over', 15000, async () => {
    const [{ n }] = await world.sql(
      'SELECT count(*)::int AS n FROM orders WHERE takeovers > 0 AND phase = 1'
    )
    return n > 0
  })
  await rescuer.kill()
  await world.start({ role: 'worker' })
  for (const id of ids) assert.equal((await api.ended(id, 30000)).status, 'confirmed')
  await world.auditSwaps(ids)
})

test('a zombie: stopped longer than its lease, then woken', async () => {
  const zombie = await world.start({ role: 'worker' })
  const ids = await tenSwaps()
  await until('most of ten swaps routing', 10000, async () => (await countIn(ids, 'pending')) <= 5)
  zombie.signal('SIGSTOP')
  await world.start({ role: 'worker' })
  for (const id of ids) assert.equal((await api.ended(id, 30000)).status, 'confirmed')
  zombie.signal('SIGCONT')
  const marker = await tenSwaps()
  for (const id of marker) await api.ended(id, 30000)
  await world.auditSwaps([...ids, ...marker])
})

test('those who watched saw an exact history', async () => {
  const worker = await world.start({ role: 'worker' })
  const ids = await tenSwaps()
  const listeners = ids.map((id) => watch(api, id))
  await until(
    'most of ten swaps submitted',
    10000,
    async () => (await countIn(ids, 'submitted')) >= 5
  )
  await worker.kill()
  await world.start({ role: 'worker' })
  for (const [i, listener] of listeners.entries()) {
    assert.equal((await within('the close', 20000, listener.closed)).code, 1000)
    const history = await world.events(ids[i]) // a take-over may enter routing once more
    assertHistory(
      listener.messages,
      history.map((e) => e.status)
    )
  }
  await world.auditSwaps(ids)
})
