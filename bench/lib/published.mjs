// When each event was published, by Redis's own clock: MONITOR, in a process of its own.
import { spawn } from 'node:child_process'
import { once } from 'node:events'

const EVENT = /\\"orderId\\":\\"(ord_\w+)\\"(?:,\\"seq\\":\d+)?,\\"status\\":\\"(\w+)\\"/g
const SCRIPT = `redis-cli -h "$0" -p "$1" MONITOR | grep --line-buffered -iE '^OK|^[^"]*"publish"'`

function parse(text) {
  const published = new Map()
  for (const line of text.split('\n')) {
    const ms = Number(line.slice(0, line.indexOf(' '))) * 1000
    for (const [, orderId, status] of line.matchAll(EVENT)) published.set(`${orderId} ${status}`, ms)
  }
  return published
}

// watchPublished() resolves when MONITOR runs. Its stop() gives a map from "ORDER STATUS" to the time in
// milliseconds. Nothing is parsed before: that would disturb what is being measured.
export async function watchPublished() {
  const { hostname, port, password } = new URL(process.env.REDIS_URL)
  const child = spawn('bash', ['-c', SCRIPT, hostname, port], {
    detached: true, // a group of its own, which can be stopped as a whole
    env: { ...process.env, REDISCLI_AUTH: password },
    stdio: ['ignore', 'pipe', 'ignore']
  })
  const pieces = []
  child.stdout.on('data', (piece) => pieces.push(piece))
  await once(child.stdout, 'data')
  return {
    async stop() {
      process.kill(-child.pid, 'SIGTERM')
      await once(child, 'close')
      return parse(Buffer.concat(pieces).toString())
    }
  }
}
