import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Api } from '../../web/assets/logic/api.js'

function makeApi(answers, token = null) {
  const calls = []
  const kept = { token }
  const api = new Api({
    fetch: async (path, options) => {
      calls.push({ path, ...options })
      const next = answers.shift()
      if (next instanceof Error) throw next
      return new Response(next.body, { status: next.status ?? 200 })
    },
    keep: {
      get: () => kept.token,
      set: (t, scope) => Object.assign(kept, { token: t, scope }),
      clear: () => (kept.token = null)
    },
    onUnauthorized: () => calls.push('unauthorized')
  })
  return { api, calls, kept }
}

test('the token is on each call once there is one, and never in a URL', async () => {
  const login = { body: '{"access_token":"t0k","scope":"orders:read"}' }
  const { api, calls, kept } = makeApi([{ body: '{}' }, login, { body: '{}' }])
  await api.get('/a')
  assert.equal(calls[0].headers.Authorization, undefined)
  await api.login('cli', 's&=')
  assert.equal(calls[1].body, 'grant_type=client_credentials&client_id=cli&client_secret=s%26%3D')
  await api.get('/b')
  assert.equal(calls[2].headers.Authorization, 'Bearer t0k')
  assert.deepEqual(kept, { token: 't0k', scope: 'orders:read' })
  assert(!calls.some((c) => c.path.includes('t0k')))
  api.logout()
  assert.equal(kept.token, null)
})

test('a problem is an error with all of it; a 401 is heard of, but not that of a login', async () => {
  const body = '{"title":"Bad","detail":"no","code":"X","errors":[{"pointer":"/amount","detail":"too much"}]}'
  const { api, calls } = makeApi([
    { status: 400, body },
    { status: 401, body: '{}' },
    { status: 401, body: '{"error":"invalid_client"}' }
  ])
  await assert.rejects(
    api.send('POST', '/x', {}),
    (f) => f.status === 400 && f.at('/amount') === 'too much' && !f.maybe
  )
  await assert.rejects(api.get('/y'))
  assert.equal(calls.filter((c) => c === 'unauthorized').length, 1)
  await assert.rejects(api.login('a', 'b'))
  assert.equal(calls.filter((c) => c === 'unauthorized').length, 1)
})

test('what may have happened all the same: no answer, and a 503; a page that is no JSON is an answer, too', async () => {
  const { api } = makeApi([new TypeError('fetch failed'), { status: 503, body: '<h1>503</h1>' }])
  await assert.rejects(api.send('POST', '/x', {}), (f) => f.status === 0 && f.maybe)
  await assert.rejects(
    api.send('POST', '/x', {}),
    (f) => f.status === 503 && f.maybe && f.message === 'HTTP 503'
  )
})

test('a call that was called off stays that', async () => {
  const { api } = makeApi([Object.assign(new Error(), { name: 'AbortError' })])
  await assert.rejects(api.get('/x'), { name: 'AbortError' })
})
