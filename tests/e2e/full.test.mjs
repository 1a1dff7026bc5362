// Servers that are full: PostgreSQL's disk, its connections, Redis' memory, its clients. Whoever asks gets a clear
// answer, what was acknowledged is kept, and it goes on when there is room again. The disks are small file systems in
// memory, in a mount namespace that ends with this process; where that is not permitted those tests are skipped.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { makeDirectory, Postgres, Redis, removeDirectory } from '../chaos/servers.mjs'
import { createWorld, SLOW, SWAP, until, watch, within } from './lib.mjs'
import { assertBack, connect, Load, percentile, resources } from './load.mjs'

const CLIENTS = 8
const TOLD_MS = 500 * SLOW
const DISK_MB = 160
const TABLES_MB = 24

// Disks are two small file systems, one inside the other, reached through the process that holds them.
class Disks {
  static async create() {
    const script =
      `mount -t tmpfs -o size=${DISK_MB}m,mode=755 none /mnt && mkdir -m 777 /mnt/tables && ` +
      `mount -t tmpfs -o size=${TABLES_MB}m,mode=777 none /mnt/tables && mkdir /mnt/tables/space && ` +
      'chown postgres /mnt/tables/space && echo mounted && ' +
      'exec setpriv --reuid=postgres --regid=postgres --init-groups cat'
    const argv = ['-m', '--propagation', 'private', 'sh', '-c', script]
    const holder = spawn('unshare', argv, { stdio: ['pipe', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [holder.stdout, holder.stderr]) stream.on('data', (data) => (said += data))
    const ended = new Promise((resolve) => {
      holder.on('exit', resolve)
      holder.on('error', (error) => resolve((said += error.message)))
    })
    const mounted = until('the disks', 10000, () => said.includes('mounted'))
    if ((await Promise.race([mounted, ended])) !== true) return { why: said.trim() }
    return new Disks(holder)
  }

  constructor(holder) {
    this.holder = holder
    this.data = `/proc/${holder.pid}/root/mnt`
    this.tables = `${this.data}/tables`
  }

  // fill() takes all the room of one of them, but so many bytes; PostgreSQL may be faster with the last of them.
  async fill(disk, but) {
    const { bavail, bsize } = await statfs(disk)
    await writeFile(path.join(disk, 'fill'), Buffer.alloc(bavail * bsize - but)).catch((error) =>
      assert.equal(error.code, 'ENOSPC')
    )
  }

  empty(disk) {
    return rm(path.join(disk, 'fill'), { force: true })
  }

  close() {
    this.holder.stdin.end()
  }
}

let dir, disks, pg, redis, world, ox, was
before(async () => {
  dir = await mkdtemp('/tmp/ox-full.')
  await makeDirectory(dir)
  disks = await Disks.create()
  const at = disks.why === undefined ? disks.data : dir
  const settings = ['min_wal_size=4MB', 'max_wal_size=8MB', 'shared_buffers=16MB', 'max_connections=30']
  pg = await Postgres.create(path.join(at, 'pg'), undefined, { initdb: ['--wal-segsize=1'], settings })
  redis = await Redis.create(path.join(dir, 'redis'))
  world = await createWorld({ REDIS_URL: redis.url(), QUEUE_LEASE_MS: '2000' }, pg.url('postgres'))
  if (disks.why === undefined) {
    await pg.sql('postgres', `CREATE TABLESPACE small LOCATION '${disks.tables}/space'`)
    await pg.sql('postgres', `ALTER DATABASE ${world.name} SET TABLESPACE small`)
  }
  ox = await world.start()
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(100)
  await allEnd(await load.stop())
  was = await resources(ox)
})
after(async () => {
  await world?.destroy()
  await redis?.end('SIGKILL')
  await pg?.end('SIGQUIT')
  disks?.close?.()
  await removeDirectory(dir)
})
afterEach(async () => {
  for (const disk of [disks.tables, disks.data]) if (disk) await disks.empty(disk)
  if (!pg.alive) await pg.start()
  await redis.cli('config', 'set', 'maxmemory', '0')
  assert(ox.running, `oxd ended:\n${ox.log.slice(-20).join('\n')}`)
  await ready(true)
})

const ready = (yes) =>
  until(`readyz ${yes ? 200 : 503}`, 20000, async () => {
    const { status } = await ox.get('/readyz')
    return status === (yes ? 200 : 503)
  })

const healthy = (status, checks = {}) =>
  until(`health to be ${status} ${JSON.stringify(checks)}`, 20000, async () => {
    const { json } = await ox.get('/health')
    return json.status === status && Object.entries(checks).every(([k, v]) => json.checks[k] === v)
  })

async function allEnd(ids) {
  await until('every order to end', 60000, async () => {
    const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE phase < 2')
    return n === 0
  })
  await world.auditSwaps(ids)
}

const linesSince = (from, word) => ox.log.slice(from).filter((line) => line.includes(word)).length

test('no room for tables: 503, at once when it is known; the orders that were taken are run', async (t) => {
  if (disks.why !== undefined) return t.skip(`no file system can be mounted: ${disks.why}`)
  const from = ox.log.length
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(20)
  await disks.fill(disks.tables, 64 * 1024)
  await healthy('degraded', { postgres: 'refusing' })
  const knownAt = performance.now()
  assert.equal((await ox.get(`/api/orders/${load.accepted[0]}`)).status, 200, 'it can be read')
  await until('many to be told', 30000, () => load.since(knownAt).length > 200)
  const told = load.since(knownAt)
  assert(told.every((a) => a.status === 503))
  assert(percentile(told, 90) < TOLD_MS, `p90 ${percentile(told, 90)} ms`)
  assert(percentile(told, 100) < 2000 + TOLD_MS, 'the one that finds out')
  await disks.empty(disks.tables)
  await load.more(20)
  await healthy('ok') // under load: a venue whose ledger had no room either is asked again for an order's sake
  const ids = await load.stop()
  await allEnd(ids)
  assert(linesSince(from, '53100') < 10, 'it is said, but not for each transaction')
  await assertBack(ox, was)
})

test('no room for the log: PostgreSQL goes down; it is back with its orders when it is started again', async (t) => {
  if (disks.why !== undefined) return t.skip(`no file system can be mounted: ${disks.why}`)
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(20)
  await disks.fill(disks.data, 0)
  await ready(false)
  await until('PostgreSQL to give up', 30000, () => !pg.alive)
  const downAt = performance.now()
  await until('many to be told', 30000, () => load.since(downAt).length > 50)
  assert(load.since(downAt).every((a) => a.status === 503 && a.ms < TOLD_MS))
  assert.equal((await ox.get('/livez')).status, 200)
  await disks.empty(disks.data)
  await pg.start()
  await ready(true)
  await load.more(20)
  await allEnd(await load.stop())
  await assertBack(ox, was)
})

test('Redis has no memory left: orders are taken, and run when it has', async () => {
  const from = ox.log.length
  await redis.cli('config', 'set', 'maxmemory-policy', 'noeviction')
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(20)
  await redis.cli('config', 'set', 'maxmemory', '1')
  await load.more(200)
  await healthy('degraded', { redis: 'refusing' })
  assert.equal((await ox.get('/readyz')).status, 200)
  assert(load.answers.every((a) => a.status === 201))
  await redis.cli('config', 'set', 'maxmemory', '0')
  await allEnd(await load.stop())
  await healthy('ok')
  assert(linesSince(from, 'OOM') < 20, 'it is said, but not for each script')
  await assertBack(ox, was)
})

test('Redis has no room for clients: orders are taken, and run when it has', async () => {
  const own = await connect(redis.port)
  await own.ask('CONFIG SET maxclients 1')
  for (const kind of ['normal', 'pubsub']) await own.ask(`CLIENT KILL TYPE ${kind} SKIPME yes`)
  await healthy('degraded', { redis: 'down' })
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(50)
  assert.equal((await ox.get('/readyz')).status, 200)
  const listener = watch(ox, load.accepted[0])
  await listener.find('its first event', (m) => m.seq === 1)
  await own.ask('CONFIG SET maxclients 1000')
  own.close()
  const ids = await load.stop()
  await allEnd(ids)
  const { code } = await within('the end of the history', 20000, listener.closed)
  assert.equal(code, 1000)
  await healthy('ok')
  await assertBack(ox, was)
})

// Sessions are clients of PostgreSQL that do nothing but be there.
class Sessions {
  list = []

  // open() adds as many as PostgreSQL lets in, some at a time.
  async open() {
    for (let full = false; !full;) {
      const denied = await Promise.all(Array.from({ length: 6 }, () => this.#add()))
      full = denied.includes(true)
    }
  }

  async #add() {
    const child = spawn('psql', ['-XAtq', '-d', pg.url('postgres')], { stdio: ['pipe', 'pipe', 'pipe'] })
    this.list.push(child)
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
    child.stdin.on('error', () => {}) // it was denied, and is gone
    child.stdin.write("SELECT 'in';\n")
    await until('psql to say something', 20000, () => said.endsWith('\n'))
    const denied = /too many clients/.test(said)
    if (!denied) assert.equal(said.trim(), 'in')
    return denied
  }

  async close() {
    await Promise.all(
      this.list.map((child) => {
        const gone = new Promise((resolve) => child.on('exit', resolve))
        child.stdin.end()
        return child.exitCode === null ? gone : null
      })
    )
  }
}

test('PostgreSQL has no connection left, in the running: 503 at once; it goes on when it has', async () => {
  const load = new Load(ox, { clients: CLIENTS, everyMs: 20 })
  await load.more(20)
  const sessions = new Sessions()
  ox.signal('SIGSTOP')
  await pg.sql(
    'postgres',
    `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '${world.name}'`
  )
  await sessions.open()
  ox.signal('SIGCONT')
  await ready(false)
  const knownAt = performance.now()
  await until('many to be told', 30000, () => load.since(knownAt).length > 50)
  assert(load.since(knownAt).every((a) => a.status === 503 && a.ms < TOLD_MS))
  assert.equal((await ox.get('/livez')).status, 200)
  await sessions.close()
  await ready(true)
  await load.more(20)
  await allEnd(await load.stop())
  await assertBack(ox, was)
})

test('PostgreSQL has no connection left at the start: it waits for one, and says so', async () => {
  const sessions = new Sessions()
  await sessions.open()
  const starting = world.start()
  starting.catch(() => {})
  const daemon = world.daemons.at(-1)
  await until('a line that says so', 20000, () =>
    daemon.log.some((line) => line.includes('waiting for PostgreSQL') && line.includes('too many clients'))
  )
  assert(daemon.running)
  await sessions.close()
  await starting
  const answer = await daemon.post('/api/orders/execute', SWAP)
  assert.equal(answer.status, 201, answer.text)
  await daemon.ended(answer.json.orderId)
  await daemon.stop()
})
