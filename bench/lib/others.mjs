// What clients see at 100 orders/s: how long POST and GET take, and how late a status comes.
import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { postAndFollow, startClock } from './follow.mjs'
import { watchPublished } from './published.mjs'
import { quantile } from './stats.mjs'

const PER_S = 100

function get(origin, agent, path) {
  const [host, port] = origin.split(':')
  return new Promise((resolve, reject) => {
    const started = performance.now()
    const request = http.get({ agent, host, port, path }, (answer) => {
      answer.resume()
      answer.on('end', () => {
        if (answer.statusCode !== 200) reject(new Error(`${answer.statusCode}: ${path}`))
        else resolve(performance.now() - started)
      })
    })
    request.on('error', reject)
  })
}

async function getAtRate(origin, path, seconds) {
  const agent = new http.Agent({ keepAlive: true })
  const answers = []
  const start = performance.now()
  for (let i = 0; i < PER_S * seconds; i++) {
    await sleep(Math.max(0, start + (i * 1000) / PER_S - performance.now()))
    answers.push(get(origin, agent, path))
  }
  const ms = await Promise.all(answers)
  agent.destroy()
  return ms
}

// statusMs() is the time from each status' publication in Redis to its listener, if that was there.
function statusMs(followed, published, wallTime) {
  const ms = []
  for (const { orderId, openAt, statuses } of followed) {
    for (const [status, at] of statuses) {
      const publishedAt = published.get(`${orderId} ${status}`)
      if (publishedAt >= wallTime(openAt)) ms.push(wallTime(at) - publishedAt)
    }
  }
  return ms
}

// watchOthers() gives milliseconds for 100 orders/s, each followed on a socket of its own, and 100 GETs/s.
export async function watchOthers(origin, orderId, seconds) {
  const monitor = await watchPublished()
  const stopClock = startClock()
  const [{ followed, postMs }, getMs] = await Promise.all([
    postAndFollow(origin, PER_S, seconds),
    getAtRate(origin, `/api/orders/${orderId}`, seconds)
  ])
  const wallTime = stopClock()
  const published = await monitor.stop()
  const figures = {}
  for (const [name, ms] of [
    ['post', postMs],
    ['get', getMs],
    ['status', statusMs(followed, published, wallTime)]
  ]) {
    figures[`${name}P50Ms`] = quantile(ms, 0.5)
    figures[`${name}P99Ms`] = quantile(ms, 0.99)
  }
  return figures
}
