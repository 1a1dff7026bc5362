// The two sides, and how their processes are started and stopped.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const OXD = process.env.OXD ?? `${ROOT}build/oxd`
const BARE_HTTP = process.env.BARE_HTTP ?? `${ROOT}build/bench/bare_http`
const READY_MS = 20_000
const STOP_MS = 40_000
const TAIL = 20

const schema = readFileSync(`${ROOT}bench/peer/schema.sql`, 'utf8')
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

// ulidToUuid() gives the uuid under which oxd stores ord_ + ULID.
function ulidToUuid(orderId) {
  let n = 0n
  for (const c of orderId.slice(4)) n = n * 32n + BigInt(CROCKFORD.indexOf(c))
  const hex = n.toString(16).padStart(32, '0')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

// socketPath() is how ioredis wants a URL of a Unix socket.
function socketPath(url) {
  const [, user, password, path] = url.match(/^unix:\/\/(\w+):(\w+)@(.+)$/) ?? []
  return path ? `${path}?username=${user}&password=${password}` : url
}

// usualRoles: the processes it is usually run as. redisUrl() is a URL as it wants it. storedId() is what the column order_id has for an order.
export const SIDES = {
  ox: {
    command: [OXD, 'serve'],
    usualRoles: ['all'],
    readyPath: '/readyz',
    prepare: async () => {},
    redisUrl: (url) => url,
    storedId: ulidToUuid
  },
  peer: {
    command: [process.execPath, `${ROOT}bench/peer/src/index.js`],
    usualRoles: ['api', 'worker'],
    readyPath: '/health',
    prepare: (world) => world.sql(schema),
    redisUrl: socketPath,
    storedId: (orderId) => orderId
  }
}

const running = new Set()
// What was started ends with us.
process.on('exit', () => running.forEach((child) => child.kill('SIGKILL')))
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))

function startProcess([program, ...args], env) {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'ignore', 'pipe']
  })
  running.add(child)
  const log = []
  const ended = new Promise((resolve) => {
    child.once('error', (err) => resolve(err.message))
    child.once('exit', (code, signal) => resolve(signal ?? code))
  }).finally(() => running.delete(child))
  const ready = new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${program} ${args.join(' ')}: ${why}\n${log.join('\n')}`))
    const timer = setTimeout(() => fail('not ready in time'), READY_MS)
    ended.then((how) => fail(`ended: ${how}`))
    createInterface({ input: child.stderr }).on('line', (line) => {
      log.push(line)
      if (log.length > TAIL) log.shift()
      const entry = line.startsWith('{') ? JSON.parse(line) : {}
      if (entry.msg !== 'listening' && entry.msg !== 'working') return
      clearTimeout(timer)
      resolve(entry.port)
    })
  })
  return { child, ready, ended, log }
}

async function stopProcess({ child, ended, log }) {
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  const how = await ended
  clearTimeout(timer)
  if (how !== 0) console.error(`  ended with ${how}:\n${log.join('\n')}`)
}

async function answers(url) {
  const end = Date.now() + READY_MS
  while (!(await fetch(url)).ok) {
    if (Date.now() > end) throw new Error(`not ready in time: ${url}`)
    await sleep(20)
  }
}

// startService() runs one process for each of the roles. pids are theirs by role; origin is where the
// API listens.
export async function startService(side, world, roles, env) {
  await side.prepare(world)
  const REDIS_URL = side.redisUrl(world.env.REDIS_URL)
  const common = { ...world.env, REDIS_URL, PORT: '0', QUEUE_RATE_LIMIT: '0', ...env }
  const processes = []
  const pids = {}
  let port
  for (const role of roles) {
    const process = startProcess([...side.command, ...(role === 'all' ? [] : ['--role', role])], common)
    processes.push(process)
    pids[role] = process.child.pid
    port = (await process.ready) ?? port
  }
  const origin = `127.0.0.1:${port}`
  await answers(`http://${origin}${side.readyPath}`)
  return {
    pids,
    origin,
    stop: () => Promise.all(processes.map(stopProcess))
  }
}

// startBareHttp() runs bench/bare_http.c: a fixed reply, perS times a second at most; 0: without limit.
export async function startBareHttp(perS) {
  const process = startProcess([BARE_HTTP, String(perS)], {})
  const port = await process.ready
  return {
    pids: { bareHttp: process.child.pid },
    origin: `127.0.0.1:${port}`,
    stop: () => stopProcess(process)
  }
}
