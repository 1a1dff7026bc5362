// The world of one cycle: API and worker processes, each with links of its own to PostgreSQL and Redis that
// can be broken one by one, and a fresh database and Redis behind them.
import { readdir, readFile } from 'node:fs/promises'
import { Daemon, until } from '../e2e/lib.mjs'
import { Link } from './proxy.mjs'

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

// Slot is a place for a daemon: when it dies, another one takes its place.
export class Slot {
  constructor(world, role, n) {
    Object.assign(this, { world, role, name: `${role}${n}`, env: {}, once: {}, deaths: [], logs: [] })
    const { lane } = world
    this.pg = new Link(`${this.name}→postgres`, () => ({ host: '127.0.0.1', port: lane.pg.port }))
    this.redis = new Link(`${this.name}→redis`, () => ({
      host: '127.0.0.1',
      port: lane.redis.port
    }))
    this.pg.process = () => this.daemon?.pid ?? null
    this.links = [this.pg, this.redis]
    if (role !== 'api') return
    this.http = new Link(`clients→${this.name}`, () => ({
      host: '127.0.0.1',
      port: this.daemon?.portNumber ?? 1
    }))
    this.links.push(this.http)
  }

  async open() {
    for (const link of this.links) await link.listen()
  }

  // start() starts a daemon; what is in once counts for the first one only.
  start() {
    const { lane, database, config } = this.world
    const env = {
      ...config,
      PORT: '0',
      DATABASE_URL: lane.pg.url(database, 'oxd', this.pg.port),
      REDIS_URL: lane.redis.url(this.redis.port),
      ...this.env,
      ...this.once
    }
    this.once = {}
    this.daemon = new Daemon(this.role, [], env, lane.oxd)
    this.daemon.port.then((port) => (this.daemon.portNumber = port))
    const { daemon } = this
    this.logs.push(daemon.log)
    daemon.exited.then((end) => this.#ended(daemon, end))
    this.world.note('fault', `${this.name} started, pid ${daemon.pid}`)
  }

  #ended(daemon, { code, signal }) {
    daemon.endedAt = Date.now()
    this.deaths.push({ pid: daemon.pid, at: daemon.endedAt, code, signal, log: daemon.log })
    this.world.note('fault', `${this.name} ended: ${signal ?? `exit ${code}`}`)
    if (!this.world.closing) setTimeout(() => this.#restart(), this.world.restartMs())
  }

  #restart() {
    if (!this.world.closing && !this.daemon.running) this.start()
  }

  // ready() means that it serves, or that its session is open and it can claim.
  async ready() {
    const said = (text) => this.daemon.log.some((line) => line.includes(`"${text}"`))
    if (this.role === 'worker')
      return until(`${this.name} to work`, 30000, () => said('session open'))
    return until(`${this.name} to be ready`, 30000, async () => {
      if (!this.daemon.portNumber) return false
      const url = `http://127.0.0.1:${this.daemon.portNumber}/readyz`
      return fetch(url).then(
        (a) => a.status === 200,
        () => false
      )
    })
  }

  signal(name) {
    this.world.note('fault', `${this.name}: ${name}`)
    this.daemon.signal(name)
  }

  // isStopped() tells whether a SIGSTOP, of a fail-point or of ours, holds it.
  async isStopped() {
    const stat = await readFile(`/proc/${this.daemon.pid}/stat`, 'latin1').catch(() => '')
    return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3) === 'T'
  }

  // resources() are what a process must give back: descriptors, threads, and memory in MiB.
  async resources() {
    const proc = `/proc/${this.daemon.pid}`
    const status = await readFile(`${proc}/status`, 'latin1')
    const value = (name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1])
    const fds = await readdir(`${proc}/fd`)
    return { pid: this.daemon.pid, fds: fds.length, threads: value('Threads'), mib: value('VmRSS') / 1024 }
  }
}

export class World {
  constructor(lane, { database, config, restartMs, apis, workers }) {
    Object.assign(this, { lane, database, config, restartMs })
    this.began = Date.now()
    this.notes = []
    this.closing = false
    this.apis = Array.from({ length: apis }, (_, n) => new Slot(this, 'api', n))
    this.workers = Array.from({ length: workers }, (_, n) => new Slot(this, 'worker', n))
    this.slots = [...this.apis, ...this.workers]
  }

  // link() is the link called so, say worker0→postgres.
  link(name) {
    return this.slots.flatMap((s) => s.links).find((l) => l.name === name)
  }

  // note() writes down what was done or seen, for the timeline of a failure.
  note(who, text, orderId = null) {
    this.notes.push({ t: Date.now(), who, text, orderId })
  }

  async start() {
    for (const slot of this.slots) await slot.open()
    for (const slot of this.slots) slot.start()
    for (const slot of this.slots) await slot.ready()
    this.baseline = new Map()
    for (const slot of this.slots) this.baseline.set(slot, await slot.resources())
  }

  // heal() undoes every fault, and waits until all processes run and serve.
  async heal() {
    const { pg, redis } = this.lane
    for (const server of [pg, redis]) {
      server.thaw()
      await server.setShim({})
      if (!server.alive) await server.start()
    }
    await redis.cli('config', 'set', 'maxmemory', '0')
    await pg.noConnectionLimit('oxd')
    for (const slot of this.slots) {
      for (const link of slot.links) link.heal()
      slot.daemon.signal('SIGCONT')
    }
    for (const slot of this.slots)
      await until(`${slot.name} to run again`, 20000, () => slot.daemon.running)
    this.note('fault', 'all healed')
    this.healedAt = Date.now()
    for (const slot of this.slots) await slot.ready()
  }

  // writers() are all connections to PostgreSQL: whose, by which port there, since when.
  writers() {
    return this.slots.flatMap((slot) => slot.pg.connections)
  }

  rows(query) {
    return this.lane.pg.rows(this.database, query)
  }

  // stop() ends all in good order; what does not is found in deaths.
  async stop() {
    this.closing = true
    for (const slot of this.slots) slot.daemon.signal('SIGTERM')
    await Promise.race([Promise.all(this.slots.map((s) => s.daemon.exited)), sleep(12000)])
    for (const slot of this.slots) await slot.daemon.kill()
  }

  async destroy() {
    this.closing = true
    for (const slot of this.slots) {
      await slot.daemon?.kill()
      for (const link of slot.links) await link.close()
    }
    // PostgreSQL may be coming back from a crash; what is not dropped goes with the lane.
    const drop = `DROP DATABASE IF EXISTS ${this.database} WITH (FORCE)`
    await until(drop, 10000, () =>
      this.lane.pg.sql('postgres', drop).then(
        () => true,
        () => false
      )
    ).catch(() => {})
  }
}
