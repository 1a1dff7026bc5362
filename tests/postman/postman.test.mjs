// The Postman collection: it has every call, and newman runs all of it, with auth off and with auth on,
// against daemons of its own. And the WebSocket listener.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { assertDocumented } from '../e2e/contract.mjs'
import { createWorld, ROOT, SLOW } from '../e2e/lib.mjs'

const POSTMAN = path.join(ROOT, 'postman')
const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
const QUICK = {
  QUOTE_DELAY_MS: '10',
  SWAP_DELAY_MS: '20-30',
  DELIVERY_DELAY_MS: '20',
  QUEUE_BACKOFF_MS: '20'
}
const COLLECTION = JSON.parse(readFileSync(path.join(POSTMAN, 'ox.postman_collection.json'), 'utf8'))
const ITEMS = COLLECTION.item.flatMap((folder) => folder.item)

// Each daemon has a world of its own, since the collection pauses the queue and breaks the venues.
let worlds = [], open, guarded, client, other, dir
before(async () => {
  worlds = await Promise.all([createWorld(QUICK), createWorld({ ...QUICK, AUTH: 'required', JWT_SECRET })])
  ;[open, guarded] = await Promise.all(worlds.map((world) => world.start()))
  client = await worlds[1].addClient('postman', 'orders:read,orders:write,admin')
  other = await worlds[1].addClient('other')
  dir = await mkdtemp(path.join(tmpdir(), 'ox-postman-'))
})
after(async () => {
  await rm(dir, { recursive: true, force: true })
  await Promise.all(worlds.map((world) => world.destroy()))
})

// node() runs a script of postman/ to its end; exit code and output, never an exception.
const node = (script, args, env = {}) =>
  new Promise((resolve) => {
    const options = {
      cwd: POSTMAN,
      env: { ...process.env, ...env },
      timeout: 120000 * SLOW,
      maxBuffer: 16 << 20
    }
    execFile(
      process.execPath,
      [path.join(POSTMAN, script), ...args],
      options,
      (error, stdout, stderr) => resolve({ code: error ? error.code : 0, stdout, stderr })
    )
  })

// ── what is in it ────────────────────────────────────────────────────────────────────────────────

const pathOf = ({ request }) => request.url.raw.replace('{{baseUrl}}', '').replace(/\?.*/, '')
const matches = (pattern, target) =>
  new RegExp(`^${pattern.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(target)

// The contract names every route there is: tests/e2e/contract.test.mjs sees to that.
test('every call of the contract has a request', async () => {
  const { json: contract } = await open.get('/openapi.json')
  const resolve = (at) => (at.$ref ? at.$ref.slice(2).split('/').reduce(member, contract) : at)
  const member = (value, part) => value[part.replaceAll('~1', '/').replaceAll('~0', '~')]
  const patterns = Object.keys(contract.paths)
  // A path belongs to the pattern with fewer variables.
  patterns.sort((a, b) => a.split('{').length - b.split('{').length)
  const asked = new Set(
    ITEMS.map((item) => `${item.request.method} ${patterns.find((p) => matches(p, pathOf(item)))}`)
  )
  const calls = patterns.flatMap((pattern) =>
    ['get', 'put', 'post', 'delete']
      .filter((method) => resolve(contract.paths[pattern])[method])
      .map((method) => `${method.toUpperCase()} ${pattern}`)
  )
  assert(calls.includes('POST /sqs/dlq/{id}/redrive') && calls.includes('GET /api/sim/ledger'))
  assert.deepEqual(
    calls.filter((call) => !asked.has(call)),
    []
  )
})

test('names are unique, every request has a test of its own, every folder is explained', () => {
  const names = ITEMS.map((item) => item.name)
  assert.deepEqual(
    names.filter((name, i) => names.indexOf(name) !== i),
    []
  )
  for (const item of ITEMS) {
    const own = item.event.find((e) => e.listen === 'test')?.script.exec.join('\n') ?? ''
    assert.match(own, /pm\.test\(/, item.name)
  }
  for (const folder of COLLECTION.item) assert(folder.description?.length > 20, folder.name)
})

test('every variable is set before it is used', () => {
  const known = new Set(
    JSON.parse(readFileSync(path.join(POSTMAN, 'ox.postman_environment.json'), 'utf8')).values.map((v) => v.key)
  )
  const scan = ({ script }) => {
    for (const [, key] of script.exec.join('\n').matchAll(/ariables\.set\("(\w+)"/g)) known.add(key)
  }
  COLLECTION.event.forEach(scan)
  known.add('token')
  for (const item of ITEMS) {
    const of = (listen) => item.event.filter((e) => e.listen === listen)
    of('prerequest').forEach(scan)
    for (const [, key] of JSON.stringify(item.request).matchAll(/\{\{(\w+)\}\}/g))
      assert(known.has(key), `${item.name}: {{${key}}}`)
    of('test').forEach(scan)
  }
})

// ── all of it ────────────────────────────────────────────────────────────────────────────────────

// assertAsDocumented() holds an answer of newman's report against the contract.
function assertAsDocumented(daemon, { method, url }, { code, header, stream }) {
  const headers = new Headers(header.map(({ key, value }) => [key, value]))
  const type = headers.get('content-type') ?? ''
  const text = Buffer.from(stream.data).toString()
  const json = /json/.test(type) && text ? JSON.parse(text) : undefined
  assertDocumented(method, `${daemon.url}/${url.path.join('/')}`, { status: code, headers, type, text, json })
}

// newman() runs the collection, in the environment that comes with it but for values.
async function newman(t, daemon, values) {
  const report = path.join(dir, `${values.auth ?? 'off'}.json`)
  const environment = Object.entries({ baseUrl: daemon.url, ...values })
  const { stdout, stderr } = await node('node_modules/newman/bin/newman.js', [
    ...['run', 'ox.postman_collection.json', '-e', 'ox.postman_environment.json'],
    ...environment.flatMap(([key, value]) => ['--env-var', `${key}=${value}`]),
    ...['-r', 'json', '--reporter-json-export', report]
  ])
  const { run } = JSON.parse(await readFile(report, 'utf8').catch(() => '{}'))
  assert(run, `newman wrote no report:\n${stdout}${stderr}`)
  const ran = new Set(run.executions.map(({ item }) => item.name))
  const left = ITEMS.map((item) => item.name).filter((name) => !ran.has(name))
  assert.deepEqual(left, ['Every event as it happens'], 'what has no end is left out, and nothing else')
  for (const { item, assertions = [], requestError, request, response } of run.executions)
    await t.test(item.name, () => {
      assert.equal(requestError, undefined)
      assertAsDocumented(daemon, request, response)
      assert.deepEqual(
        assertions.filter((a) => a.error).map((a) => `${a.assertion}: ${a.error.message}`),
        []
      )
    })
  const failures = run.failures.map((f) => `${f.source?.name}: ${f.error.message}`)
  assert.deepEqual(failures, [])
}

test('newman', { concurrency: true }, async (t) => {
  await Promise.all([
    t.test('auth off, as it comes', (t) => newman(t, open, {})),
    t.test('auth on, two clients', (t) =>
      newman(t, guarded, {
        auth: 'required',
        clientId: client.id,
        clientSecret: client.secret,
        otherClientId: other.id,
        otherClientSecret: other.secret
      })
    )
  ])
})

// ── the listener ─────────────────────────────────────────────────────────────────────────────────

const listen = (daemon, args, env) => node('listen.mjs', args, { OX_URL: daemon.url, ...env })
const assertHeard = ({ code, stdout, stderr }) => {
  assert.equal(code, 0, stderr)
  for (const status of ['pending', 'routing', 'building', 'submitted', 'confirmed'])
    assert.equal(stdout.match(new RegExp(` ${status} `, 'g'))?.length, 1, stdout)
}

test('listen.mjs places an order and hears it confirmed', async () => {
  assertHeard(await listen(open, ['--new']))
})

test('listen.mjs with auth on: by a client, or a token', async () => {
  const env = { OX_CLIENT_ID: client.id, OX_CLIENT_SECRET: client.secret }
  const OX_TOKEN = await guarded.token(client)
  for (const known of [env, { OX_TOKEN }]) assertHeard(await listen(guarded, ['--new'], known))
  for (const unknown of [{}, { OX_TOKEN: 'e30.e30.x' }, { ...env, OX_CLIENT_SECRET: 'oxs_wrong' }]) {
    const { code, stderr } = await listen(guarded, ['--new'], unknown)
    assert.equal(code, 2)
    assert.match(stderr, /^listen: \/[\w/]+: 401 /)
  }
})

test('listen.mjs hears an order of before, from a position on', async () => {
  const orderId = await open.execute()
  await open.ended(orderId)
  const { code, stdout } = await listen(open, [orderId, '3'])
  assert.equal(code, 0)
  assert.equal(stdout.trim().split('\n').length, 2)
})

test('listen.mjs says so when there is nothing to hear', async () => {
  assert.equal((await listen(open, ['nobodys'])).code, 2)
  assert.equal((await listen(open, [])).code, 2)
  assert.equal((await listen(open, ['--new', '{}'])).code, 2)
})
