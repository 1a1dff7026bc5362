// docs/writing-an-executor.md: its plugins, taken out of the page, built out of tree with -Iinclude alone, and run.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { OXD, ROOT, SWAP, assertHistory, assertProblem, createWorld, until } from './lib.mjs'

const run = promisify(execFile)
const FLAGS = ['-std=c11', '-Wall', '-Wextra', '-Werror', '-shared', '-fPIC', '-fvisibility=hidden']
let world, daemon, dir

before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ox-guide-'))
  const plugins = path.join(dir, 'plugins')
  await mkdir(plugins)
  const page = await readFile(path.join(ROOT, 'docs/writing-an-executor.md'), 'utf8')
  const blocks = [...page.matchAll(/^```c (\w+)\.c\n([\s\S]*?)^```$/gm)]
  assert.deepEqual(
    blocks.map((b) => b[1]),
    ['countdown', 'corner']
  )
  for (const [, name, text] of blocks) {
    await writeFile(path.join(dir, `${name}.c`), text)
    const built = path.join(plugins, `${name}.so`)
    const args = [...FLAGS, `-I${path.join(ROOT, 'include')}`, `${name}.c`, '-o', built]
    await run(process.env.CC ?? 'cc', args, { cwd: dir })
  }
  for (const file of ['market.so', 'tokens.json'])
    await symlink(path.join(path.dirname(OXD), 'plugins', file), path.join(plugins, file))
  world = await createWorld({ EXECUTOR_DIR: plugins, JOB_DEADLINE_MS: '60000', QUEUE_LEASE_MS: '1000' })
  daemon = await world.start()
})
after(async () => {
  await world?.destroy()
  await rm(dir, { recursive: true })
})

const countdown = (from, everyMs) => daemon.execute({ type: 'countdown', from, everyMs })
const events = async (id) => (await daemon.get(`/api/orders/${id}/events`)).json.events

test('the executor counts down', async () => {
  const id = await countdown(3, 5)
  const order = await daemon.ended(id)
  assert.deepEqual([order.status, order.by, order.from], ['lifted', 'countdown', 3])
  const all = await events(id)
  assertHistory(all, ['waiting', 'counting', 'counting', 'counting', 'counting', 'lifted'])
  assert.deepEqual(all.map((e) => e.data.left).filter(Boolean), [3, 2, 1])
})

test('it says everything that is wrong', async () => {
  const answer = await daemon.post('/api/orders/execute', { type: 'countdown', from: 0.5, wish: 1 })
  assertProblem(answer, 400, ['/from', '/everyMs', '/'])
})

test('it can be cancelled', async () => {
  const id = await countdown(1000, 1000)
  await until('it to count', 5000, async () => (await events(id)).length > 2)
  assert.equal((await daemon.get(`/api/orders/${id}`, { method: 'DELETE' })).json.status, 'cancelled')
})

test('it goes on where it was when its process is killed', async () => {
  const id = await countdown(6, 200)
  await until('some of it', 10000, async () => (await events(id)).length >= 5)
  await daemon.kill()
  daemon = await world.start()
  assert.equal((await daemon.ended(id, 40000)).status, 'lifted')
  const left = (await events(id)).map((e) => e.data.left).filter(Boolean)
  assert.deepEqual([...new Set(left)], [6, 5, 4, 3, 2, 1], 'none is left out')
  assert(left.length <= 7, `no more than one is told twice: ${left}`)
})

test('the venue fills market orders', async () => {
  const ids = await Promise.all(Array.from({ length: 20 }, () => daemon.execute(SWAP)))
  for (const id of ids) {
    const order = await daemon.ended(id)
    assert.deepEqual(
      [order.status, order.dex, order.inAmount, order.outAmount],
      ['confirmed', 'corner', '1500000000', '3000000000']
    )
  }
})
