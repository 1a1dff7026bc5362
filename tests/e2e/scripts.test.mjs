// The scripts for operators: up, status, demo, down on free ports in a directory of their own; what they say
// when it does not run, and that a database is set up once.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { OXCTL } from './ctl.mjs'
import { createWorld, freePort, OXD, ROOT, SLOW } from './lib.mjs'

const QUICK = { QUEUE_BACKOFF_MS: '200', DELIVERY_DELAY_MS: '20', BREAKER_FAILURES: '100' }
let world, dir, env, url
before(async () => {
  world = await createWorld(QUICK)
  dir = await mkdtemp(path.join(tmpdir(), 'ox-scripts-'))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const sockets = { DATABASE_SOCKET_URL: '', REDIS_SOCKET_URL: '' } // those of the tests' servers
  env = { ...process.env, ...sockets, ...world.env, PORT: String(port), RUN_DIR: dir, OX_URL: url, OXD, OXCTL }
})
after(async () => {
  await script('manage-system.sh', ['down'])
  await rm(dir, { recursive: true })
  await world.destroy()
})

// script() runs one to its end; standard output and error together are its text.
function script(name, args, more = {}) {
  return new Promise((resolve) => {
    const options = { env: { ...env, ...more }, timeout: 60000 * SLOW }
    execFile(path.join(ROOT, 'scripts', name), args, options, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, text: stdout + stderr })
    )
  })
}
const manage = (...args) => script('manage-system.sh', args)
const health = (...args) => script('health-check.sh', args)

test('what is not understood is refused in few words', async () => {
  for (const args of [[], ['dance'], ['up', 'now'], ['logs', 'x']]) {
    const { code, text } = await manage(...args)
    assert.deepEqual([code, text.includes('scripts/manage-system.sh up ')], [64, true], text)
  }
  assert.equal((await health('--yaml')).code, 3)
  assert.equal((await script('setup-database.sh', ['--drop'])).code, 64)
  const { code, text } = await script('setup-database.sh', ['--create'], { DATABASE_URL: 'postgresql:///ox' })
  assert.deepEqual([code, /^setup-database: DATABASE_URL names no user[^\n]*\n$/.test(text)], [1, true], text)
})

test('nothing runs', async () => {
  for (const word of ['status', 'demo']) {
    const { code, text } = await manage(word)
    assert.deepEqual([code, text], [1, 'ox: it does not run: scripts/manage-system.sh up\n'])
  }
  assert.deepEqual(await manage('down'), { code: 0, stdout: 'ox does not run\n', text: 'ox does not run\n' })
  const { code, stdout } = await health('--json')
  const { status, answers, ready, queue } = JSON.parse(stdout)
  assert.deepEqual([code, status, answers, ready, queue], [2, 'down', false, false, null])
})

test('a role, its database and the schema are made once', async () => {
  const [, user, password, host, port] = /:\/\/([^:]+):([^@]+)@([^:/]+):(\d+)\//.exec(world.env.DATABASE_URL)
  const as = { PGHOST: host, PGPORT: port, PGUSER: user, PGPASSWORD: password }
  const name = `${world.name}_it's`
  const own = `postgresql://${encodeURIComponent(name)}:it%27s%20%22it@${host}:${port}/${encodeURIComponent(name)}`
  try {
    for (let i = 0; i < 2; i++) {
      const { code, stdout, text } = await script('setup-database.sh', ['--create'], { ...as, DATABASE_URL: own })
      assert.deepEqual([code, stdout], [0, 'the database is ready\n'], text)
    }
    const [{ owner }] = await world.sql(`SELECT pg_get_userbyid(datdba) AS owner FROM pg_database
      WHERE datname = '${name.replace("'", "''")}'`)
    assert.equal(owner, name)
  } finally {
    await world.exec(`DROP DATABASE IF EXISTS "${name}"`)
    await world.exec(`DROP ROLE IF EXISTS "${name}"`)
  }
})

test('up, status, demo, down', async () => {
  const up = await manage('up')
  assert.equal(up.code, 0, up.text)
  assert(up.stdout.startsWith(`ox serves on ${url} (process `), up.text)
  const again = await manage('up')
  assert.deepEqual([again.code, again.stdout.split(':')[0]], [0, 'ox runs already'])
  const [pid] = (await readFile(path.join(dir, 'ox.pid'), 'utf8')).split(' ')
  assert(again.stdout.includes(`(process ${pid})`), again.text)

  const status = await manage('status')
  assert.equal(status.code, 0, status.text)
  for (const line of [`process     ${pid}`, `ox          ok, ${url}`, 'postgres    up', 'redis       up'])
    assert(status.stdout.split('\n').includes(line), status.text)
  assert.match(status.stdout, /^queue {7}waiting 0, active 0/m)
  assert.match((await manage('logs', '5')).stdout, /"msg":"/)

  const faults = '{"faults":[{"venue":"raydium","kind":"halted","probability":0.5,"nth":null,"windowMs":null}]}'
  const sim = (options) => fetch(`${url}/api/sim/faults`, options).then((answer) => answer.text())
  await sim({ method: 'PUT', body: faults, headers: { 'content-type': 'application/json' } })
  const demo = await manage('demo')
  assert.equal(demo.code, 0, demo.text)
  assert.equal(demo.stdout.match(/^ok /gm).length, 7, demo.text)
  assert.equal(await sim(), faults, 'what was there before the demo is there again')
  const landed = await world.sql('SELECT count(*)::int AS n FROM sim.ledger WHERE landed')
  assert.deepEqual(landed, [{ n: 27 }])

  const down = await manage('down')
  assert.deepEqual([down.code, down.text], [0, 'ox has stopped\n'])
  assert.throws(() => process.kill(Number(pid), 0), 'its process is gone')
  assert.equal((await health()).code, 2)
})
