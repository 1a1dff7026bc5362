// oxctl against real daemons: what it prints, how it ends, and that it goes on when the server does not.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { assertHistory, createWorld, SWAP_STATES, until } from './lib.mjs'
import { Ctl, inTerminal, lines, OXCTL } from './ctl.mjs'

const SWAP = '--token-in SOL --token-out USDC --amount 1.5 --slippage 0.1'.split(' ')
const NEVER = 'submit --type limit --token-in SOL --token-out USDC --amount 1 --limit-price 100000'.split(' ')
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

test('submit, then watch, get and list it: JSON for programs', async () => {
  const placed = await oxctl(['submit', ...SWAP, '--id', 'mine'])
  assert.equal(placed.code, 0, placed.stderr)
  const { orderId } = JSON.parse(placed.stdout)
  const watched = await oxctl(['watch', 'mine'])
  assert.equal(watched.code, 0, watched.stderr)
  assertHistory(lines(watched.stdout), SWAP_STATES)
  const later = await oxctl(['watch', orderId, '--since', '3'])
  assertHistory(lines(later.stdout), SWAP_STATES, 3)
  const nothing = await oxctl(['watch', orderId, '--since', '5'])
  assert.deepEqual([nothing.code, nothing.stdout, nothing.stderr], [0, '', ''])
  const got = await oxctl(['get', 'mine'])
  assert.equal(got.stdout, (await daemon.get(`/api/orders/${orderId}`)).text + '\n', 'as it came, to the byte')
  assert.equal(JSON.parse((await oxctl(['get', 'mine', '--events'])).stdout).events.length, 5)
})

test('submit --watch: every state, and the exit code is the order’s', async () => {
  const good = await oxctl(['submit', ...SWAP, '--watch'])
  assert.equal(good.code, 0, good.stderr)
  assertHistory(lines(good.stdout), SWAP_STATES)
  const watching = new Ctl([...NEVER, '--id', 'never', '--watch'], { url: daemon.url })
  await until('it waits for its price', 5000, () => watching.stdout.includes('watching'))
  const cancelled = await oxctl(['cancel', 'never'])
  assert.equal(cancelled.code, 0, cancelled.stderr)
  assert.equal(JSON.parse(cancelled.stdout).phase, 'cancelled')
  const end = await watching.ended
  assert.equal(end.code, 1)
  assert.equal(lines(end.stdout).at(-1).status, 'cancelled')
  const again = await oxctl(['cancel', 'never'])
  assert.equal(again.code, 3)
  assert.match(again.stderr, /409 Conflict: the order has ended already\n {2}ORDER_ENDED, request /)
})

test('an order as JSON, from stdin; the same key places nothing', async () => {
  const record = JSON.stringify({ id: 'r-1', amount: 100 })
  const first = await oxctl(['submit', '--json', '-', '--key', 'k1'], { stdin: record })
  assert.equal(first.code, 0, first.stderr)
  const second = await oxctl(['submit', '-', '--key', 'k1'], { stdin: record })
  assert.equal(second.stdout, first.stdout)
  const nothing = await oxctl(['submit', '-'], { stdin: '' })
  assert.equal(nothing.code, 2)
  assert.match(nothing.stderr, /there is nothing in it/)
  const typing = new Ctl(['submit', '-'], { url: daemon.url, stdin: 'open' })
  await until('it waits for the order', 5000, () => readFileSync(`/proc/${typing.process.pid}/stat`, 'utf8').includes('(oxctl) S'))
  typing.process.kill('SIGINT')
  assert.equal((await typing.ended).signal, 'SIGINT')
})

test('what is wrong is said, all of it', async () => {
  const bad = await oxctl('submit --token-in SOL --token-out XXX --amount 0 --slippage 2'.split(' '))
  assert.equal(bad.code, 3)
  for (const word of [/^oxctl: 400 Bad Request/, /^ {2}\/tokenOut: /m, /^ {2}\/amount: /m, /^ {2}\/slippage: /m])
    assert.match(bad.stderr, word)
  assert.equal(bad.stdout, '')
  for (const [args, code, why] of [
    [['get', 'nosuch'], 3, /404 Not Found: there is no such order/],
    [['watch', 'nosuch'], 3, /404 Not Found/],
    [['get', 'a b'], 3, /400 Bad Request: not an orderId/],
    [['get', '../../health'], 3, /404 Not Found/],
    [['list', '--sort', 'shoe'], 2, /--sort must be one of createdAt\|-createdAt/],
    [['list', '--type', 'shoe'], 3, /400/],
    [['list', '--limit', '0'], 2, /--limit must be a whole number, 1-200/],
    [['submit'], 2, /say what to swap/],
    [['submit', 'x', '--amount', '1'], 2, /not from both/],
    [['get'], 2, /ID is missing/],
    [['get', 'a', 'b'], 2, /too many arguments/],
    [[], 2, /a command is missing/],
    [['dance'], 2, /no such command: dance/],
    [['queue'], 2, /^ {2}oxctl queue pause .*\n[^]*which of these/m],
    [['dlq', 'dance'], 2, /^ {2}oxctl dlq list .*\n[^]*which of these/m],
    [['get', 'x', '--url', 'ftp://x'], 2, /a URL begins with/]
  ]) {
    const end = await oxctl(args)
    assert.equal(end.code, code, `${args}: ${end.stderr}`)
    assert.match(end.stderr, why)
  }
})

test('list: pages that meet, all of them as lines', async () => {
  for (let i = 0; i < 5; i++) await daemon.post('/api/orders', { id: `p-${i}`, amount: 1 })
  const one = JSON.parse((await oxctl(['list', '--type', 'record', '--limit', '2'])).stdout)
  assert.equal(one.orders.length, 2)
  const next = ['list', '--type', 'record', '--limit', '2', '--cursor', one.nextCursor]
  assert.equal(JSON.parse((await oxctl(next)).stdout).orders.length, 2)
  const all = await oxctl(['list', '--type', 'record', '--limit', '2', '--all'])
  const orders = lines(all.stdout)
  assert.equal(new Set(orders.map((o) => o.orderId)).size, 6)
  assert(orders.every((o) => o.type === 'record'))
})

test('on a terminal: tables with colours, but for NO_COLOR', async () => {
  const table = await inTerminal(['list', '--type', 'market'], { url: daemon.url })
  assert.match(table, /ORDER +TYPE +PHASE/)
  assert.match(table, /\x1b\[32msucceeded/)
  const plain = await inTerminal(['list', '--type', 'market'], { url: daemon.url, env: { NO_COLOR: '1' } })
  assert.match(plain, /succeeded/)
  assert(!plain.includes('\x1b'))
  const shown = await inTerminal(['submit', ...SWAP, '--watch'], { url: daemon.url, env: { NO_COLOR: '1' } })
  for (const status of SWAP_STATES) assert.match(shown, new RegExp(`s  ${status}`))
  assert.match(shown, /confirmed after \d+\.\d{3} s: 5 states, 1 attempt/)
  const json = await inTerminal(['get', 'mine', '--json'], { url: daemon.url })
  assert.equal(JSON.parse(json).clientOrderId, 'mine')
  const sent = await daemon.post('/api/orders', { user_id: 'a\u001b[2Jb', item_ids: ['x'], total_amount: 1 })
  assert.equal(sent.status, 201, sent.text)
  assert(!(await inTerminal(['get', sent.json.orderId], { url: daemon.url, env: { NO_COLOR: '1' } })).includes('\x1b'))
})

test('the server is killed in the middle of a watch: nothing is missing, nothing comes twice', async () => {
  const env = { SWAP_DELAY_MS: '1000', QUEUE_LEASE_MS: '1000' }
  const slow = await world.start({ env })
  const watching = new Ctl(['submit', ...SWAP, '--watch'], { url: slow.url })
  await until('it is submitted', 10000, () => watching.stdout.includes('"submitted"'))
  await slow.kill()
  await until('the cut is noticed', 10000, () => watching.stderr.includes('connecting anew'))
  await world.start({ port: slow.portNumber, env })
  const end = await watching.ended
  assert.equal(end.code, 0, end.stderr)
  const events = lines(end.stdout)
  assert.deepEqual(events.map((e) => e.seq), events.map((_, i) => i + 1))
  assert.equal(events.filter((e) => e.status === 'confirmed').length, 1)
  await world.auditSwaps([events[0].orderId])
})

test('no server, and one that does not come back: exit code 4', async () => {
  const none = await oxctl(['get', 'x', '--retry-for', '100ms'], { url: 'http://127.0.0.1:1' })
  assert.equal(none.code, 4)
  assert.match(none.stderr, /the server cannot be reached/)
  const doomed = await world.start()
  const watching = new Ctl([...NEVER, '--watch', '--retry-for', '300ms'], { url: doomed.url })
  await until('it waits', 5000, () => watching.stdout.includes('watching'))
  await doomed.kill()
  assert.equal((await watching.ended).code, 4)
})

test('a reader that has enough ends a watch', async () => {
  for (const enough of [1, 5]) { // the first state, or all of them
    const pipe = `'${OXCTL}' submit ${SWAP.join(' ')} --watch | head -${enough}; echo "\${PIPESTATUS[0]}"`
    const { stdout } = await oxctl([], { command: ['bash', '-c', pipe] })
    assert.match(stdout, enough === 1 ? /"pending"[^]*\n5\n$/ : /"confirmed"[^]*\n0\n$/)
  }
})

test('Ctrl-C: 130', async () => {
  const watching = new Ctl([...NEVER, '--watch'], { url: daemon.url })
  await until('it waits', 5000, () => watching.stdout.includes('watching'))
  watching.process.kill('SIGINT')
  assert.equal((await watching.ended).code, 130)
})

test('with AUTH=required: a token, or a client and its secret; else 401', async () => {
  const env = { AUTH: 'required', JWT_SECRET: 'correct-horse-battery-staple-0123456789', JWT_TTL_S: '2' }
  const closed = await world.start({ env })
  const url = closed.url
  const client = await world.addClient('ctl')
  const without = await oxctl(['list'], { url })
  assert.equal(without.code, 3)
  assert.match(without.stderr, /401 Unauthorized[^]*see oxctl login/)
  const token = await closed.token(client)
  assert.equal((await oxctl(['list'], { url, env: { OX_TOKEN: token } })).code, 0)
  const secret = path.join(folder, 'secret')
  await writeFile(secret, client.secret + '\n')
  const who = { OX_CLIENT_ID: client.id, OX_CLIENT_SECRET_FILE: secret }
  const watching = new Ctl([...NEVER, '--id', 'long', '--watch'], { url, env: who })
  const swap = await oxctl(['submit', ...SWAP, '--watch'], { url, env: who })
  assert.equal(swap.code, 0, swap.stderr)
  assertHistory(lines(swap.stdout), SWAP_STATES)
  const wrong = await oxctl(['list'], { url, env: { OX_CLIENT_ID: client.id, OX_CLIENT_SECRET: 'no' } })
  assert.equal(wrong.code, 3)
  assert.match(wrong.stderr, /401 invalid_client/)
  await until('the token of the watch has run out', 10000, () => watching.stderr.includes('connecting anew'))
  assert.equal((await oxctl(['cancel', 'long'], { url, env: who })).code, 0)
  const end = await watching.ended
  assert.equal(end.code, 1, end.stderr)
  assert.deepEqual(lines(end.stdout).map((e) => e.seq), [1, 2, 3])
})
