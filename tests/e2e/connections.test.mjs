// oxd's own limits: descriptors, connections in all, connections of one address. Beyond them a clear refusal; those
// who are in are unharmed; it neither crashes nor spins, and takes clients again when there is room.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { after, before, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  assertHistory,
  createWorld,
  RawConnection,
  rawRequest,
  SWAP,
  SWAP_STATES,
  until,
  upgradeHeaders,
  watch,
  within
} from './lib.mjs'
import { assertBack, cpuSeconds, resources } from './load.mjs'

const run = promisify(execFile)
const LIVEZ = rawRequest('GET', '/livez')

let world
before(async () => {
  world = await createWorld()
})
after(() => world.destroy())

// get() is an answer over a connection that stays.
const get = (connection, target = '/livez') => connection.write(rawRequest('GET', target)).answer()

async function place(connection) {
  const body = JSON.stringify(SWAP)
  const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length }
  const answer = await until('a 201', 20000, async () => {
    const said = await connection.write(rawRequest('POST', '/api/orders/execute', headers, body)).answer()
    if (said.status !== 503) assert.equal(said.status, 201, said.body)
    return said.status === 201 && said
  })
  return JSON.parse(answer.body).orderId
}

async function placeAndEnd(connection) {
  const id = await place(connection)
  await until(`${id} to end`, 20000, async () => {
    const answer = await get(connection, `/api/orders/${id}/status`)
    if (answer.status === 503) return false
    assert.equal(answer.status, 200)
    return JSON.parse(answer.body).status === 'confirmed'
  })
}

// fates() tells what became of connections that asked for /livez: their statuses, 0 where the door was shut.
const fates = (connections) =>
  Promise.all(
    connections.map(async (c) => {
      let ended = false
      c.ended.then(() => (ended = true))
      await until('a word, or the end', 20000, () => c.received.length > 0 || ended)
      return c.received.length > 0 ? (await c.answer()).status : 0
    })
  )

const openMany = (ox, n, options) =>
  Array.from({ length: n }, () => new RawConnection(ox, options).write(LIVEZ))

// roomAgain() waits until another client is served.
const roomAgain = (ox, options) =>
  until('room for others', 20000, async () => {
    const late = openMany(ox, 1, options)
    const [status] = await fates(late)
    await late[0].destroy()
    return status === 200
  })

const linesOf = (ox, word) => ox.log.filter((line) => line.includes(word))

// calm() expects that a daemon computes next to nothing for two seconds.
async function calm(ox) {
  const before = await cpuSeconds(ox.pid)
  await pause(2000)
  const used = (await cpuSeconds(ox.pid)) - before
  assert(used < 0.5, `${used} s of computing in 2 s`)
}

test('with 64 descriptors: as many clients as leave room for PostgreSQL and Redis, the others are refused', async () => {
  const ox = await world.start({ under: ['prlimit', '--nofile=64:64'] })
  assert.equal(linesOf(ox, 'limit of descriptors').length, 1)
  const was = await resources(ox)
  const own = new RawConnection(ox)
  assert.equal((await get(own)).status, 200)
  const listened = await place(own)
  const listener = watch(ox, listened)
  await listener.opened
  const crowd = openMany(ox, 200)
  const statuses = await fates(crowd)
  assert(statuses.every((s) => [0, 200, 503].includes(s)), String(statuses))
  const inside = statuses.filter((s) => s === 200).length
  assert(inside > 5 && inside < 21, `${inside} are in: ${statuses}`)
  assert(statuses.includes(503), 'some are told so')
  assert((await readdir(`/proc/${ox.pid}/fd`)).length < 64, 'and there are descriptors left')
  await calm(ox)
  await world.sql(
    `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '${world.name}' AND pid <> pg_backend_pid()`
  )
  await placeAndEnd(own)
  const { code } = await within('the end of the history', 20000, listener.closed)
  assert.equal(code, 1000)
  assertHistory(listener.messages, SWAP_STATES)
  for (const connection of crowd) connection.destroy()
  await roomAgain(ox)
  await own.destroy()
  await assertBack(ox, was)
  await ox.stop()
})

test('descriptors run out in the running: it neither ends nor spins, says so once, and goes on', async () => {
  const ox = await world.start()
  const own = new RawConnection(ox)
  assert.equal((await get(own)).status, 200)
  const was = await resources(ox)
  const open = (await readdir(`/proc/${ox.pid}/fd`)).length
  const { stdout } = await run('prlimit', ['--pid', ox.pid, '--nofile', '-o', 'SOFT', '--noheadings'])
  await run('prlimit', ['--pid', String(ox.pid), `--nofile=${open + 2}:`])
  const crowd = openMany(ox, 20)
  await until('a line that says so', 10000, () => linesOf(ox, 'cannot accept').length > 0)
  await calm(ox)
  await placeAndEnd(own)
  assert.equal(linesOf(ox, 'cannot accept').length, 1, 'once')
  await run('prlimit', ['--pid', String(ox.pid), `--nofile=${stdout.trim()}:`])
  const statuses = await fates(crowd)
  assert(statuses.every((s) => s === 200), `whoever waited is served: ${statuses}`)
  for (const connection of crowd) connection.destroy()
  await assertBack(ox, was)
  await own.destroy()
  await ox.stop()
})

test('too many connections in all: 503 and the door, WebSockets count; those who are in are unharmed', async () => {
  const ox = await world.start({ env: { HTTP_MAX_CONNECTIONS: '10' } })
  const own = new RawConnection(ox)
  assert.equal((await get(own)).status, 200)
  const sockets = Array.from({ length: 5 }, () => {
    const c = new RawConnection(ox)
    return c.write(rawRequest('GET', '/api/orders/execute', upgradeHeaders()))
  })
  for (const socket of sockets) assert.equal((await socket.answer()).status, 101)
  const crowd = openMany(ox, 30)
  const statuses = await fates(crowd)
  const inside = statuses.filter((s) => s === 200).length
  assert([3, 4].includes(inside), `${statuses}`) // whoever asked for /readyz at the start may still be there
  assert.equal(statuses.filter((s) => s === 503).length, 30 - inside, String(statuses))
  await placeAndEnd(own)
  for (const connection of [...crowd, ...sockets]) await connection.destroy()
  await roomAgain(ox)
  await own.destroy()
  await ox.stop()
})

test('too many connections of one address: 429 and the door; other addresses are unharmed', async () => {
  const ox = await world.start({ env: { HTTP_MAX_PER_ADDRESS: '40' } })
  const here = new RawConnection(ox)
  assert.equal((await get(here)).status, 200)
  const crowd = openMany(ox, 300, { localAddress: '127.0.0.2' })
  const statuses = await fates(crowd)
  assert.equal(statuses.filter((s) => s === 200).length, 40, String(statuses))
  assert(statuses.filter((s) => s === 429).length >= 64, String(statuses))
  assert(statuses.every((s) => [0, 200, 429].includes(s)), String(statuses))
  await placeAndEnd(here)
  const other = new RawConnection(ox, { localAddress: '127.0.0.3' })
  assert.equal((await get(other)).status, 200)
  for (const connection of [...crowd, other, here]) await connection.destroy()
  await roomAgain(ox, { localAddress: '127.0.0.2' })
  await ox.stop()
})

test('WebSockets and streams are connections of their address until they end', async () => {
  const ox = await world.start({ env: { HTTP_MAX_PER_ADDRESS: '8' } })
  const from = { localAddress: '127.0.0.4' }
  const open = async (n, target, headers, status) => {
    const opened = Array.from({ length: n }, () => new RawConnection(ox, from))
    for (const connection of opened) connection.write(rawRequest('GET', target, headers))
    for (const connection of opened) assert.equal((await connection.answer()).status, status)
    return opened
  }
  const sockets = await open(4, '/api/orders/execute', upgradeHeaders(), 101)
  const streams = await open(4, '/api/orders/stream', {}, 200)
  assert.deepEqual(await fates(openMany(ox, 3, from)), [429, 429, 429])
  for (const ended of [sockets.pop(), streams.pop()]) {
    await ended.destroy()
    await roomAgain(ox, from)
  }
  for (const connection of [...sockets, ...streams]) await connection.destroy()
  await ox.stop()
})
