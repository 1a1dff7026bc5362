// docs/nginx.conf as it stands, but for ports, paths and the certificate: TLS, WebSockets, whose address.
// Skipped where there is no nginx; `scripts/deps.sh test` installs it.
import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import https from 'node:https'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { Ctl, lines } from './ctl.mjs'
import { Listener, ROOT, SWAP, SWAP_STATES, assertHistory, createWorld, executePath, freePort, until, within } from './lib.mjs'

const NGINX = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/usr/local/bin/nginx'].find(existsSync)
const skip = NGINX ? false : 'nginx is not installed: scripts/deps.sh test'
const JWT_SECRET = 'not-a-secret-but-forty-characters-long..'
const NAME = 'ox.example'
let world, ox, dir, nginx, tls, plain, ca

before(async () => {
  if (skip) return
  world = await createWorld({ AUTH: 'required', JWT_SECRET, TRUST_PROXY: '127.0.0.1', HTTP_RATE_LIMIT: '5' })
  ox = await world.start()
  dir = await mkdtemp(path.join(tmpdir(), 'ox-nginx-'))
  await startNginx()
})
after(async () => {
  if (skip) return
  nginx?.kill('SIGTERM')
  await world.destroy()
  await rm(dir, { recursive: true, force: true })
})

// The file says "for a file of conf.d": around it is what nginx needs to run as anybody, in dir.
async function startNginx() {
  const at = (name) => path.join(dir, name)
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', `/CN=${NAME}`, '-addext', `subjectAltName=DNS:${NAME},DNS:localhost`, '-keyout', at('key'), '-out', at('crt')]
  ], { stdio: 'ignore' })
  ca = await readFile(at('crt'))
  tls = await freePort()
  plain = await freePort()
  const given = await readFile(path.join(ROOT, 'docs/nginx.conf'), 'utf8')
  const changes = [
    ['server 127.0.0.1:3000;', `server 127.0.0.1:${ox.portNumber};`],
    ['listen 80;', `listen 127.0.0.1:${plain};`],
    ['listen 443 ssl;', `listen 127.0.0.1:${tls} ssl;`],
    ['/etc/ssl/ox.example.crt', at('crt')],
    ['/etc/ssl/ox.example.key', at('key')],
    ['/var/log/nginx/ox.log', at('access.log')]
  ]
  const conf = changes.reduce((text, [from, to]) => {
    assert(text.includes(from), from)
    return text.replace(from, to)
  }, given)
  const temps = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((t) => `${t}_temp_path ${at(t)};`)
  await writeFile(
    at('nginx.conf'),
    `daemon off; pid ${at('pid')}; error_log ${at('error.log')} warn; worker_processes 1;
     events {} http { ${temps.join(' ')}\n${conf}\n}`
  )
  nginx = spawn(NGINX, ['-p', dir, '-c', at('nginx.conf'), '-e', at('error.log')], { stdio: 'ignore' })
  await until('nginx to answer', 10000, () => call('/livez').then((a) => a.status === 200, () => false))
}

const b64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
function as(sub) {
  const exp = Math.floor(Date.now() / 1000) + 600
  const scope = 'orders:read orders:write'
  const text = `${b64({ alg: 'HS256', typ: 'JWT' })}.${b64({ iss: 'ox', aud: 'ox', sub, scope, exp })}`
  return { authorization: `Bearer ${text}.${createHmac('sha256', JWT_SECRET).update(text).digest('base64url')}` }
}

// call() goes through nginx, over TLS that it checks; localAddress makes it another caller.
function call(target, { method = 'GET', headers = {}, body, localAddress, secure = true } = {}) {
  const port = secure ? tls : plain
  const options = { host: '127.0.0.1', port, path: target, method, ca, servername: NAME, localAddress, agent: false,
    headers: { host: NAME, ...headers } }
  return new Promise((resolve, reject) => {
    const asked = (secure ? https : http).request(options, (answer) => {
      let text = ''
      answer.on('data', (data) => (text += data))
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

const place = (headers) =>
  call('/api/orders/execute', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(SWAP)
  })

test('TLS, and only TLS', { skip }, async () => {
  const moved = await call('/api/orders/x?a=1', { secure: false })
  assert.equal(moved.status, 308)
  assert.equal(moved.headers.location, `https://${NAME}/api/orders/x?a=1`)
  const health = await call('/health')
  assert.equal(health.status, 200)
  assert.match(health.headers['strict-transport-security'], /max-age/)
  const bare = await call('/api/orders/x')
  assert.equal(bare.status, 401)
  assert.equal(bare.headers['www-authenticate'], 'Bearer realm="ox"')
})

test('an order over TLS, its events over a WebSocket', { skip }, async () => {
  const headers = as('cli_ann')
  const placed = await place(headers)
  assert.equal(placed.status, 201, placed.text)
  const { orderId } = JSON.parse(placed.text)
  const connect = (target, more) =>
    new Listener(`https://127.0.0.1:${tls}${target}`, {
      ca,
      servername: NAME,
      headers: { host: NAME, ...more }
    })
  const watching = connect(executePath(orderId), headers)
  assert.equal((await within('the end', 20000, watching.closed)).code, 1000)
  assertHistory(watching.eventsOf(orderId), SWAP_STATES)
  const made = await call('/api/tickets', { method: 'POST', headers })
  const { ticket } = JSON.parse(made.text)
  const browser = connect(`${executePath(orderId)}&ticket=${ticket}`, { origin: `https://${NAME}` })
  assert.equal((await within('the end', 20000, browser.closed)).code, 1000, 'the same origin may')
  const foreign = connect(executePath(orderId), { ...headers, origin: 'https://evil.example' })
  assert.equal(await foreign.opened.catch((e) => e.status), 403)
  assert(!(await readFile(path.join(dir, 'access.log'), 'utf8')).includes('tkt_'))
})

test('callers are counted each by their own address, whatever they say of themselves', { skip }, async () => {
  const busy = await Promise.all(
    Array.from({ length: 40 }, (_, i) =>
      call('/api/orders/x', { localAddress: '127.0.0.2', headers: { 'x-forwarded-for': `203.0.113.${i}` } })
    )
  )
  assert(busy.some((a) => a.status === 429))
  const other = await call('/api/orders/x', { localAddress: '127.0.0.3' })
  assert.equal(other.status, 401)
  await place(as('cli_noted'))
  const line = await until('the audit', 10000, () => ox.log.find((l) => l.includes('cli_noted')))
  assert.equal(JSON.parse(line).address, '127.0.0.1') // its own, this time: every hop is on this machine
  const seen = await call('/oauth/token', {
    method: 'POST',
    localAddress: '127.0.0.4',
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': '203.0.113.99' },
    body: 'grant_type=client_credentials&client_id=cli_nobody&client_secret=x'
  })
  assert.equal(seen.status, 401)
  const login = await until('the audit', 10000, () => ox.log.find((l) => l.includes('cli_nobody')))
  assert.equal(JSON.parse(login).address, '127.0.0.4')
})

test('oxctl: https and wss, with the certificate it is told to trust and no other', { skip }, async () => {
  const client = await world.addClient('ctl')
  const env = { OX_CLIENT_ID: client.id, OX_CLIENT_SECRET: client.secret, OX_CA_FILE: path.join(dir, 'crt') }
  const swap = '--token-in SOL --token-out USDC --amount 1.5 --slippage 0.1 --watch'.split(' ')
  const url = `https://localhost:${tls}`
  const { code, stdout, stderr } = await new Ctl(['submit', ...swap], { url, env }).ended
  assert.equal(code, 0, stderr)
  assertHistory(lines(stdout), SWAP_STATES)
  const strange = await new Ctl(['list', '--retry-for', '0s'], { url, env: { ...env, OX_CA_FILE: undefined } }).ended
  assert.equal(strange.code, 4)
  assert.match(strange.stderr, /certificate/)
})
