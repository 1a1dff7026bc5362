// Holds what the daemon says against docs/api: an answer's status, content type, headers and body, and each
// message of a stream, must be documented. A document is read when it is first needed, and so is each of its
// schemas compiled.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import Ajv from 'ajv/dist/2020.js'

const SCRIPT = fileURLToPath(new URL('../../scripts/api-document', import.meta.url))
// What every answer may have (info.description says so), and what HTTP itself adds.
const USUAL = new Set(
  ('date connection keep-alive content-length content-type transfer-encoding cache-control vary ' +
    'x-content-type-options x-frame-options content-security-policy').split(' ')
)

// ── schemas ──────────────────────────────────────────────────────────────────────────────────────

// close() makes of a schema one that refuses fields which it does not name. What is put together with allOf is
// closed as a whole: open says which schemas are only parts.
function close(schema, open, part = false) {
  if (schema === null || typeof schema !== 'object') return
  if (schema.properties && !part && schema.additionalProperties === undefined)
    schema.unevaluatedProperties = false
  for (const property of Object.values(schema.properties ?? {})) close(property, open)
  for (const whole of [schema.items, schema.additionalProperties]) close(whole, open)
  for (const piece of [...(schema.allOf ?? []), schema.if, schema.then, schema.else, schema.not])
    close(piece, open, true)
  for (const choice of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])])
    close(choice, open, Boolean(schema.properties))
}

const partsOf = (schemas) =>
  new Set(JSON.stringify(schemas).match(/"allOf":\[\{"\$ref":"[^\]]*/g)?.join().match(/[^/"]+(?="\})/g))

export class Document {
  #validators = new Map()

  constructor(name) {
    this.name = name
    this.root = JSON.parse(execFileSync(SCRIPT, [name], { encoding: 'utf8', maxBuffer: 16 << 20 }))
    const { schemas } = structuredClone(this.root.components)
    const parts = partsOf(schemas)
    for (const [key, schema] of Object.entries(schemas)) close(schema, parts, parts.has(key))
    // Without strictRequired: what is required here may be described in what allOf puts beside it.
    this.ajv = new Ajv({
      strict: true,
      strictRequired: false,
      allowUnionTypes: true,
      allErrors: true,
      multipleOfPrecision: 9,
      keywords: [...Object.keys(this.root), 'discriminator']
    })
    this.ajv.addSchema({ ...this.root, components: { ...this.root.components, schemas } }, name)
  }

  // follow() gives the pointer that a $ref alone leads to.
  follow(pointer) {
    const value = this.at(pointer)
    return value.$ref && Object.keys(value).length === 1 ? this.follow(value.$ref) : pointer
  }

  at(pointer) {
    const parts = pointer.split('/').slice(1)
    return parts.reduce((value, part) => value?.[decode(part)], this.root)
  }

  // wrong() is what is wrong with value, or undefined.
  wrong(pointer, value) {
    if (!this.#validators.has(pointer))
      this.#validators.set(pointer, this.ajv.compile({ $ref: this.name + pointer }))
    const validate = this.#validators.get(pointer)
    if (validate(value)) return undefined
    return validate.errors
      .map((e) => `${e.instancePath || '/'} ${e.message} ${JSON.stringify(e.params)}`)
      .join('\n  ')
  }
}

const encode = (part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
const decode = (part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')

const documents = {}
export const document = (name) => (documents[name] ??= new Document(name))

// ── answers ──────────────────────────────────────────────────────────────────────────────────────

// Words before parameters, as the daemon's own table has them.
const matches = (pattern, path) =>
  new RegExp(`^${pattern.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`).test(path)

function pathOf(api, path) {
  if (api.root.paths[path]) return path
  return Object.keys(api.root.paths).find((pattern) => matches(pattern, path))
}

// responsePointer() is where the answer must be described; undefined: a plugin's of a test, or an OPTIONS.
function responsePointer(api, method, path, status) {
  const found = pathOf(api, path)
  const item = found && api.follow(`#/paths/${encode(found)}`)
  const word = method === 'HEAD' ? 'get' : method.toLowerCase()
  if (item && api.at(item)[word]) return `${item}/${word}/responses/${status}`
  const general = { 404: 'NotFound', 405: 'MethodNotAllowed' }[status]
  if (general) return `#/components/responses/${general}`
  const anywhere = `#/paths/~1livez/get/responses/${status}`
  return status >= 400 && !found ? undefined : status >= 400 ? anywhere : undefined
}

function* wrongHeaders(api, at, headers) {
  const described = Object.keys(api.at(at).headers ?? {})
  const names = new Set(described.map((name) => name.toLowerCase()))
  for (const name of described) {
    const pointer = api.follow(`${at}/headers/${name}`)
    const value = headers.get(name)
    if (value !== null) {
      const wrong = api.wrong(`${pointer}/schema`, value)
      if (wrong) yield `${name}: ${value}: ${wrong}`
    } else if (api.at(pointer).required) yield `${name} is missing`
  }
  for (const [name] of headers)
    if (!USUAL.has(name) && !name.startsWith('access-control-') && !names.has(name))
      yield `${name} is not documented`
}

function wrongBody(api, at, answer) {
  const content = api.at(at).content
  if (!content) return answer.text === '' ? undefined : 'no body is documented'
  const type = answer.type.split(';')[0]
  if (!content[type]) return `the type ${type} is not documented`
  if (!/json/.test(type)) return undefined
  return api.wrong(api.follow(`${at}/content/${encode(type)}/schema`), answer.json)
}

// assertDocumented() checks the answer {status, headers, type, text, json} to a request.
export function assertDocumented(method, url, answer) {
  const api = document('openapi')
  const target = new URL(url)
  const pointer = responsePointer(api, method, target.pathname, answer.status)
  if (!pointer) return
  const what = `${method} ${target.pathname}${target.search}: ${answer.status} ${answer.text.slice(0, 2000)}`
  assert(api.at(pointer), `not documented: ${what}`)
  const at = api.follow(pointer)
  const wrong = [...wrongHeaders(api, at, answer.headers)]
  if (method !== 'HEAD') wrong.push(wrongBody(api, at, answer))
  const found = wrong.filter(Boolean)
  if (found.length > 0) assert.fail(`not as documented: ${found.join('\n  ')}\n${what}`)
}

// ── messages ─────────────────────────────────────────────────────────────────────────────────────

// assertMessage() checks what came on a channel: a message by its name, or the code that it was closed with.
export function assertMessage(channel, name, value) {
  const api = document('asyncapi')
  const pointer = `#/channels/${channel}/messages/${encode(name)}`
  const what = `${name} on ${channel}: ${JSON.stringify(value)}`
  assert(api.at(pointer), `not documented: ${what}`)
  const wrong = api.wrong(api.follow(`${api.follow(pointer)}/payload`), value)
  assert(!wrong, `not as documented: ${wrong}\n${what}`)
}

export function assertClosed(channel, code) {
  const nobodySaidIt = [1005, 1006]
  const codes = document('asyncapi').at(`#/channels/${channel}`)['x-close-codes']
  assert(codes[code] || nobodySaidIt.includes(code), `not documented: ${channel} closed with ${code}`)
}
