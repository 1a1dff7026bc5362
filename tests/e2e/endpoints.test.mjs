// A plugin's own HTTP resources: tests/plugin/endpoints.c brings good and bad ones.
import assert from 'node:assert/strict'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { OXD, RawConnection, assertProblem, createWorld, rawRequest, until, within } from './lib.mjs'

let world, api, dir
const plugin = (name) => path.join(path.dirname(OXD), `tests/plugin/${name}.so`)
before(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'ox-plugins-'))
  await symlink(plugin('endpoints'), path.join(dir, 'endpoints.so'))
  world = await createWorld({
    EXECUTOR_DIR: dir,
    ENDPOINT_THREADS: '2',
    ENDPOINT_DEADLINE_MS: '1000'
  })
  api = await world.start({ role: 'api' })
})
after(async () => {
  await world.destroy()
  await rm(dir, { recursive: true })
})

const odd = (what, n) => api.get(`/test/odd?do=${encodeURIComponent(what)}${n ? `&n=${n}` : ''}`)
const put = (target, body, type = 'application/json') =>
  api.get(target, { method: 'PUT', headers: { 'content-type': type }, body })

test('it sees method, path, the query decoded, and the time; without workers too', async () => {
  const { status, json } = await api.get('/test/echo?a=1%2B2&b=x+y&c')
  assert.equal(status, 200)
  assert.deepEqual(
    [json.method, json.path, json.fields],
    [
      'GET',
      '/test/echo',
      { a: { text: '1+2', kind: 0 }, b: { text: 'x y', kind: 0 }, c: { text: '', kind: 0 } }
    ]
  )
  assert(Math.abs(json.now - Date.now()) < 60000)
  await until('its line', 5000, () => api.log.some((line) => line.includes('an endpoint echoes')))
})

test('it sees the members of a body with the text of their numbers', async () => {
  const { status, json } = await put('/test/echo', '{"amount":1.50,"on":true}')
  assert.equal(status, 201)
  assert.deepEqual(json.fields, { amount: { text: '1.50', kind: 1 }, on: { text: 'true', kind: 2 } })
})

test('what is refused before it', async () => {
  assertProblem(await api.get('/test/echo?a=1&a=2'), 400)
  assertProblem(await api.get('/test/echo?a=%'), 400)
  assertProblem(await put('/test/echo', 'no json'), 400)
  assertProblem(await put('/test/echo', '{}', 'text/plain'), 415)
  assertProblem(await put('/test/echo', JSON.stringify({ long: 'x'.repeat(300) })), 413)
  const wrong = await api.get('/test/echo', { method: 'DELETE' })
  assertProblem(wrong, 405)
  assert.equal(wrong.headers.get('allow'), 'GET, HEAD, PUT, OPTIONS')
  assertProblem(await api.get('/test/nothing'), 404)
})

test('HEAD is GET without the body', async () => {
  const answer = await fetch(api.url + '/test/echo', { method: 'HEAD' })
  assert.equal(answer.status, 200)
  assert(Number(answer.headers.get('content-length')) > 0)
  assert.equal(await answer.text(), '')
})

test('every wrong field is listed', async () => {
  const problem = assertProblem(await odd('errors', 3), 400, ['/f0', '/f1', '/f2'])
  assert.equal(problem.code, 'VALIDATION_FAILED')
  assert.equal(assertProblem(await api.get('/test/odd'), 400, ['/f0']).code, 'WRONG')
})

test('a problem of its own', async () => {
  const problem = assertProblem(await odd('problem', 422), 422)
  assert.deepEqual([problem.code, problem.detail], ['NOT_TODAY', 'come "back"'])
  const away = await odd('problem', 503)
  assert.equal(assertProblem(away, 503).retryable, true)
  assert.match(away.headers.get('retry-after'), /^[0-9]+$/)
})

test('what cannot be sent is a 500, and the log says which endpoint and why', async () => {
  for (const what of ['silent', 'no json', 'array', 'null', 'bad code', 'no code'])
    assert.equal(assertProblem(await odd(what), 500).code, 'INTERNAL_ERROR', what)
  assertProblem(await odd('problem', 418), 500)
  assertProblem(await odd('status', 302), 500)
  assertProblem(await odd('huge', (1 << 20) + 1), 500)
  for (const why of ['gave no answer', 'not a JSON object', 'too large', 'not an upper-snake word'])
    await until(why, 5000, () =>
      api.log.some((line) => line.includes('/test/odd') && line.includes(why))
    )
})

test('an answer of 1 MiB arrives whole', async () => {
  const { status, text } = await odd('huge', 1 << 20)
  assert.deepEqual([status, text.length], [200, 1 << 20])
})

test('one that is slow is cut off, the others are answered meanwhile', async () => {
  const slow = odd('slow', 3000)
  assert.equal((await odd('well')).status, 200)
  assert.equal(assertProblem(await slow, 504).code, 'ENDPOINT_TIMEOUT')
})

test('beyond threads and queue 503 at once; then all is well again', async () => {
  const answers = await Promise.all(Array.from({ length: 90 }, () => odd('slow', 1500)))
  const counts = {}
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1
  assert.equal((counts[503] ?? 0) + (counts[504] ?? 0), 90, JSON.stringify(counts))
  assert(counts[503] >= 20, JSON.stringify(counts))
  assert(answers.every((a) => a.status !== 503 || a.headers.get('retry-after')))
  await until('a thread to be free', 10000, async () => (await odd('well')).status === 200)
})

test('clients that leave cost nothing', async () => {
  for (let i = 0; i < 20; i++) {
    const connection = new RawConnection(api)
    await connection.opened
    connection.write(rawRequest('GET', '/test/odd?do=slow&n=50'))
    await connection.destroy()
  }
  await until('the others to be served', 10000, async () => (await odd('well')).status === 200)
})

test('a drain lets it answer', async () => {
  const second = await world.start({ role: 'api' })
  const slow = second.get('/test/odd?do=slow&n=300')
  await until('it to run', 5000, async () => (await second.get('/test/odd?do=well')).status === 200)
  const stopped = second.stop()
  assert.equal((await slow).status, 200)
  await stopped
})

test('it publishes a level, which is durable when it is told so', async () => {
  const publish = (topic, level) =>
    api.get(`/test/publish?topic=${encodeURIComponent(topic)}&level=${level}`, { method: 'POST' })
  assert.equal((await publish('price:A-B', '9223372036854775807')).status, 200)
  assert.equal((await publish('price:B-A', '-1')).status, 200)
  assert.deepEqual(
    await world.sql('SELECT topic, level::text FROM topics ORDER BY topic'),
    [
      { topic: 'price:A-B', level: '9223372036854775807' },
      { topic: 'price:B-A', level: '-1' }
    ]
  )
  assertProblem(await publish('no blanks', 1), 503)
  assertProblem(await publish('x'.repeat(64), 1), 503)
})

test('the process ends though one never returns', async () => {
  const second = await world.start({ role: 'api', env: { ENDPOINT_DEADLINE_MS: '100' } })
  assertProblem(await second.get('/test/odd?do=slow&n=60000'), 504)
  await second.stop()
})

test('a path of the daemon itself, or of another plugin, stops the start', async () => {
  for (const [name, why] of [
    ['endpoint_taken', /endpoint_taken\.so: endpoint PUT \/api\/orders\/frame: .*\/api\/orders\/:id/],
    ['endpoint_method', /endpoint_method\.so: endpoint \/frame has no valid method/]
  ]) {
    const own = await mkdtemp(path.join(tmpdir(), 'ox-plugins-'))
    await symlink(plugin(name), path.join(own, `${name}.so`))
    const bad = await createWorld({ EXECUTOR_DIR: own })
    const daemon = await bad.start({ role: 'worker' })
    const { code } = await within('it to end', 20000, daemon.exited)
    assert.equal(code, 1)
    assert.match(daemon.log.join('\n'), why)
    await bad.destroy()
    await rm(own, { recursive: true })
  }
})
