// Plugins that are wrong, or crash: a clear line that names them, and the daemon or the order survives.
import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { OXD, createWorld, until, within } from './lib.mjs'

const dirs = []
const worlds = []
after(async () => {
  for (const world of worlds) await world.destroy()
  for (const dir of dirs) await rm(dir, { recursive: true })
})

// A crash is to be seen as it is, not as a sanitizer shows it.
const asItIs = Object.fromEntries(
  ['ASAN_OPTIONS', 'TSAN_OPTIONS'].map((name) => [
    name,
    [process.env[name], 'handle_segv=0'].filter(Boolean).join(':')
  ])
)

async function worldWith(plugins, env = {}) {
  const dir = await mkdtemp(path.join(tmpdir(), 'ox-plugins-'))
  dirs.push(dir)
  for (const name of plugins)
    await symlink(path.join(path.dirname(OXD), `tests/plugin/${name}.so`), path.join(dir, `${name}.so`))
  const world = await createWorld({ EXECUTOR_DIR: dir, ...asItIs, ...env })
  worlds.push(world)
  return world
}

// The end of a daemon that these plugins keep from starting, and what it said.
async function ends(...plugins) {
  const daemon = await (await worldWith(plugins)).start({ role: 'worker' })
  const end = await within('it to end', 20000, daemon.exited)
  return [end, daemon.log.join('\n')]
}

for (const [plugins, line] of [
  [['wrong_abi'], /^oxd: plugins: wrong_abi\.so: it was built for ABI 2\.\d+, this is 1\.\d+$/m],
  [['no_symbol'], /^oxd: plugins: no_symbol\.so: it does not export ox_plugin\(\)$/m],
  [['good', 'same_type'], /^oxd: plugins: same_type\.so: order type 'frame' is there already$/m],
  [['good', 'same_venue'], /^oxd: plugins: same_venue\.so: venue 'frame' is there already$/m],
  [['closed_plugin'], /^oxd: plugins: closed_plugin\.so: it does not open: no table of tokens$/m]
])
  test(`${plugins.at(-1)}: refused at start`, async () => {
    const [end, said] = await ends(...plugins)
    assert.deepEqual(end, { code: 1, signal: null })
    assert.match(said, line)
  })

test('a crash in open: the last line says which plugin it was', async () => {
  const [end, said] = await ends('crash_open', 'good')
  assert.deepEqual(end, { code: null, signal: 'SIGSEGV' })
  assert.match(said, /^oxd: SIGSEGV inside plugin crash_open\.so$/m)
})

test('a crash while its venue opens, too', async () => {
  const [end, said] = await ends('crash_venue')
  assert.deepEqual(end, { code: null, signal: 'SIGABRT' })
  assert.match(said, /^oxd: SIGABRT inside plugin crash_venue\.so$/m)
})

test('an endpoint that crashes is named, and the next process serves on', async () => {
  const world = await worldWith(['endpoints'])
  const api = await world.start({ role: 'api' })
  await assert.rejects(api.get('/test/odd?do=crash'))
  assert.equal((await within('it to end', 10000, api.exited)).signal, 'SIGABRT')
  assert(api.log.includes('oxd: SIGABRT inside endpoint /test/odd'), api.log.join('\n'))
  const next = await world.start({ role: 'api' })
  assert.equal((await next.get('/test/odd?do=well')).status, 200)
})

test('an executor that crashes once: another process takes the order over and ends it', async () => {
  const world = await worldWith(['odd'], { QUEUE_LEASE_MS: '500' })
  const api = await world.start({ role: 'api' })
  const worker = await world.start({ role: 'worker' })
  const id = await api.execute({ type: 'odd', do: 'crash once' })
  assert.equal((await within('it to crash', 20000, worker.exited)).signal, 'SIGABRT')
  assert(worker.log.includes('oxd: SIGABRT inside executor odd'), worker.log.join('\n'))
  await world.start({ role: 'worker' })
  const order = await api.ended(id, 30000)
  assert.deepEqual([order.status, order.attempt], ['done', 1])
})

test('an executor that always crashes fails its order in the end, and no other', async () => {
  const world = await worldWith(['odd'], { QUEUE_LEASE_MS: '500', QUEUE_MAX_TAKEOVERS: '2' })
  const api = await world.start({ role: 'api' })
  const id = await api.execute({ type: 'odd', do: 'crash' })
  let crashes = 0
  const phase = async () => (await api.get(`/api/orders/${id}`)).json.phase
  while (crashes < 10 && (await phase()) !== 'failed') {
    const worker = await world.start({ role: 'worker' })
    await until('a crash, or the end of the order', 30000, async () => {
      return !worker.running || (await phase()) === 'failed'
    })
    if (!worker.running) crashes++
  }
  const order = await api.ended(id)
  assert.equal(order.error.code, 'TAKEOVER_LIMIT')
  assert.equal(crashes, 3, 'the first run and two take-overs')
  const good = await api.execute({ type: 'odd', do: 'done' })
  assert.equal((await api.ended(good)).status, 'done')
})
