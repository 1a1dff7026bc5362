// The command line: what it says, what it refuses, and with which exit code.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { after, before, test } from 'node:test'
import { createWorld, OXD, SLOW } from './lib.mjs'

let world
before(async () => {
  world = await createWorld()
})
after(() => world.destroy())

// oxd() runs a command to its end, which must come by itself.
function oxd(args, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(OXD, args, {
      cwd: '/tmp',
      env: { ...process.env, ...world.env, PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe']
    })
    const out = { stdout: '', stderr: '' }
    for (const name of ['stdout', 'stderr']) child[name].on('data', (data) => (out[name] += data))
    const timer = setTimeout(() => child.kill('SIGKILL'), 45000 * SLOW)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      resolve({ code, signal, ...out })
    })
  })
}

test('--version, --help', async () => {
  const version = await oxd(['--version'])
  assert.equal(version.code, 0)
  assert.match(version.stdout, /^oxd \d+\.\d+\.\d+\n$/)
  const help = await oxd(['--help'])
  assert.equal(help.code, 0)
  for (const word of ['serve', 'migrate', 'check', 'QUEUE_RATE_LIMIT', 'SWAP_DELAY_MS'])
    assert(help.stdout.includes(word), word)
})

test('no command, or one that is none', async () => {
  for (const args of [[], ['dance'], ['--dance']]) {
    const { code, stderr } = await oxd(args)
    assert.equal(code, 64)
    assert.match(stderr, /oxd serve/)
  }
})

test('check prints what is in force, without secrets', async () => {
  const secret = 'correct-horse-battery-staple-0123456789'
  const { code, stdout } = await oxd(['check'], { JWT_SECRET: secret, QUEUE_CONCURRENCY: '7' })
  assert.equal(code, 0)
  assert.match(stdout, /^QUEUE_CONCURRENCY=7$/m)
  assert(!stdout.includes(secret))
  const password = /:\/\/[^:]*:([^@]+)@/.exec(world.env.DATABASE_URL)?.[1]
  if (password) assert(!stdout.includes(password))
})

test('every bad value is named, at check and at serve', async () => {
  const bad = { QUEUE_CONCURRENCY: '0', SWAP_DELAY_MS: '9-1', LOG_LEVEL: 'loud', REDIS_URL: 'x' }
  for (const command of ['check', 'serve']) {
    const { code, stderr } = await oxd([command], bad)
    assert.equal(code, 78)
    for (const name of Object.keys(bad)) assert(stderr.includes(name), `${command}: ${name}`)
  }
})

test('an unknown option', async () => {
  const { code, stderr } = await oxd(['serve', '--colour', 'red'])
  assert.equal(code, 78)
  assert.match(stderr, /colour/)
})

test('beyond loopback without AUTH: only if told so', async () => {
  const { code, stderr } = await oxd(['serve'], { HOST: '0.0.0.0' })
  assert.equal(code, 78)
  assert.match(stderr, /--insecure/)
})

test('serve --no-migrate refuses a schema that is not there', async () => {
  const { code, stderr } = await oxd(['serve', '--no-migrate'])
  assert.notEqual(code, 0)
  assert.match(stderr, /migrat|schema/)
})

test('migrate, twice; then serve --no-migrate', async () => {
  assert.equal((await oxd(['migrate'])).code, 0)
  assert.equal((await oxd(['migrate'])).code, 0)
  const daemon = await world.start({ args: ['--no-migrate'] })
  await daemon.ended(await daemon.execute())
  await daemon.stop()
})

test('migrate without PostgreSQL says so', async () => {
  const { code, stderr } = await oxd(['migrate'], { DATABASE_URL: 'postgresql://127.0.0.1:1/none' })
  assert.equal(code, 1)
  assert.match(stderr, /^oxd: schema: .+/)
})

test('executors that are not there', async () => {
  const { code, stderr } = await oxd(['serve'], { EXECUTOR_DIR: '/nowhere' })
  assert.notEqual(code, 0)
  assert.match(stderr, /\/nowhere/)
})
