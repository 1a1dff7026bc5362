// Who may call: clients, tokens and scopes, with AUTH=required. Tokens are forged here with the secret.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { ROOT, SWAP, assertProblem, createWorld, request, until } from './lib.mjs'

const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
let world, ox, trader, reader, admin
before(async () => {
  world = await createWorld({ AUTH: 'required', JWT_SECRET, LOG_LEVEL: 'debug' })
  ox = await world.start()
  trader = await world.addClient('trader')
  reader = await world.addClient('reader', 'orders:read')
  admin = await world.addClient('admin', 'admin')
})
after(() => world.destroy())

const as = (token) => ({ authorization: `Bearer ${token}` })
const basic = (id, secret) => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
})
const b64 = (value) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const now = () => Math.floor(Date.now() / 1000)

// forge() signs whatever it is told to, with the real secret unless told otherwise.
function forge(claims = {}, { header = { alg: 'HS256', typ: 'JWT' }, hash = 'sha256', key } = {}) {
  const whole = { iss: 'ox', aud: 'ox', sub: 'cli_forged', scope: 'orders:read', exp: now() + 600 }
  const text = `${b64(header)}.${b64({ ...whole, ...claims })}`
  return `${text}.${createHmac(hash, key ?? JWT_SECRET).update(text).digest('base64url')}`
}

// What has no end of its own is asked for something that there is not.
const finite = (target) => (target === '/api/orders/stream' ? `${target}?type=none` : target)

// Every route: the daemon's as its table has them, so that none can be forgotten, and its plugins'.
const SCOPES = { READ: 'orders:read', WRITE: 'orders:write', ADMIN: 'admin' }
const TABLE = readFileSync(path.join(ROOT, 'src/http/routes.c'), 'utf8')
const OWN = [...TABLE.matchAll(/^ *\{"(\w+)", "([^"]+)",[^,]+, SCOPE_(\w+)/gm)].map(
  ([, method, pattern, word]) => [method, finite(pattern.replace(/:\w+/, 'some-id')), SCOPES[word]]
)
const PLUGINS = [
  ['GET', '/api/quote?tokenIn=SOL&tokenOut=USDC&amount=1', 'orders:read'],
  ['PUT', '/api/sim/prices', 'admin'],
  ['POST', '/api/sim/pools', 'admin'],
  ['GET', '/api/sim/faults', 'admin'],
  ['PUT', '/api/sim/faults', 'admin'],
  ['GET', '/api/sim/ledger', 'admin']
]
const OPEN = ['/oauth/token', '/health', '/livez', '/readyz']
const isPause = ([, target]) => target.endsWith('/pause') // would stop the others' orders

const call = (method, target, headers = {}) =>
  request(ox.url + target, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: ['POST', 'PUT'].includes(method) ? '{}' : undefined
  })

// ── the token endpoint ───────────────────────────────────────────────────────────────────────────

test('a client gets a token, with its secret in the form or in the header', async () => {
  const inForm = await ox.login(trader)
  const inHeader = await ox.login({}, {}, basic(trader.id, trader.secret))
  for (const { status, json, headers } of [inForm, inHeader]) {
    assert.equal(status, 200)
    assert.deepEqual(
      { ...json, access_token: undefined },
      { access_token: undefined, token_type: 'Bearer', expires_in: 3600, scope: 'orders:read orders:write' }
    )
    assert.equal(headers.get('cache-control'), 'no-store')
    assert.equal(headers.get('pragma'), 'no-cache')
    const claims = JSON.parse(Buffer.from(json.access_token.split('.')[1], 'base64url'))
    assert.equal(claims.sub, trader.id)
    assert.equal(claims.exp - claims.iat, 3600)
    assert.equal((await ox.get('/api/orders/stats', { headers: as(json.access_token) })).status, 200)
  }
  assert.notEqual(inForm.json.access_token, inHeader.json.access_token)
})

test('fewer scopes than it has, but not more', async () => {
  const less = await ox.login(trader, { scope: 'orders:read' })
  assert.equal(less.json.scope, 'orders:read')
  assertProblem(await ox.post('/api/orders/execute', SWAP, as(less.json.access_token)), 403)
  for (const scope of ['admin', 'orders:read admin', 'root', 'orders:read orders:read']) {
    const { status, json } = await ox.login(trader, { scope })
    assert.deepEqual([status, json.error], [400, 'invalid_scope'], scope)
  }
})

test('what is wrong with a request for a token', async () => {
  const cases = [
    [400, 'invalid_request', await ox.login(trader, { grant_type: undefined })],
    [400, 'unsupported_grant_type', await ox.login(trader, { grant_type: 'password' })],
    [401, 'invalid_client', await ox.login({})],
    [401, 'invalid_client', await ox.login({ id: trader.id, secret: 'oxs_wrong' })],
    [401, 'invalid_client', await ox.login({ id: trader.id, secret: reader.secret })],
    [401, 'invalid_client', await ox.login({ id: 'cli_nobody', secret: trader.secret })],
    [401, 'invalid_client', await ox.login({ id: "x' OR 1=1 --", secret: 'x' })],
    [401, 'invalid_client', await ox.login({}, {}, { authorization: 'Basic !!!' })],
    [401, 'invalid_client', await ox.login({}, {}, { authorization: 'Bearer abc' })],
    [400, 'invalid_request', await ox.login(trader, {}, basic(trader.id, trader.secret))],
    [400, 'invalid_request', await ox.login({ id: reader.id }, {}, basic(trader.id, trader.secret))],
    [400, 'invalid_request', await ox.login({ id: 'x'.repeat(300), secret: 'x' })]
  ]
  for (const [status, error, answer] of cases) {
    assert.deepEqual([answer.status, answer.json.error], [status, error], answer.text)
    assert.equal(typeof answer.json.error_description, 'string')
    assert.equal(answer.headers.has('www-authenticate'), status === 401)
  }
  assertProblem(await ox.post('/oauth/token', { grant_type: 'client_credentials' }), 415)
  assertProblem(await call('GET', '/oauth/token'), 405)
  const huge = await ox.login(trader, { x: 'x'.repeat(8192) })
  assertProblem(huge, 413)
})

test('logins that fail are limited, for the client at its address', async () => {
  const target = await world.addClient('target')
  const wrong = { id: target.id, secret: 'oxs_wrong' }
  const answers = await Promise.all(Array.from({ length: 16 }, () => ox.login(wrong)))
  assert(answers.every((a) => a.status === 401 || a.status === 429))
  const late = await ox.login(target)
  assertProblem(late, 429)
  assert(Number(late.headers.get('retry-after')) >= 1)
  const refused = answers.filter((a) => a.status === 401).length
  assert(refused >= 10 && refused <= 12, `${refused} were looked at`)
  assert.equal((await ox.login(reader)).status, 200, 'others are not locked out')
})

// ── the gate ─────────────────────────────────────────────────────────────────────────────────────

test('every route: 401 without a token, 403 with the wrong one, neither with the right one', async () => {
  const tokens = { 'orders:read': forge() }
  tokens['orders:write'] = forge({ scope: 'orders:write' })
  tokens.admin = forge({ scope: 'admin' })
  assert.deepEqual(OWN.filter(([, , needed]) => !needed).map(([, target]) => target), OPEN)
  const guarded = [...OWN, ...PLUGINS].filter((route) => route[2] && !isPause(route))
  assert(guarded.length > 25)
  for (const [method, target, needed] of guarded) {
    const bare = await call(method, target)
    assertProblem(bare, 401)
    assert.equal(bare.headers.get('www-authenticate'), 'Bearer realm="ox"')
    for (const [scope, token] of Object.entries(tokens)) {
      const answer = await call(method, target, as(token))
      const what = `${method} ${target} with ${scope}: ${answer.text}`
      if (scope === needed) assert(![401, 403].includes(answer.status), what)
      else assert.equal(answer.status, 403, what)
      if (scope !== needed)
        assert.match(answer.headers.get('www-authenticate'), new RegExp(`insufficient_scope.*${needed}`))
    }
  }
})

test('what is open needs no token, and a bad one does no harm there', async () => {
  for (const target of ['/health', '/livez', '/readyz', '/openapi.json', '/asyncapi.json', '/docs', '/docs/docs.js']) {
    assert.equal((await ox.get(target)).status, 200)
    assert.equal((await ox.get(target, { headers: as('x') })).status, 200)
  }
  assertProblem(await ox.get('/nothing/here'), 404)
  assert.equal((await call('OPTIONS', '/api/orders/execute')).status, 204)
})

test('tokens that are none', async () => {
  const good = forge()
  const [header, claims, signature] = good.split('.')
  const flipped = signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))
  const bad = {
    'alg none': forge({}, { header: { alg: 'none', typ: 'JWT' } }),
    'alg none, not signed': `${b64({ alg: 'none' })}.${claims}.`,
    HS512: forge({}, { header: { alg: 'HS512', typ: 'JWT' }, hash: 'sha512' }),
    'HS512, signed as HS256': forge({}, { header: { alg: 'HS512', typ: 'JWT' } }),
    RS256: forge({}, { header: { alg: 'RS256', typ: 'JWT' } }),
    'another secret': forge({}, { key: 'another-secret-of-more-than-32-characters' }),
    'an empty secret': forge({}, { key: '' }),
    issuer: forge({ iss: 'oxen' }),
    audience: forge({ aud: 'other' }),
    audiences: forge({ aud: ['other', 'another'] }),
    expired: forge({ exp: now() - 1 }),
    'without exp': forge({ exp: undefined }),
    'not before': forge({ nbf: now() + 300 }),
    'no sub': forge({ sub: undefined }),
    'no scope': forge({ scope: undefined }),
    'a scope of its own': forge({ scope: 'everything' }),
    'claims changed': `${header}.${b64({ iss: 'ox', aud: 'ox', sub: 'x', scope: 'admin', exp: now() + 600 })}.${signature}`,
    'signature changed': `${header}.${claims}.${flipped}`,
    'signature padded': `${good}=`,
    'signature cut': good.slice(0, -1),
    'base 64, not base 64 url': `${header}.${claims}.${'+/'.repeat(21)}A`,
    huge: forge({ x: 'x'.repeat(6000) }),
    'one part': 'x',
    'two parts': `${header}.${claims}`,
    'four parts': `${good}.x`,
    empty: ''
  }
  assert.equal((await ox.get('/api/orders/stats', { headers: as(good) })).status, 200)
  for (const [what, token] of Object.entries(bad)) {
    const answer = await ox.get('/api/orders/stats', { headers: as(token) })
    assert.equal(answer.status, 401, what)
    assertProblem(answer, 401)
    assert.match(answer.headers.get('www-authenticate'), /^Bearer realm="ox", error="inv/, what)
    assert(!token || token.length < 9 || !answer.text.includes(token), what)
  }
  for (const value of [`Basic ${good}`, good, `bearer`, `Bearer\t${good}`])
    assertProblem(await ox.get('/api/orders/stats', { headers: { authorization: value } }), 401)
  const lower = { authorization: `bearer ${good}` }
  assert.equal((await ox.get('/api/orders/stats', { headers: lower })).status, 200)
})

test('a token in the URL is none', async () => {
  const token = forge()
  for (const name of ['access_token', 'token', 'jwt', 'authorization'])
    assertProblem(await ox.get(`/api/orders/stats?${name}=${token}`), 401)
  const upgrade = await request(`${ox.url}/api/orders/execute?access_token=${token}`)
  assert.equal(upgrade.status, 401)
})

test('a client that is disabled is out within seconds, its token too; and back when it is enabled', async () => {
  const client = await world.addClient('leaver')
  const headers = as(await ox.token(client))
  assert.equal((await ox.get('/api/orders/stats', { headers })).status, 200)
  await world.client('disable', 'leaver')
  await until('the token to be refused', 15000, async () => {
    const { status } = await ox.get('/api/orders/stats', { headers })
    return status === 401
  })
  assert.equal((await ox.login(client)).status, 401)
  await world.client('enable', client.id)
  assert.equal((await ox.login(client)).status, 200)
  await until('the token to be good again', 15000, async () => {
    const { status } = await ox.get('/api/orders/stats', { headers })
    return status === 200
  })
  await world.client('remove', 'leaver')
  assert(!(await world.client('list')).includes('leaver'))
  await assert.rejects(world.client('enable', 'leaver'), /no such client/)
  await until('the token to be refused', 15000, async () => {
    const { status } = await ox.get('/api/orders/stats', { headers })
    return status === 401
  })
  await world.addClient('leaver') // the name is free again
})

// ── the command line ─────────────────────────────────────────────────────────────────────────────

test('oxd client: what it refuses', async () => {
  for (const args of [[], ['add'], ['add', 'x'], ['add', '--scopes', 'admin'], ['dance', 'x'], ['list', 'x']])
    await assert.rejects(world.client(...args), { code: 64 })
  for (const args of [['a b', 'admin'], ['cli_x', 'admin'], ['x', ''], ['x', 'root'], ['x'.repeat(48), 'admin']])
    await assert.rejects(world.client('add', args[0], '--scopes', args[1]), { code: 64 })
  await assert.rejects(world.addClient('trader'), /another client has that name/)
  await assert.rejects(world.client('disable', 'nobody'), /no such client/)
  await assert.rejects(world.client('list', '--database-url', 'postgresql://127.0.0.1:1/x'), { code: 1 })
})

test('oxd client list shows no secrets, and the database has none', async () => {
  const listed = (await world.client('list')).trim().split('\n').map((line) => JSON.parse(line))
  const { state, scopes } = listed.find((c) => c.client_id === trader.id)
  assert.deepEqual([state, scopes], ['active', 'orders:read orders:write'])
  const rows = JSON.stringify(await world.sql('SELECT * FROM clients'))
  for (const client of [trader, reader, admin]) {
    assert(!JSON.stringify(listed).includes(client.secret))
    assert(!rows.includes(client.secret.slice(4)))
  }
  assert.match(rows, /scrypt\$15\$8\$1\$/)
})

test('the log has no secret and no token', () => {
  const log = ox.log.join('\n')
  for (const secret of [JWT_SECRET, trader.secret, reader.secret, admin.secret, 'eyJ'])
    assert(!log.includes(secret))
})
