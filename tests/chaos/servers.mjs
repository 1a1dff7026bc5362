// PostgreSQL and Redis of the harness's own: started, killed, stopped, filled up and set back at will.
// They end with this process, however it ends.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, chown, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { freePort, until } from '../e2e/lib.mjs'

const run = promisify(execFile)

const bin = () => {
  const found = execFileSync('bash', ['-c', 'ls -d /usr/lib/postgresql/*/bin | sort -rV | head -1'])
  return String(found).trim()
}

// As root the servers run as postgres, or nobody: PostgreSQL refuses root.
function unprivileged() {
  if (process.getuid() !== 0) return null
  for (const name of ['postgres', 'nobody'])
    try {
      const id = (flag) => Number(execFileSync('id', [flag, name]))
      return { name, uid: id('-u'), gid: id('-g') }
    } catch {} // eslint-disable-line no-empty
  throw new Error('neither a user postgres nor nobody')
}
const user = unprivileged()

// command() is argv for a child that dies with us.
function command(...argv) {
  const as = ['--pdeathsig', 'KILL']
  if (user) as.push(`--reuid=${user.uid}`, `--regid=${user.gid}`, '--init-groups')
  return ['setpriv', [...as, ...argv]]
}

export async function makeDirectory(dir) {
  await mkdir(dir, { recursive: true })
  if (user) await chown(dir, user.uid, user.gid)
  await chmod(dir, 0o755)
}

// childrenOf() is pid and all that descends from it.
async function familyOf(pid) {
  const parents = new Map()
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'latin1').catch(() => '')
    parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]))
  }
  const family = [pid]
  for (const p of family) for (const [child, parent] of parents) if (parent === p) family.push(child)
  return family
}

function signalAll(pids, signal) {
  for (const pid of pids)
    try {
      process.kill(pid, signal)
    } catch {} // gone already
}

// What both servers have in common: a process, the wrong clock and the full disk of shim.c.
class Server {
  constructor(dir, shim) {
    this.dir = dir
    this.shimFile = path.join(dir, 'shim')
    this.env = { PATH: process.env.PATH, LC_ALL: 'C', LD_PRELOAD: shim, SHIM_FILE: this.shimFile }
  }

  // setShim() says how far the clock is off, and whether the disk is full. The file is mapped: it is
  // written in place, never made shorter.
  async setShim({ offsetMs = 0, full = false }) {
    const file = await open(this.shimFile, existsSync(this.shimFile) ? 'r+' : 'w')
    await file.write(`${offsetMs} ${full ? 1 : 0}\n`.padEnd(64), 0)
    await file.close()
  }

  // spawn() starts what is not running: two faults may have found it gone.
  spawn(...argv) {
    if (this.alive) return
    const [file, args] = command(...argv)
    this.child = spawn(file, args, { cwd: this.dir, env: this.env, stdio: 'ignore' })
    this.exited = new Promise((resolve) => this.child.on('exit', resolve))
  }

  get alive() {
    return this.child?.exitCode === null && this.child.signalCode === null
  }

  async end(signal) {
    if (!this.alive) return
    this.stopped = null
    signalAll(await familyOf(this.child.pid), 'SIGCONT')
    this.child.kill(signal)
    await this.exited
  }

  // freeze() stops the server and all its children; thaw() lets them go on.
  async freeze() {
    this.stopped = await familyOf(this.child.pid)
    signalAll(this.stopped, 'SIGSTOP')
  }

  thaw() {
    if (this.stopped) signalAll(this.stopped, 'SIGCONT')
    this.stopped = null
  }
}

export class Postgres extends Server {
  // options: more for initdb, and settings that win over those of start().
  static async create(dir, shim, { initdb = [], settings = [] } = {}) {
    const pg = new Postgres(dir, shim)
    pg.settings = settings.flatMap((setting) => ['-c', setting])
    await makeDirectory(dir)
    await pg.setShim({})
    pg.password = randomBytes(18).toString('hex')
    const pwfile = path.join(dir, 'password')
    await writeFile(pwfile, pg.password, { mode: 0o600 })
    if (user) await chown(pwfile, user.uid, user.gid)
    pg.bin = bin()
    const [file, args] = command(
      `${pg.bin}/initdb`,
      ...['-D', `${dir}/data`, '-U', 'ox', '-A', 'scram-sha-256', '--no-sync', '-E', 'UTF8'],
      ...['--locale=C.UTF-8', `--pwfile=${pwfile}`, ...initdb]
    )
    await run(file, args, { cwd: dir, env: { PATH: process.env.PATH, LC_ALL: 'C' } })
    pg.port = await freePort()
    await pg.start()
    return pg
  }

  async start() {
    this.spawn(
      ...[`${this.bin}/postgres`, '-D', `${this.dir}/data`, '-p', String(this.port)],
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      ...['-c', 'max_connections=80', '-c', 'shared_buffers=64MB', '-c', 'min_wal_size=256MB'],
      ...['-c', 'autovacuum_naptime=10s', '-c', 'log_destination=stderr'],
      ...['-c', 'logging_collector=off', ...this.settings]
    )
    await until('PostgreSQL to be ready', 60000, async () => {
      if (!this.alive) throw new Error('PostgreSQL ended as it started')
      const file = await readFile(`${this.dir}/data/postmaster.pid`, 'latin1').catch(() => '')
      const lines = file.split('\n')
      return Number(lines[0]) === this.child.pid && lines[7]?.startsWith('ready')
    })
  }

  // restart() is a crash: what was committed is found in the log again.
  async restart() {
    await this.end('SIGQUIT')
    await this.start()
  }

  url(database, role = 'ox', port = this.port) {
    return `postgresql://${role}:${this.password}@127.0.0.1:${port}/${database}`
  }

  // sql() runs statements as the superuser, past every proxy.
  async sql(database, statements) {
    const args = ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', this.url(database), '-c', statements]
    const { stdout } = await run('psql', args, {
      env: { PATH: process.env.PATH, PGCONNECT_TIMEOUT: '10' },
      maxBuffer: 1 << 28
    })
    return stdout.trim()
  }

  async rows(database, query) {
    return JSON.parse(
      await this.sql(database, `SELECT coalesce(json_agg(r), '[]') FROM (${query}) r`)
    )
  }

  // noConnectionLimit() takes the limit away as soon as PostgreSQL answers: it may be coming back from a crash.
  async noConnectionLimit(role) {
    await until('PostgreSQL to answer', 30000, () =>
      this.setConnectionLimit(role, -1).then(
        () => true,
        () => false
      )
    )
  }

  // setConnectionLimit() leaves role with so many connections, and takes away those it has.
  async setConnectionLimit(role, limit) {
    await this.sql('postgres', `ALTER ROLE ${role} CONNECTION LIMIT ${limit}`)
    if (limit >= 0)
      await this.sql(
        'postgres',
        `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = '${role}'`
      )
  }
}

export class Redis extends Server {
  static async create(dir, shim) {
    const redis = new Redis(dir, shim)
    await makeDirectory(dir)
    await redis.setShim({})
    redis.port = await freePort()
    await redis.start()
    return redis
  }

  async start() {
    this.spawn(
      ...['redis-server', '--bind', '127.0.0.1', '--port', String(this.port)],
      ...['--save', '', '--appendonly', 'no', '--dir', this.dir]
    )
    await until('Redis to answer', 10000, () =>
      this.cli('ping').then(
        (pong) => pong === 'PONG',
        () => false
      )
    )
  }

  // restart() loses everything: nothing is kept on disk.
  async restart() {
    await this.end('SIGKILL')
    await this.start()
  }

  async cli(...args) {
    const argv = ['-h', '127.0.0.1', '-p', String(this.port), ...args]
    return (await run('redis-cli', argv, { timeout: 5000 })).stdout.trim()
  }

  url(port = this.port) {
    return `redis://127.0.0.1:${port}`
  }
}

export const removeDirectory = (dir) => rm(dir, { recursive: true, force: true })
