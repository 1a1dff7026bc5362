// Idle listeners: a process of its own that opens a WebSocket for each order it is told of and then does
// nothing but answer pings, so that what it costs is in nobody's figures.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import WebSocket from 'ws'

const AT_ONCE = 64
const OPEN_MS = 10_000

function open(url) {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, { perMessageDeflate: false, handshakeTimeout: OPEN_MS })
    socket.once('open', () => resolve(socket))
    socket.once('error', reject)
  })
}

async function openAll(origin, orderIds) {
  const sockets = []
  const left = [...orderIds]
  async function work() {
    for (let id = left.pop(); id; id = left.pop()) {
      const socket = await open(`ws://${origin}/api/orders/execute?orderId=${id}`)
      socket.once('close', (code) => process.send({ closed: code }))
      sockets.push(socket)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return sockets
}

if (process.send) {
  const [{ origin, orderIds }] = await once(process, 'message')
  const sockets = await openAll(origin, orderIds)
  process.send({ opened: sockets.length })
}

// listen() resolves when all sockets are open. Its close() ends them, and fails if one had ended before.
export async function listen(origin, orderIds) {
  const child = fork(fileURLToPath(import.meta.url))
  const ended = once(child, 'exit')
  let closed = 0
  child.on('message', (message) => (closed += 'closed' in message ? 1 : 0))
  child.send({ origin, orderIds })
  const [{ opened }] = await Promise.race([
    once(child, 'message'),
    ended.then(([code]) => Promise.reject(new Error(`the listeners ended: ${code}`)))
  ])
  if (opened !== orderIds.length) throw new Error(`${opened} of ${orderIds.length} sockets are open`)
  return {
    async close() {
      child.kill('SIGKILL')
      await ended
      if (closed > 0) throw new Error(`${closed} of ${opened} idle sockets were closed`)
    }
  }
}
