// Idle WebSocket listeners: the memory of each, and what others notice of them.
import { setTimeout as sleep } from 'node:timers/promises'
import { meter } from './cpu.mjs'
import { listen } from './listeners.mjs'
import { postCount } from './load.mjs'
import { settled } from './memory.mjs'
import { watchOthers } from './others.mjs'
import { SIDES, startService } from './service.mjs'
import { undisturbed } from './undisturbed.mjs'
import { SERVERS } from './world.mjs'

const BATCH = 1000
const WARM_UP_ORDERS = 1000
const DELAYS = { QUOTE_DELAY_MS: '10', SWAP_DELAY_MS: '10-30', DELIVERY_DELAY_MS: '3600000' }

// Half of them wait for a price that never comes, the others one behind the other for a delivery.
const ORDERS = [
  { type: 'limit', tokenIn: 'SOL', tokenOut: 'USDC', amount: 1.5, limitPrice: '100000' },
  { type: 'delivery', user_id: 'scale', item_ids: ['a'], total_amount: 19.9 }
]

async function place(origin, n) {
  const orderIds = []
  while (orderIds.length < n) {
    const items = Array.from({ length: Math.min(BATCH, n - orderIds.length) }, (_, i) => ORDERS[i % 2])
    const answer = await fetch(`http://${origin}/api/orders/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'idempotency-key': `scale-${orderIds.length}` },
      body: JSON.stringify(items)
    })
    if (!answer.ok) throw new Error(await answer.text())
    orderIds.push(...(await answer.json()).orders.map((order) => order.orderId))
  }
  return orderIds
}

async function stats(origin) {
  return (await fetch(`http://${origin}/api/orders/stats`)).json()
}

// atRest() waits until nothing runs and n orders wait or are parked.
async function atRest(origin, n, endMs = 120_000) {
  for (const end = Date.now() + endMs; ; await sleep(100)) {
    const { queue, websocket } = await stats(origin)
    if (!queue.active && queue.waiting + queue.delayed === n && !websocket.connections) return
    if (Date.now() > end) throw new Error(`no rest: ${JSON.stringify(queue)}`)
  }
}

async function measureOthers({ origin, pids }, orderId, seconds) {
  const stop = meter({ ...pids, ...SERVERS })
  const figures = await watchOthers(origin, orderId, seconds)
  const { used, foreignPct } = stop()
  return { ...figures, daemonCpuPct: (100 * used.all) / seconds, foreignPct }
}

async function measure(service, { listeners, rounds, seconds }) {
  const { origin, pids } = service
  await postCount(origin, WARM_UP_ORDERS)
  const orderIds = await place(origin, listeners)
  await atRest(origin, listeners)
  await watchOthers(origin, orderIds[0], 2)
  const without = { others: [], memory: await settled(pids.all) }
  const idle = { others: [] }
  for (let round = 0; round < rounds; round++) {
    for (const side of [without, idle]) {
      await atRest(origin, listeners)
      const sockets = side === idle && (await listen(origin, orderIds))
      if (side === idle) side.memory ??= await settled(pids.all)
      side.others.push(await undisturbed(() => measureOthers(service, orderIds[0], seconds)))
      if (sockets) await sockets.close()
    }
  }
  const kib = idle.memory.anonymousKib - without.memory.anonymousKib
  return { listeners, kibEach: kib / listeners, without, idle }
}

// measureIdle() takes turns: rounds times without listeners, and with all of them.
export async function measureIdle(servers, options) {
  const world = await servers.createWorld()
  const service = await startService(SIDES.ox, world, ['all'], DELAYS)
  try {
    return await measure(service, options)
  } finally {
    await service.stop()
    await world.destroy()
  }
}
