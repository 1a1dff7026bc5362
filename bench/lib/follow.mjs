// Orders at a fixed rate, each followed on a WebSocket of its own from its POST's answer on.
import http from 'node:http'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import WebSocket from 'ws'
import { ROOT } from './service.mjs'

const BODY = readFileSync(`${ROOT}bench/order.json`)
const END_MS = 30_000
const READINGS = 20

// reading() takes the wall's time at the moment when its millisecond changes. To be held up between the
// two makes it early, never late: the latest of some is the best.
function reading() {
  let ahead = -Infinity
  for (let i = 0; i < READINGS; i++) {
    const before = Date.now()
    let tick = before
    while (tick === before) tick = Date.now()
    ahead = Math.max(ahead, tick - performance.now())
  }
  return { at: performance.now(), ahead }
}

// startClock() is called before a measurement. The function it returns is called after it, and gives a
// function from performance.now() to the wall's time, which may go slightly faster or slower.
export function startClock() {
  const from = reading()
  return () => {
    const to = reading()
    const drift = (to.ahead - from.ahead) / (to.at - from.at)
    return (t) => t + from.ahead + drift * (t - from.at)
  }
}

function post(origin, agent) {
  const [host, port] = origin.split(':')
  const headers = { 'content-type': 'application/json', 'content-length': BODY.length }
  const options = { agent, host, port, path: '/api/orders/execute', method: 'POST', headers }
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const request = http.request(options, (answer) => {
      let text = ''
      answer.on('data', (piece) => (text += piece))
      answer.on('end', () => {
        const ms = performance.now() - started
        if (answer.statusCode !== 201) reject(new Error(`${answer.statusCode}: ${text}`))
        else resolve({ ms, orderId: JSON.parse(text).orderId })
      })
    })
    request.on('error', reject).end(BODY)
  })
}

// follow() resolves to when the socket was open, and when each status came, by performance.now().
function follow(origin, orderId) {
  return new Promise((resolve, reject) => {
    const seen = { orderId, openAt: Infinity, statuses: new Map() }
    const url = `ws://${origin}/api/orders/execute?orderId=${orderId}`
    const socket = new WebSocket(url, { perMessageDeflate: false })
    const timer = setTimeout(() => socket.terminate(), END_MS)
    socket.on('open', () => (seen.openAt = performance.now()))
    socket.on('message', (text) => {
      const at = performance.now()
      seen.statuses.set(JSON.parse(text).status, at)
    })
    socket.on('error', reject)
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(seen)
    })
  })
}

// postAndFollow() does not wait for an answer before the next order is sent.
export async function postAndFollow(origin, perS, seconds) {
  const agent = new http.Agent({ keepAlive: true })
  const orders = []
  const postMs = []
  const start = performance.now()
  for (let i = 0; i < perS * seconds; i++) {
    await sleep(Math.max(0, start + (i * 1000) / perS - performance.now()))
    orders.push(
      post(origin, agent).then(({ ms, orderId }) => {
        postMs.push(ms)
        return follow(origin, orderId)
      })
    )
  }
  const followed = await Promise.all(orders)
  agent.destroy()
  return { followed, postMs }
}
