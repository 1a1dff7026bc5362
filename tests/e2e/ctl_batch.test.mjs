// oxctl batch and load against real daemons: every order once, whoever dies in the middle; a load that judges.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createWorld, ROOT, until } from './lib.mjs'
import { Ctl, inTerminal, lines, OXCTL } from './ctl.mjs'

let world, daemon, folder
before(async () => {
  world = await createWorld()
  daemon = await world.start()
  folder = await mkdtemp('/tmp/ox-ctl.')
})
after(async () => {
  await rm(folder, { recursive: true })
  await world.destroy()
})

const oxctl = (args, options) => new Ctl(args, { url: daemon.url, ...options }).ended
const records = (prefix, n) =>
  Array.from({ length: n }, (_, i) => JSON.stringify({ id: `${prefix}-${i}`, amount: i + 1 })).join('\n') + '\n'
const swaps = (n) => Array(n).fill('{"tokenIn":"SOL","tokenOut":"USDC","amount":1,"slippage":0.1}\n').join('')
const inDatabase = async () => Number((await world.sql('SELECT count(*) AS n FROM orders'))[0].n)

async function file(name, text) {
  const whole = path.join(folder, name)
  await writeFile(whole, text)
  return whole
}

test('batch: says which lines failed and why; the second run places nothing', async () => {
  const swap = { tokenIn: 'SOL', tokenOut: 'USDC', amount: 1 }
  const orders = [swap, 'nonsense', { ...swap, amount: undefined }, { ...swap, amount: 'x' }, swap, { ...swap, tokenIn: undefined }]
  const text = orders.map((o) => (typeof o === 'string' ? o : JSON.stringify(o))).join('\n')
  const name = await file('some.ndjson', text)
  const before = await inDatabase()
  const first = await oxctl(['batch', name])
  assert.equal(first.code, 1, first.stderr)
  const said = Object.fromEntries(lines(first.stdout).filter((l) => l.line).map((l) => [l.line, l]))
  assert.deepEqual(Object.keys(said), ['1', '2', '3', '4', '5', '6'])
  assert(said[1].orderId && said[5].orderId)
  assert.deepEqual([2, 3, 4, 6].map((n) => [said[n].error.pointer, said[n].error.code]), [
    ['', 'NOT_AN_ORDER'], ['/amount', 'REQUIRED'], ['/amount', 'NOT_A_NUMBER'], ['/tokenIn', 'REQUIRED']
  ])
  assert.deepEqual(lines(first.stdout).at(-1), { total: 6, placed: 2, failed: 4, left: 0, resumed: false })
  const second = await oxctl(['batch', name])
  assert.equal(second.code, 1)
  assert.deepEqual(lines(second.stdout).at(-1), { total: 6, placed: 2, failed: 4, left: 0, resumed: true })
  assert.equal((await inDatabase()) - before, 2)
  const anew = await oxctl(['batch', name, '--anew'])
  assert.equal(anew.code, 1)
  assert.equal((await inDatabase()) - before, 4)
  await writeFile(name, text + '\n{}')
  const edited = await oxctl(['batch', name])
  assert.equal(edited.code, 5)
  assert.match(edited.stderr, /the orders are not those that were begun with/)
})

test('batch: CSV, and stdin; a progress bar on a terminal', async () => {
  const csv = 'user_id,item_ids,total_amount,clientOrderId\nu-1,a;b,19.90,csv-1\n"u, 2",c,5,csv-2\n'
  const name = await file('some.csv', csv)
  const shown = await inTerminal(['batch', name], { url: daemon.url, env: { NO_COLOR: '1' } })
  assert.match(shown, /\[#{24}\] 2\/2 lines, 2 placed, 0 failed/)
  assert.match(shown, /2 orders: 2 placed, 0 failed\n$/)
  const { json } = await daemon.get('/api/orders/csv-2')
  assert.equal(json.user_id, 'u, 2')
  assert.equal(json.total_amount, '5')
  const piped = await oxctl(['batch', '-'], { stdin: records('piped', 3) })
  assert.equal(piped.code, 0, piped.stderr)
  assert.equal(lines(piped.stdout).at(-1).placed, 3)
  for (const [args, why] of [[['batch', '/nonexistent'], /No such file/], [['batch', '-'], /there are no orders/]])
    assert.match((await oxctl(args)).stderr, why)
})

test('batch: killed with -9 again and again, then once more: nothing is doubled, nothing is missing', async () => {
  const n = 700
  const name = await file('many.ndjson', swaps(n)) // no id of their own would catch a double
  const before = await inDatabase()
  const placed = async () => (await inDatabase()) - before
  for (let round = 1; round <= 4; round++) {
    const batch = new Ctl(['batch', name, '--chunk', '2'], { url: daemon.url })
    await until('some more are placed', 20000, () => lines(batch.stdout).length >= 60)
    batch.process.kill('SIGKILL')
    await batch.ended
  }
  assert((await placed()) < n, 'it was killed in the middle')
  const last = await oxctl(['batch', name, '--chunk', '1000'])
  assert.equal(last.code, 0, last.stderr)
  assert.deepEqual(lines(last.stdout).at(-1), { total: n, placed: n, failed: 0, left: 0, resumed: true })
  assert.equal(await placed(), n)
})

test('batch: the server is killed in the middle and comes back: it goes on by itself', async () => {
  const n = 600
  const name = await file('through.ndjson', records('through', n))
  let other = await world.start()
  const { portNumber } = other
  const before = await inDatabase()
  const batch = new Ctl(['batch', name, '--chunk', '5'], { url: other.url })
  await until('some are placed', 20000, async () => (await inDatabase()) >= before + 100)
  await other.kill()
  other = await world.start({ port: portNumber })
  const end = await batch.ended
  assert.equal(end.code, 0, end.stderr)
  assert.equal((await inDatabase()) - before, n)
  await other.kill()
})

test('batch: the server stays away: exit code 4, and the same command goes on', async () => {
  const name = await file('away.ndjson', records('away', 4))
  const away = await oxctl(['batch', name, '--chunk', '2', '--retry-for', '100ms'], { url: 'http://127.0.0.1:1' })
  assert.equal(away.code, 4)
  assert.match(away.stderr, /4 are left; the same command goes on there/)
  const elsewhere = await oxctl(['batch', name])
  assert.equal(elsewhere.code, 5)
  assert.match(elsewhere.stderr, /begun at another server/)
})

for (const listener of ['ws', 'sse'])
  test(`load: every order followed by ${listener}, judged`, async () => {
    const name = path.join(folder, `${listener}.json`)
    const load = ['load', '--rate', '100/s', '--count', '60', '--listen', listener, '--report', name]
    const { code, stdout, stderr } = await oxctl([...load, '--max-failed', '0', '--max-p99-ms', '20000'])
    assert.equal(code, 0, stderr + stdout)
    const report = JSON.parse(stdout)
    assert.deepEqual(JSON.parse(await readFile(name, 'utf8')), report)
    assert.equal(report.passed, true)
    assert.deepEqual([report.orders.accepted, report.orders.succeeded, report.events], [60, 60, 300])
    assert.equal(report.latencyMs['acceptTo:confirmed'].n, 60)
    assert(report.latencyMs.eventToListener.n > 0)
    const { post, postSinceSent } = report.latencyMs
    assert(post.p50 <= post.p99 && post.p99 <= post.max && post.mean >= postSinceSent.mean)
    assert(report.postingMs >= 590, 'the last one is due after 590 ms')
  })

test('load: a server that stands still is seen by all that were due meanwhile', async () => {
  const before = await inDatabase()
  const load = new Ctl(['load', '--rate', '100/s', '--count', '100', '--listen', 'none'], { url: daemon.url })
  await until('it has begun', 5000, async () => (await inDatabase()) > before)
  process.kill(daemon.pid, 'SIGSTOP')
  await new Promise((resolve) => setTimeout(resolve, 400))
  process.kill(daemon.pid, 'SIGCONT')
  const { stdout } = await load.ended
  const { post, postSinceSent } = JSON.parse(stdout).latencyMs
  assert(post.max >= 300, stdout)
  assert(post.p90 >= 100 && postSinceSent.n === 100, stdout)
})

test('load: limits and orders that do not end are exit code 1; a terminal has a bar and tables', async () => {
  const slow = await oxctl(['load', '--at-once', '5', '--listen', 'none', '--max-p99-ms', '0'])
  assert.equal(slow.code, 1)
  assert.equal(JSON.parse(slow.stdout).thresholds.p99Ms.kept, false)
  const order = await file('never.json', JSON.stringify({ type: 'limit', tokenIn: 'SOL', tokenOut: 'USDC', amount: 1, limitPrice: '100000' }))
  const never = await oxctl(['load', '--at-once', '3', '--order', order, '--settle', '500ms'])
  assert.equal(never.code, 1)
  assert.equal(JSON.parse(never.stdout).wrong.notEnded.orders, 3)
  const bad = await file('bad.json', '{}')
  const refused = await oxctl(['load', '--at-once', '3', '--order', bad, '--listen', 'none'])
  assert.equal(refused.code, 1)
  assert.equal(JSON.parse(refused.stdout).orders.refused, 3)
  assert.match(refused.stderr, /^oxctl: 400 Bad Request/)
  const shown = await inTerminal(['load', '--at-once', '5'], { url: daemon.url, env: { NO_COLOR: '1' } })
  for (const word of [/\[#*\.*\] /, /^MS +P50/m, /^accept to confirmed/m, /verdict +passed/]) assert.match(shown, word)
  const script = new Ctl([], { url: daemon.url, env: { OXCTL }, command: [path.join(ROOT, 'scripts/load-test'), '--at-once', '5'] })
  assert.equal((await script.ended).code, 0, script.stderr)
  const far = await oxctl(['load'], { url: 'http://192.0.2.1' })
  assert.equal(far.code, 2)
  assert.match(far.stderr, /not on this machine/)
})
