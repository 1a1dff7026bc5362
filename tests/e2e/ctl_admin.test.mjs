// What operators do with oxctl: login, the queue, dead letters, top; and what a shell completes.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { createWorld, until } from './lib.mjs'
import { Ctl, inTerminal, OXCTL, terminal } from './ctl.mjs'

const SECRET = 'correct-horse-battery-staple-0123456789'
const plain = { NO_COLOR: '1' }
let world, daemon, folder
before(async () => {
  world = await createWorld({ QUEUE_BACKOFF_MS: '50' })
  daemon = await world.start()
  folder = await mkdtemp('/tmp/ox-ctl.')
})
after(async () => {
  await rm(folder, { recursive: true })
  await world.destroy()
})

const oxctl = (args, options) => new Ctl(args, { url: daemon.url, ...options }).ended
const json = async (args, options) => {
  const { code, stdout, stderr } = await oxctl(args, options)
  assert.equal(code, 0, stderr)
  return JSON.parse(stdout)
}

test('quote and stats: JSON as it came; tables on a terminal', async () => {
  const args = 'quote --token-in SOL --token-out USDC --amount 1.5'.split(' ')
  assert.equal((await json(args)).quotes.length, 3)
  const shown = await inTerminal(args, { url: daemon.url, env: plain })
  assert.match(shown, /^VENUE +OUT \(BASE UNITS\) +AT LEAST[^]*^raydium +\d+[^]*^route +(raydium|meteora)$/m)
  assert.deepEqual(Object.keys(await json(['stats'])), ['queue', 'websocket', 'rateLimit'])
  assert.match(await inTerminal(['stats'], { url: daemon.url, env: plain }), /^rateLimit\.windowMs +60000$/m)
  assert.equal((await oxctl(['quote', '--token-in', 'SOL'])).code, 3)
})

test('queue: pause, stats, purge with a question, resume', async () => {
  assert.equal((await json(['queue', 'pause'])).paused, true)
  for (let i = 0; i < 3; i++) await daemon.execute()
  assert.equal((await json(['queue', 'stats'])).paused, true)
  const unasked = await oxctl(['queue', 'purge'], { command: ['setsid', '-w', OXCTL, 'queue', 'purge'] })
  assert.equal(unasked.code, 2)
  assert.match(unasked.stderr, /--yes if you mean it/)
  for (const [typed, code, said] of [['no\r', 2, /nothing was done/], ['\x03', 130, /type yes/], ['yex\x7fs\r', 0, /^purged +3$/m]]) {
    const asking = terminal(['queue', 'purge'], { url: daemon.url, env: plain, stdin: 'open' })
    await until('it asks', 5000, () => asking.stdout.includes('type yes:'))
    asking.process.stdin.end(typed)
    const end = await asking.ended
    assert.equal(end.code, code, end.stdout)
    assert.match(end.stdout.replaceAll('\r', ''), said)
  }
  await daemon.execute()
  assert.equal((await json(['queue', 'purge', '--yes'])).purged, 1)
  assert.equal((await json(['queue', 'resume'])).paused, false)
})

test('dlq: list, redrive one, then all', async () => {
  await daemon.setFaults({ venue: 'raydium', kind: 'no_liquidity', probability: 1 }, { venue: 'meteora', kind: 'no_liquidity', probability: 1 })
  const ids = [await daemon.execute(), await daemon.execute()]
  for (const id of ids) assert.equal((await daemon.ended(id, 30000)).phase, 'failed')
  await daemon.setFaults()
  assert.deepEqual((await json(['dlq', 'list'])).orders.map((o) => o.orderId).sort(), [...ids].sort())
  assert.match(await inTerminal(['dlq', 'list'], { url: daemon.url, env: plain }), new RegExp(`^${ids[0]} +market +failed`, 'm'))
  assert.equal((await json(['dlq', 'redrive', ids[0]])).redriveOf, ids[0])
  assert.equal((await json(['dlq', 'redrive', '--all'])).redriven, 1)
  assert.equal(await inTerminal(['dlq', 'list'], { url: daemon.url, env: plain }), 'none\n')
  assert.equal((await oxctl(['dlq', 'redrive', 'nosuch'])).code, 3)
  assert.equal((await oxctl(['dlq', 'redrive'])).code, 2)
  assert.equal((await oxctl(['dlq', 'redrive', ids[0], '--all'])).code, 2)
})

test('top: once as JSON; on a terminal until q, and the terminal is as it was', async () => {
  const once = await json(['top'])
  assert.deepEqual(Object.keys(once), ['stats', 'queue', 'metrics', 'workers'])
  assert.equal(once.queue.paused, false)
  const top = terminal(['top', '--interval', '200ms'], { url: daemon.url, stdin: 'open' })
  await until('it shows something', 10000, () => /orders +waiting \d+/.test(top.stdout))
  assert(top.stdout.includes('\x1b[?1049h'))
  await daemon.stop()
  await until('it says that the server is gone', 10000, () => top.stdout.includes('cannot be reached'))
  daemon = await world.start({ port: daemon.portNumber })
  const seen = top.stdout.length
  await until('it shows the new one', 10000, () => /orders +waiting \d+/.test(top.stdout.slice(seen)))
  top.process.stdin.write('q')
  const end = await top.ended
  assert.equal(end.code, 0)
  assert.match(end.stdout, /\x1b\[\?25h\x1b\[\?1049l$/)
  const again = terminal(['top'], { url: daemon.url, stdin: 'open' })
  await until('it shows something', 10000, () => /orders +waiting \d+/.test(again.stdout))
  again.process.stdin.write('\x03')
  const interrupted = await again.ended
  assert.equal(interrupted.code, 130)
  assert.match(interrupted.stdout, /\x1b\[\?1049l[^]{0,4}$/)
})

test('login: kept for this user alone, had anew when it has run out, forgotten', async () => {
  const closed = await world.start({ env: { AUTH: 'required', JWT_SECRET: SECRET, JWT_TTL_S: '31' } })
  const client = await world.addClient('ctl')
  const own = { url: closed.url, env: { XDG_CONFIG_HOME: folder } }
  const login = ['login', '--client-id', client.id, '--secret-file', '-']
  const wrong = await oxctl(login, { ...own, stdin: 'oxs_wrong\n' })
  assert.equal(wrong.code, 3)
  assert.match(wrong.stderr, /401 invalid_client/)
  assert.equal((await oxctl(login, { ...own, stdin: '' })).code, 2)
  const { code, stderr } = await oxctl(login, { ...own, stdin: client.secret + '\n' })
  assert.equal(code, 0, stderr)
  const file = path.join(folder, 'ox/credentials.json')
  assert.equal((await stat(file)).mode & 0o777, 0o600)
  assert.equal((await stat(path.dirname(file))).mode & 0o777, 0o700)
  assert.equal((await oxctl(['list'], own)).code, 0)

  const kept = JSON.parse(await readFile(file, 'utf8'))
  const entry = kept[closed.url]
  await writeFile(file, JSON.stringify({ ...kept, [closed.url]: { ...entry, expiresAtMs: 1 } }))
  assert.equal((await oxctl(['list'], own)).code, 0, 'had anew before it is used')
  assert.notEqual(JSON.parse(await readFile(file, 'utf8'))[closed.url].expiresAtMs, 1)
  await writeFile(file, JSON.stringify({ ...kept, [closed.url]: { ...entry, token: 'x.y.z' } }))
  assert.equal((await oxctl(['list'], own)).code, 0, 'had anew after a 401')

  await chmod(file, 0o644)
  const open = await oxctl(['list'], own)
  assert.equal(open.code, 2)
  assert.match(open.stderr, /others can read it/)
  await chmod(file, 0o600)
  assert.equal((await oxctl(['logout'], own)).code, 0)
  assert.equal((await oxctl(['list'], own)).code, 3)

  const asking = terminal(['login', '--client-id', client.id, '--token-only'], { ...own, stdin: 'open' })
  await until('it asks', 5000, () => asking.stdout.includes('client secret:'))
  asking.process.stdin.write(client.secret + '\r')
  const end = await asking.ended
  assert.equal(end.code, 0, end.stdout)
  assert(!end.stdout.includes(client.secret), 'what is typed is not shown')
  const text = await readFile(file, 'utf8')
  assert(!text.includes(client.secret), 'nor kept')
  assert.equal((await oxctl(['list'], own)).code, 0)
})

test('completion: bash completes commands, options and words', async () => {
  const script = (await oxctl(['completion', 'bash'])).stdout
  const complete = (...words) =>
    execFileSync('bash', ['-c', `${script}
      COMP_WORDS=(${words.map((w) => `'${w}'`).join(' ')}); COMP_CWORD=${words.length - 1}; _oxctl; echo "\${COMPREPLY[@]}"`])
      .toString().trim().split(' ')
  assert.deepEqual(complete('oxctl', 'su'), ['submit'])
  assert(complete('oxctl', '').includes('queue'))
  assert.deepEqual(complete('oxctl', 'queue', 'p'), ['pause', 'purge'])
  assert.deepEqual(complete('oxctl', 'queue', 'purge', '--y'), ['--yes'])
  assert(complete('oxctl', 'list', '--').includes('--phase') && complete('oxctl', 'list', '--').includes('--url'))
  assert.deepEqual(complete('oxctl', 'list', '--phase', 'act'), ['active'])
  assert.deepEqual(complete('oxctl', 'submit', '--type', ''), ['market', 'limit', 'sniper'])
  assert.equal((await oxctl(['completion', 'fish'])).code, 2)
})

// Typed into a zsh on a terminal, where oxctl is a function that says what it was called with.
test('completion: zsh completes commands, options and words', async () => {
  const script = path.join(folder, '_oxctl')
  await writeFile(script, (await oxctl(['completion', 'zsh'])).stdout)
  const typed = ['su\t--tok\tin X', 'queue pu\t--y\t', 'list --phase=act\t', 'get --ev\t--u\tx']
  const wanted = ['submit --token-in X', 'queue purge --yes', 'list --phase=active', 'get --events --url=x']
  const shell = new Ctl(['in zsh'], {
    command: ['script', '-qec', `zsh -f -i`, '/dev/null'],
    env: { TERM: 'xterm', HOME: folder, PS1: '%% ' },
    stdin: 'open'
  })
  const type = (line) => shell.process.stdin.write(`${line}\r`)
  type(`oxctl() { print -r -- "called[$*]" }; autoload -U compinit; compinit -u -D; source ${script}; print rea''dy`)
  await until('zsh', 10000, () => shell.stdout.includes('ready'))
  for (const line of typed) type(`oxctl ${line}`)
  type('exit')
  const { stdout } = await shell.ended
  assert.deepEqual([...stdout.matchAll(/called\[(\w.*?)\]/g)].map((m) => m[1]), wanted, stdout)
})
