// What the contract allows is taken, or refused for what it means; what it forbids is refused, and the field named.
// Requests are drawn from the documents' schemas; a failure says its seed: SEED=… draws the same again.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { document } from './contract.mjs'
import { SLOW, createWorld, request, within } from './lib.mjs'

const api = document('openapi')
const seed = process.env.SEED ? { seed: Number(process.env.SEED) } : {}
let world, ox
before(async () => {
  world = await createWorld()
  ox = await world.start({ role: 'api' })
})
after(() => world.destroy())

// check() draws for some seconds at the most, whatever the machine.
const check = (numRuns, ...property) =>
  fc.assert(fc.asyncProperty(...property), {
    ...seed,
    numRuns,
    interruptAfterTimeLimit: 1500 * SLOW,
    markInterruptAsFailure: false
  })

// ── from a schema to values ──────────────────────────────────────────────────────────────────────

const schemaOf = (name) => ({ $ref: `#/components/schemas/${name}` })
const fits = (schema, value) => !api.wrong(schema.$ref, value)

// These are drawn so that most of them mean something.
const LIKELY = {
  Token: fc.oneof(
    { weight: 30, arbitrary: fc.constantFrom('SOL', 'USDC', 'USDT', 'RAY') },
    { weight: 1, arbitrary: fc.stringMatching(/^[!-~]{1,15}$/) }
  ),
  Decimal: fc.oneof(
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 100000 }).map((n) => n / 1000) },
    { weight: 5, arbitrary: fc.integer({ min: 1, max: 100000 }).map((n) => String(n / 1000)) },
    { weight: 1, arbitrary: fc.double({ min: Number.MIN_VALUE, noNaN: true, noDefaultInfinity: true }) },
    { weight: 1, arbitrary: fc.stringMatching(/^(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/) }
  ),
  Slippage: fc.integer({ min: 1, max: 5000 }).map((n) => n / 10000)
}

const LOOK_AHEAD = /\(\?!.*?\$\)/
const strings = ({ pattern, minLength = 0, maxLength = 80 }) =>
  pattern
    ? fc.stringMatching(new RegExp(pattern.replace(LOOK_AHEAD, ''))).filter((s) => new RegExp(pattern).test(s))
    : fc.string({ unit: 'grapheme', minLength, maxLength })

const numbers = ({ minimum = -1e9, maximum = 1e9, exclusiveMinimum }) =>
  fc.double({ min: exclusiveMinimum ?? minimum, max: maximum, noNaN: true, minExcluded: exclusiveMinimum !== undefined })

function objects({ properties = {}, required = [] }) {
  const model = Object.fromEntries(Object.entries(properties).map(([name, schema]) => [name, drawn(schema)]))
  return fc.record(model, { requiredKeys: required, noNullPrototype: true })
}

function drawn(schema) {
  if (schema.$ref) {
    const name = schema.$ref.split('/').at(-1)
    return LIKELY[name] ?? drawn(api.at(schema.$ref)).filter((value) => fits(schema, value))
  }
  if (schema.const !== undefined) return fc.constant(schema.const)
  if (schema.enum) return fc.constantFrom(...schema.enum)
  const choices = schema.oneOf ?? schema.anyOf
  if (choices) return fc.oneof(...choices.map(drawn))
  if (schema.allOf) return drawn({ ...api.at(schema.allOf[0].$ref), required: [...api.at(schema.allOf[0].$ref).required, ...schema.required] })
  const [type] = [].concat(schema.type)
  if (type === 'object') return objects(schema)
  if (type === 'array')
    return fc.array(drawn(schema.items), { minLength: schema.minItems ?? 0, maxLength: Math.min(schema.maxItems ?? 5, 5) })
  if (type === 'integer') return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? 1e6, 2 ** 31 - 1) })
  if (type === 'number') return numbers(schema)
  if (type === 'boolean') return fc.boolean()
  return strings(schema)
}

// ── what is asked ────────────────────────────────────────────────────────────────────────────────

const TARGETS = [
  ['POST', '/api/orders/execute', 'ExecuteRequest'],
  ['POST', '/api/orders', 'OrderRequest'],
  ['POST', '/orders', 'ShopRequest'],
  ['PUT', '/api/orders/moved/status', 'MoveRequest'],
  ['PUT', '/api/sim/prices', 'PriceRequest'],
  ['POST', '/api/sim/pools', 'PoolRequest'],
  ['PUT', '/api/sim/faults', 'Faults']
]
// What a schema cannot say: tokens there are, what an amount comes to, what time it is, what was placed before, how many
// bytes a text is.
const MEANING = /^(UNKNOWN_(TOKEN|STATUS)|SAME_TOKEN|PAIR_NOT_LISTED|TOO_MANY_DECIMALS|[A-Z]+_(TOO_LARGE|NOT_POSITIVE|OUT_OF_RANGE)|OUT_OF_RANGE|EXPIRED|INVALID_TIME|NOT_A_TIME|NOT_OF_THE_PAIR|TOKEN_EXISTS|POOL_EXISTS|UNSOUND_POOL|CONFLICTING_FIELDS|INVALID_(CLIENT_ORDER|ITEM)_ID|TOO_MANY_(POOLS|TOKENS))$/

// send() gives an answer that is documented, in time, and not the daemon's own fault.
async function send(method, target, body, headers = { 'content-type': 'application/json' }) {
  const answer = await within(`${method} ${target}`, 10000, request(ox.url + target, { method, headers, body }))
  assert(answer.status < 500, `${method} ${target} ${body}: ${answer.text}`)
  return answer
}

const problemOf = (answer, statuses, what) => {
  assert(statuses.includes(answer.status), `${what}: ${answer.status} ${answer.text}`)
  assert.equal(answer.type, 'application/problem+json')
  return answer.json
}

test('what the schemas allow is done, or means something that cannot be', async () => {
  await ox.post('/api/orders', { id: 'moved', amount: 1 })
  for (const [method, target, name] of TARGETS) {
    let done = 0
    await check(30, drawn(schemaOf(name)), async (body) => {
      const text = JSON.stringify(body)
      const answer = await send(method, target, text)
      if (answer.status < 300) return void done++
      const problem = problemOf(answer, [400, 409, 422], text)
      for (const error of problem.errors) assert.match(error.code, MEANING, `${text}: ${answer.text}`)
      assert(problem.errors.length > 0 || answer.status !== 400, answer.text)
    })
    assert(done > 0 || name === 'MoveRequest' || name === 'PoolRequest', `${method} ${target}: nothing was done`)
  }
})

// A field that a valid body has, or could have, is taken away, made another thing, or added.
const WRONG = fc.constantFrom(null, true, [], {}, '', ' ', '-1', 'NaN', -1, 0, 1e300, [[]], { a: 1 }, 'x'.repeat(2000))
const damage = (schema) =>
  fc.tuple(drawn(schema), fc.nat(), fc.oneof(
    fc.constant({ kind: 'drop' }),
    fc.record({ kind: fc.constant('set'), value: WRONG }),
    fc.record({ kind: fc.constant('add'), name: fc.stringMatching(/^[a-z~/" ]{1,12}$/), value: WRONG })
  )).map(([body, n, { kind, name, value }]) => {
    const names = Object.keys(body)
    const field = kind === 'add' ? name : names[n % names.length]
    const damaged = { ...body, [field]: value }
    if (kind === 'drop') delete damaged[field]
    return { field, damaged, kind }
  })

const pointerTo = (name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
const LOOKED_UP_FIRST = ['IDEMPOTENCY_MISMATCH', 'POOL_EXISTS'] // so that whoever asks again is told
// Without these a body is an order of another type, and all of the rest may be wrong.
const DECISIVE = ['type', 'kind', 'id', 'item_ids', 'status']

test('what the schemas forbid is refused, and the field is named', async () => {
  for (const [method, target, name] of TARGETS) {
    const schema = schemaOf(name)
    const cases = damage(schema).filter(({ damaged }) => !fits(schema, damaged))
    await check(40, cases, async ({ field, damaged }) => {
      const text = JSON.stringify(damaged)
      const answer = await send(method, target, text)
      if (LOOKED_UP_FIRST.includes(answer.json?.code)) return
      const problem = problemOf(answer, [400, 413, 422], text)
      if (problem.status === 413) return
      const pointers = problem.errors.map((e) => e.pointer)
      assert(pointers.length > 0, `${text}: ${JSON.stringify(problem)}`)
      const named = pointers.some((p) => p === pointerTo(field) || p.startsWith(`${pointerTo(field)}/`))
      assert(named || DECISIVE.includes(field), `${field} of ${text} is not named: ${JSON.stringify(problem)}`)
    })
  }
})

test('what is no JSON object, or no JSON at all', async () => {
  const noObject = fc.oneof(
    fc.json().filter((text) => !text.trimStart().startsWith('{')),
    fc.string({ unit: 'binary' }),
    fc.json().map((text) => `{"a":${text},"a":1}`),
    fc.nat(60).map((n) => '{"a":'.repeat(n + 17) + '1' + '}'.repeat(n + 17)),
    fc.uint8Array({ minLength: 1 }).filter((bytes) => !/^\s*\{/.test(Buffer.from(bytes).toString('latin1')))
  )
  for (const [method, target] of TARGETS)
    await check(15, noObject, async (body) => {
      problemOf(await send(method, target, body), [400], String(body))
    })
  for (const [method, target] of TARGETS) {
    problemOf(await send(method, target, '{}', { 'content-type': 'text/plain' }), [415], target)
    problemOf(await send(method, target, `{"a":"${'x'.repeat(70000)}"}`), [413], target)
  }
})

test('a batch: items of any kind, good and bad', async () => {
  const order = schemaOf('OrderRequest')
  const items = fc.array(fc.oneof(drawn(order), damage(order).map((d) => d.damaged), fc.jsonValue()), { maxLength: 6 })
  const key = fc.oneof(fc.stringMatching(/^[A-Za-z0-9_-]{1,128}$/), fc.stringMatching(/^[!-~]{1,140}$/))
  await check(80, items, key, async (body, idempotencyKey) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey }
    const text = JSON.stringify(body)
    const answer = await send('POST', '/api/orders/batch', text, headers)
    if (!/^[A-Za-z0-9_-]{1,128}$/.test(idempotencyKey) || body.length === 0) {
      problemOf(answer, [400], text)
    } else if (answer.status === 200) {
      const { total, processed, failed, orders, batchResults } = answer.json
      assert.deepEqual([total, processed + failed, orders.length], [body.length, body.length, processed])
      assert.equal(batchResults.reduce((sum, b) => sum + b.failed, 0), failed)
      for (const { index } of batchResults.flatMap((b) => b.errors)) assert(index >= 0 && index < total)
    } else {
      const { errors } = problemOf(answer, [400, 422], text)
      for (const { pointer } of errors) assert.match(pointer, /^\/\d+(\/|$)/)
    }
  })
})

// ── queries ──────────────────────────────────────────────────────────────────────────────────────

const anyQuery = (operation) => {
  const parameters = operation.parameters.map((p) => api.at(p.$ref)).filter((p) => p.in === 'query')
  const value = (p) => fc.oneof(drawn(p.schema).map(String), fc.string({ unit: 'binary', maxLength: 30 }))
  return fc.record(Object.fromEntries(parameters.map((p) => [p.name, value(p)])), { requiredKeys: [] })
}

test('queries of any kind: an answer, or which parameter is wrong', async () => {
  for (const target of ['/api/orders', '/api/quote', '/dlq', '/api/sim/ledger'])
    await check(50, anyQuery(api.root.paths[target].get), fc.boolean(), async (query, raw) => {
      const text = new URLSearchParams(query).toString()
      const answer = await send('GET', `${target}?${raw ? text.replace(/%[0-9A-F]/g, '%') : text}`)
      if (answer.status !== 200) problemOf(answer, [400, 422], text)
    })
})

test('any path: there is nothing, or it is documented', async () => {
  const word = fc.oneof(fc.constantFrom('api', 'orders', 'execute', 'stats', '..', '.', '', 'docs', 'openapi.json', 'dlq', '%00', '%2e%2e'),
    fc.stringMatching(/^[!-~]{1,20}$/).map((s) => s.replace(/[?#\\]/g, 'x')))
  const finite = (path) => !path.endsWith('/stream') && !path.endsWith('/execute')
  await check(120, fc.array(word, { maxLength: 5 }).map((words) => `/${words.join('/')}`).filter(finite), async (path) => {
    await send('GET', path)
  })
})

test('after all of it the daemon is as well as before', async () => {
  assert(ox.running)
  assert.equal((await ox.get('/health')).json.checks.postgres, 'up')
  assert.equal((await ox.post('/api/orders/execute', { tokenIn: 'SOL', tokenOut: 'USDC', amount: 1 })).status, 201)
  assert(!ox.log.some((line) => line.includes('"level":"error"')), ox.log.filter((l) => l.includes('"error"')).slice(0, 3).join('\n'))
})
