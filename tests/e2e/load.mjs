// Load for tests of outages: a few clients that place orders without a pause for breath and write down what came of
// each; and what a process uses, before and after.
import assert from 'node:assert/strict'
import { readdir, readFile, readlink } from 'node:fs/promises'
import net from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { assertProblem, SLOW, SWAP, until } from './lib.mjs'

// Load places orders with so many clients, each so often, until it is stopped. What is neither a 201 nor a 503 with
// Retry-After is thrown by stop(), as is a connection that breaks.
export class Load {
  constructor(daemon, { clients = 8, everyMs = 80 } = {}) {
    this.daemon = daemon
    this.answers = [] // { sentMs, ms, status, orderId }
    this.running = true
    this.clients = Array.from({ length: clients }, () => this.#client(everyMs))
    for (const client of this.clients) client.catch(() => {})
  }

  async #client(everyMs) {
    while (this.running) {
      const sentMs = performance.now()
      const answer = await this.daemon.post('/api/orders/execute', SWAP)
      const ms = performance.now() - sentMs
      if (answer.status !== 201) {
        assertProblem(answer, 503)
        assert.match(answer.headers.get('retry-after'), /^[1-9][0-9]*$/)
        assert.equal(answer.json.retryable, true)
      }
      this.answers.push({ sentMs, ms, status: answer.status, orderId: answer.json.orderId })
      await pause(Math.max(0, everyMs - ms))
    }
  }

  get accepted() {
    return this.answers.filter((a) => a.status === 201).map((a) => a.orderId)
  }

  // since() are the answers to what was sent after that moment of performance.now().
  since(moment) {
    return this.answers.filter((a) => a.sentMs >= moment)
  }

  // more() waits until n more orders are accepted.
  async more(n) {
    const had = this.accepted.length
    await until(`${n} more orders`, 30000, () => this.accepted.length >= had + n)
  }

  async stop() {
    this.running = false
    await Promise.all(this.clients)
    return this.accepted
  }
}

// percentile() of the answers' times, in ms.
export function percentile(answers, p) {
  assert(answers.length > 0)
  const sorted = answers.map((a) => a.ms).sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.ceil((sorted.length * p) / 100) - 1)]
}

// resources() are what a daemon must give back: descriptors (but for those of its clients), threads, memory in MiB.
export async function resources(daemon) {
  const proc = `/proc/${daemon.pid}`
  const status = await readFile(`${proc}/status`, 'latin1')
  const value = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1])
  const theirs = await clientSockets(daemon)
  let fds = 0
  for (const fd of await readdir(`${proc}/fd`)) {
    const target = await readlink(`${proc}/fd/${fd}`).catch(() => null) // closed meanwhile
    if (target !== null && !theirs.has(target)) fds++
  }
  return { fds, threads: value('Threads'), mib: value('VmRSS') / 1024 }
}

// clientSockets() are the connections to the daemon's port, as /proc/PID/fd names them.
async function clientSockets(daemon) {
  const port = daemon.portNumber.toString(16).toUpperCase().padStart(4, '0')
  const rows = (await readFile('/proc/net/tcp', 'latin1')).split('\n').map((row) => row.trim().split(/\s+/))
  const [LOCAL, STATE, INODE, LISTEN] = [1, 3, 9, '0A']
  const own = rows.filter((row) => row[LOCAL]?.endsWith(`:${port}`) && row[STATE] !== LISTEN)
  return new Set(own.map((row) => `socket:[${row[INODE]}]`))
}

// cpuSeconds() is what a process has computed so far.
export async function cpuSeconds(pid) {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1')
  const [user, system] = stat.slice(stat.lastIndexOf(')') + 2).split(' ').slice(11, 13)
  return (Number(user) + Number(system)) / 100
}

// assertBack() waits for a daemon to have given back what an outage took; a little memory apart.
export async function assertBack(daemon, was) {
  let now
  await until('descriptors and threads to be given back', 20000, async () => {
    now = await resources(daemon)
    return now.fds <= was.fds && now.threads <= was.threads
  }).catch((error) => assert.deepEqual(now, was, error.message))
  if (SLOW === 1) assert(now.mib <= was.mib + 32, `${now.mib} MiB, had ${was.mib}`)
}

// connect() is a connection to Redis that stays, for commands without spaces in their words.
export async function connect(port) {
  const socket = net.connect({ host: '127.0.0.1', port })
  let received = ''
  socket.on('data', (data) => (received += data))
  socket.on('error', (error) => (received += `-${error.message}\r\n`))
  return {
    async ask(command) {
      received = ''
      socket.write(`${command}\r\n`)
      await until(`an answer to ${command}`, 10000, () => received.endsWith('\r\n'))
      assert(!received.startsWith('-'), `${command}: ${received}`)
    },
    close: () => socket.destroy()
  }
}
