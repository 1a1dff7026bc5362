// The Postman collection, run by newman against a daemon of its own; and the WebSocket listener.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { createWorld, ROOT, SLOW } from '../e2e/lib.mjs'

const POSTMAN = path.join(ROOT, 'postman')
let world, ox, dir
before(async () => {
  world = await createWorld({ QUOTE_DELAY_MS: '10', SWAP_DELAY_MS: '20-30' })
  ox = await world.start()
  dir = await mkdtemp(path.join(tmpdir(), 'ox-postman-'))
})
after(async () => {
  await rm(dir, { recursive: true, force: true })
  await world.destroy()
})

// node() runs a script of postman/ to its end; exit code and output, never an exception.
const node = (script, ...args) =>
  new Promise((resolve) => {
    const options = { cwd: POSTMAN, env: { ...process.env, OX_URL: ox.url }, timeout: 60000 * SLOW }
    execFile(
      process.execPath,
      [path.join(POSTMAN, script), ...args],
      options,
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr })
    )
  })

// newman() runs the collection, or some of its folders, against daemon as client.
async function newman(t, daemon, client, auth, atLeast, folders = []) {
  const report = path.join(dir, `${auth}.json`)
  const { stdout, stderr } = await node(
    'node_modules/newman/bin/newman.js',
    'run',
    'ox.postman_collection.json',
    '-e',
    'ox.postman_environment.json',
    ...Object.entries({
      baseUrl: daemon.url,
      auth,
      clientId: client.id,
      clientSecret: client.secret
    }).flatMap(([key, value]) => ['--env-var', `${key}=${value}`]),
    ...folders.flatMap((folder) => ['--folder', folder]),
    '-r',
    'json',
    '--reporter-json-export',
    report
  )
  const { run } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'))
  assert(run, `newman wrote no report:\n${stdout}${stderr}`)
  assert(run.executions.length > atLeast)
  for (const { item, assertions = [], requestError } of run.executions)
    await t.test(item.name, () => {
      assert.equal(requestError, undefined)
      assert(assertions.length > 0)
      assert.deepEqual(
        assertions.filter((a) => a.error).map((a) => a.error.message),
        []
      )
    })
  assert.equal(
    run.failures.length,
    0,
    JSON.stringify(
      run.failures.map((f) => f.error),
      null,
      1
    )
  )
}

const SCOPES = 'orders:read,orders:write,admin'

test('the collection', async (t) => {
  await newman(t, ox, await world.addClient('postman', SCOPES), 'off', 50)
})

test('with auth: how to get in, and some of what is behind', async (t) => {
  const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
  const guarded = await world.start({ env: { AUTH: 'required', JWT_SECRET } })
  const client = await world.addClient('guarded', SCOPES)
  const folders = ['Health', 'Access', 'Execute', 'Watch and read', 'Protocol']
  await newman(t, guarded, client, 'required', 30, folders)
  await guarded.stop()
})

test('listen.mjs places an order and hears it confirmed', async () => {
  const { code, stdout, stderr } = await node('listen.mjs', '--new')
  assert.equal(code, 0, stderr)
  for (const status of ['pending', 'routing', 'building', 'submitted', 'confirmed'])
    assert.equal(stdout.match(new RegExp(` ${status} `, 'g'))?.length, 1, stdout)
})

test('listen.mjs hears an order of before, from a position on', async () => {
  const orderId = await ox.execute()
  await ox.ended(orderId)
  const { code, stdout } = await node('listen.mjs', orderId, '3')
  assert.equal(code, 0)
  assert.equal(stdout.trim().split('\n').length, 2)
})

test('listen.mjs says so when there is nothing to hear', async () => {
  assert.equal((await node('listen.mjs', 'nobodys')).code, 2)
  assert.equal((await node('listen.mjs')).code, 2)
  assert.equal((await node('listen.mjs', '--new', '{}')).code, 2)
})
