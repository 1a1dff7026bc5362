// How often, from where, and who did what: HTTP_RATE_LIMIT, TRUST_PROXY, the audit log.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, test } from 'node:test'
import {
  Daemon,
  Listener,
  SWAP,
  assertProblem,
  createWorld,
  executePath,
  freePort,
  request,
  until
} from './lib.mjs'

const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
const LIMIT = 5
let world, limited, open
before(async () => {
  world = await createWorld({ AUTH: 'required', JWT_SECRET })
  const env = { HTTP_RATE_LIMIT: String(LIMIT), TRUST_PROXY: '127.0.0.1' }
  limited = await world.start({ env })
  open = await world.start({ env: { AUTH: 'off', HTTP_RATE_LIMIT: String(LIMIT) } })
})
after(() => world.destroy())

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
function forge(sub, scope = 'orders:read orders:write') {
  const exp = Math.floor(Date.now() / 1000) + 600
  const text = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64({ iss: 'ox', aud: 'ox', sub, scope, exp })}`
  return `${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}`
}
const as = (sub, scope) => ({ authorization: `Bearer ${forge(sub, scope)}` })
const from = (address) => ({ 'x-forwarded-for': address })

// burst() sends n requests at once; the limit lets a few more through while they come in.
async function burst(daemon, n, headers, target = '/api/orders/never-was') {
  const answers = await Promise.all(Array.from({ length: n }, () => daemon.get(target, { headers })))
  return {
    answers,
    refused: answers.filter((a) => a.status === 429),
    passed: answers.filter((a) => a.status !== 429)
  }
}

// ── how often ────────────────────────────────────────────────────────────────────────────────────

test('a client over its limit: 429, when to come back, and how things stand', async () => {
  const { refused, passed } = await burst(limited, 40, as('cli_busy'))
  assert(passed.length >= LIMIT)
  assert(refused.length > 0)
  for (const answer of refused) {
    const problem = assertProblem(answer, 429)
    assert.deepEqual([problem.code, problem.retryable], ['TOO_MANY_REQUESTS', true])
    assert.equal(answer.headers.get('retry-after'), '1')
    assert.equal(answer.headers.get('ratelimit-remaining'), '0')
  }
  for (const answer of passed) {
    assert.equal(answer.headers.get('ratelimit-limit'), String(LIMIT))
    const left = Number(answer.headers.get('ratelimit-remaining'))
    assert(left >= 0 && left < LIMIT)
    assert.match(answer.headers.get('ratelimit-reset'), /^[01]$/)
  }
})

test('each client has its own, and it comes back', async () => {
  await burst(limited, 40, as('cli_one'))
  const other = await limited.get('/api/orders/never-was', { headers: as('cli_two') })
  assert.equal(other.status, 404)
  await until('one request to pass', 10000, async () => {
    const { status } = await limited.get('/api/orders/never-was', { headers: as('cli_one') })
    return status === 404
  })
})

test('who has no token is counted by address, wherever it comes from', async () => {
  const { refused, passed } = await burst(limited, 40, from('203.0.113.1'))
  assert(refused.length > 0)
  for (const answer of passed) assertProblem(answer, 401)
  const elsewhere = await limited.get('/api/orders/never-was', { headers: from('203.0.113.2') })
  assert.equal(elsewhere.status, 401)
  const guessed = await burst(limited, 40, { authorization: 'Bearer guess', ...from('203.0.113.3') })
  assert(guessed.refused.length > 0)
  const logins = await burst(limited, 40, from('203.0.113.4'), '/oauth/token')
  assert(logins.answers.every((a) => a.status === 405), 'another method is not a login')
})

test('one network of IPv6 is one caller', async () => {
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      limited.get('/api/orders/never-was', { headers: from(`2001:db8:7:7::${i + 1}`) })
    )
  )
  assert(answers.some((a) => a.status === 429))
})

test('probes are never refused', async () => {
  for (const target of ['/health', '/livez', '/readyz'])
    assert.equal((await burst(limited, 30, from('203.0.113.9'), target)).refused.length, 0)
})

test('with AUTH=off it is by address, and nobody is believed who is not trusted', async () => {
  const { refused, passed } = await burst(open, 40, from('203.0.113.1'))
  assert(refused.length > 0 && passed.length >= LIMIT)
  const { answers } = await burst(open, 40, from('203.0.113.2'))
  assert(answers.some((a) => a.status === 429))
})

// ── who did what ─────────────────────────────────────────────────────────────────────────────────

const audited = (daemon, probe) =>
  until('a line of the audit', 10000, () =>
    daemon.log
      .filter((line) => line.includes('"audit"'))
      .map((line) => JSON.parse(line))
      .find(probe)
  )

test('placing, cancelling, admin, refusals, logins', async () => {
  const daemon = await world.start({ env: { TRUST_PROXY: '127.0.0.1' } })
  const ann = { ...as('cli_ann'), ...from('203.0.113.7') }
  const placed = await daemon.post('/api/orders/execute', { ...SWAP, type: 'limit', limitPrice: '999999' }, ann)
  const { orderId } = placed.json
  const line = await audited(daemon, (l) => l.order === orderId)
  assert.deepEqual(
    { ...line, time: '', level: '' },
    {
      time: '',
      level: '',
      msg: 'audit',
      client: 'cli_ann',
      address: '203.0.113.7',
      method: 'POST',
      route: '/api/orders/execute',
      order: orderId,
      status: 201,
      requestId: placed.headers.get('x-request-id')
    }
  )
  await daemon.get(`/api/orders/${orderId}`, { method: 'DELETE', headers: ann })
  const cancelled = await audited(daemon, (l) => l.method === 'DELETE')
  assert.deepEqual([cancelled.route, cancelled.order, cancelled.status], ['/api/orders/:id', orderId, 200])

  await daemon.get('/queue/stats', { headers: as('cli_root', 'admin') })
  assert.equal((await audited(daemon, (l) => l.route === '/queue/stats')).client, 'cli_root')
  await daemon.get('/queue/purge', { method: 'DELETE', headers: as('cli_ann') })
  assert.equal((await audited(daemon, (l) => l.route === '/queue/purge')).status, 403)
  await daemon.post('/api/orders/execute', { amount: 'x' }, as('cli_bad'))
  assert.equal((await audited(daemon, (l) => l.client === 'cli_bad')).status, 400)

  const client = await world.addClient('noted')
  await daemon.token(client)
  assert.equal((await audited(daemon, (l) => l.client === client.id)).status, 200)
  await daemon.login({ id: client.id, secret: 'oxs_wrong' })
  await audited(daemon, (l) => l.client === client.id && l.status === 401)
  await daemon.login({ id: client.secret, secret: client.id }) // the wrong way round
  await audited(daemon, (l) => l.client === null && l.status === 401)

  const socket = new Listener(daemon.url + executePath(), { headers: as('cli_ws') })
  await socket.opened
  socket.send({ action: 'execute', requestId: '1', order: SWAP })
  const accepted = await socket.find('the answer', (m) => m.type === 'accepted')
  const over = await audited(daemon, (l) => l.client === 'cli_ws')
  assert.deepEqual([over.method, over.order, over.status], ['execute', accepted.orderId, 201])
  await socket.close()

  await daemon.get(`/api/orders/${forge('cli_ann')}`, { method: 'DELETE', headers: ann })
  await daemon.get('/api/orders/stats', { headers: ann })
  const log = daemon.log.join('\n')
  for (const secret of [JWT_SECRET, client.secret, 'oxs_', 'eyJ']) assert(!log.includes(secret), secret)
  assert(!log.includes('"route":"/api/orders/stats"'), 'reading is not noted')
})

test('with AUTH=off there is nobody to note', async () => {
  await open.post('/api/orders/execute', SWAP)
  assert(!open.log.some((line) => line.includes('"audit"')))
})

test('a daemon that is told to log errors alone writes its audit all the same', async () => {
  const port = await freePort()
  const daemon = new Daemon('api', [], { ...world.env, LOG_LEVEL: 'error', PORT: String(port) })
  world.daemons.push(daemon)
  const call = (target, options) => request(`http://127.0.0.1:${port}${target}`, options)
  await until('readyz', 20000, () => call('/readyz').then((a) => a.status === 200, () => false))
  await call('/queue/stats', { headers: as('cli_root', 'admin') })
  await audited(daemon, (l) => l.client === 'cli_root')
  assert.deepEqual(daemon.log.map((line) => JSON.parse(line).msg), ['audit'])
})
