// The contract and the daemon name the same: routes, methods and scopes, problem codes, and what was built in.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { document } from './contract.mjs'
import { ROOT, createWorld, request } from './lib.mjs'

const DOCUMENTS = ['openapi', 'asyncapi']
let world, ox
before(async () => {
  world = await createWorld()
  ox = await world.start({ role: 'api' })
})
after(() => world.destroy())

const sources = (...folders) =>
  folders.flatMap((folder) =>
    readdirSync(path.join(ROOT, folder))
      .filter((name) => name.endsWith('.c'))
      .map((name) => readFileSync(path.join(ROOT, folder, name), 'utf8'))
  )

// Every operation as {"GET /path": scope}; '' needs none.
function documented() {
  const api = document('openapi')
  const all = {}
  for (const [pattern, item] of Object.entries(api.root.paths))
    for (const [method, operation] of Object.entries(item.$ref ? api.at(item.$ref) : item))
      all[`${method.toUpperCase()} ${pattern}`] = operation.security[0]?.client?.[0] ?? ''
  return all
}

function routes() {
  const scopes = { READ: 'orders:read', WRITE: 'orders:write', ADMIN: 'admin', OPEN: '' }
  const table = readFileSync(path.join(ROOT, 'src/http/routes.c'), 'utf8')
  const own = [...table.matchAll(/^ *\{"(\w+)", "([^"]+)",[^,]+, SCOPE_(\w+)/gm)].map(
    ([, method, pattern, word]) => [method, pattern.replace(/:(\w+)/, '{$1}'), scopes[word]]
  )
  const plugins = sources('executors').flatMap((text) => [
    ...[...text.matchAll(/^ENDPOINT\(\w+, "(\w+)", "([^"]+)"/gm)].map((m) => [m[1], m[2], 'admin']),
    ...[...text.matchAll(/\.method = "(\w+)",\s*\.path = "([^"]+)",\s*\.scope = "([^"]+)"/g)].map((m) => m.slice(1))
  ])
  assert(own.length > 30 && plugins.length > 5)
  const files = ['/', '/docs', ...DOCUMENTS.map((name) => `/${name}.json`)].map((at) => ['GET', at, ''])
  return Object.fromEntries([...own, ...plugins, ...files].map(([method, at, scope]) => [`${method} ${at}`, scope]))
}

test('the document has every route with its scope, and no other', () => {
  assert.deepEqual(documented(), routes())
})

test('the daemon has every path of the document, with those methods', async () => {
  for (const [pattern, item] of Object.entries(document('openapi').root.paths)) {
    const methods = Object.keys(item.$ref ? document('openapi').at(item.$ref) : item).map((m) => m.toUpperCase())
    if (methods.includes('GET')) methods.push('HEAD')
    const { status, headers } = await request(ox.url + pattern.replace(/\{\w+\}/, 'x'), { method: 'OPTIONS' })
    assert.equal(status, 204, pattern)
    assert.deepEqual(headers.get('allow').split(', ').sort(), [...methods, 'OPTIONS'].sort(), pattern)
  }
})

test('the daemon serves what the project has, and says when it is the same', async () => {
  for (const name of DOCUMENTS) {
    const answer = await ox.get(`/${name}.json`)
    assert.equal(answer.status, 200)
    assert.equal(answer.type, 'application/json')
    assert.deepEqual(answer.json, document(name).root)
    const etag = answer.headers.get('etag')
    const again = await ox.get(`/${name}.json`, { headers: { 'if-none-match': etag } })
    assert.deepEqual([again.status, again.text, again.headers.get('etag')], [304, '', etag])
    const head = await ox.get(`/${name}.json`, { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
    assert.equal(Number(head.headers.get('content-length')), Buffer.byteLength(answer.text))
  }
})

test('every code that the source can say is documented, and no other', () => {
  const { schemas } = document('openapi').root.components
  const known = new Set(['ProblemCode', 'FieldCode', 'OrderErrorCode'].flatMap((name) => schemas[name].anyOf[0].enum))
  const keys = new Set(readFileSync(path.join(ROOT, '.env.example'), 'utf8').match(/[A-Z]+(_[A-Z]+)+/g))
  const text = sources('src/http', 'executors', 'workers').join('\n')
  // A code has two words, or stands where something is complained of, or in the table of problems.
  const said = new Set([
    ...[...text.matchAll(/"([A-Z]+(?:_[A-Z]+)+)"/g)].map((m) => m[1]).filter((code) => !keys.has(code)),
    ...[...text.matchAll(/(?:complain|add|add_member|refuse)\([^;]*?"([A-Z]{3,})"/g)].map((m) => m[1]),
    ...[...text.matchAll(/\{\d{3}, (?:true|false), "(\w+)"/g)].map((m) => m[1])
  ])
  assert(said.size > 80)
  assert.deepEqual([...said].filter((code) => !known.has(code)), [])
  assert.deepEqual([...known].filter((code) => !said.has(code)), [])
})

test('both are good documents of their kind', async () => {
  const config = await createConfig({ extends: ['recommended-strict'] })
  const problems = []
  for (const name of DOCUMENTS)
    problems.push(...(await lintFromString({ source: JSON.stringify(document(name).root), absoluteRef: name, config })))
  const found = problems.map((p) => `${p.message} ${p.location[0].pointer}`)
  // A WebSocket is opened with 101; and these two are the answers of what is no operation.
  assert.deepEqual(found.sort(), [
    'Component: "MethodNotAllowed" is never used. #/components/responses/MethodNotAllowed',
    'Component: "NotFound" is never used. #/components/responses/NotFound',
    'Operation must have at least one `2XX` response. #/paths/~1api~1orders~1execute/get/responses'
  ])
})

test('the examples are what they are examples of', () => {
  for (const name of DOCUMENTS) {
    const api = document(name)
    for (const [key, schema] of Object.entries(api.root.components.schemas))
      for (const example of schema.examples ?? [])
        assert.equal(api.wrong(`#/components/schemas/${key}`, example), undefined, `${key} of ${name}`)
  }
})
