// Shows /openapi.json: every operation with its parameters, bodies, answers and a curl; every schema. Text from the
// document only ever becomes text nodes. What is folded is written when it is first opened.

const api = await (await fetch('/openapi.json')).json()
const byId = (id) => document.getElementById(id)

// el('a.dim', {href}, ...children) makes an element; a child is a node or a text.
function el(what, attributes, ...children) {
  const [tag, ...classes] = what.split('.')
  const node = document.createElement(tag)
  if (classes.length) node.className = classes.join(' ')
  for (const [name, value] of Object.entries(attributes ?? {})) node.setAttribute(name, value)
  node.append(...children.flat().filter((child) => child !== undefined && child !== null))
  return node
}

// text() makes of `code` in a description an element, and of an empty line a paragraph.
const spans = (line) => line.split('`').map((part, i) => (i % 2 ? el('code', {}, part) : part))
const text = (description = '') => description.split('\n\n').map((line) => el('p', {}, spans(line)))
const inline = (description = '') => spans(description)

const unescape = (part) => decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~')
const at = (pointer) => pointer.slice(2).split('/').reduce((value, part) => value[unescape(part)], api)
const follow = (value) => (value?.$ref ? { ...follow(at(value.$ref)), ...value, $ref: undefined } : value)
const nameOf = (ref) => ref.split('/').at(-1)

// ── schemas ──────────────────────────────────────────────────────────────────────────────────────

const link = (ref) => el('a', { href: `#schema-${nameOf(ref)}` }, nameOf(ref))
const shown = (value) => el('code', {}, JSON.stringify(value))

function join(nodes, between) {
  return nodes.flatMap((node, i) => (i ? [between, node] : [node])).flat()
}

// A type in few words; what it refers to is a link.
function typeOf(schema) {
  if (schema === true || !schema) return ['anything']
  if (schema.$ref) return [link(schema.$ref)]
  if (schema.const !== undefined) return [shown(schema.const)]
  if (schema.enum) return join(schema.enum.map(shown), ' | ')
  if (schema.anyOf || schema.oneOf) return join((schema.oneOf ?? schema.anyOf).map(typeOf), ' | ')
  if (schema.type === 'array') return ['array of ', ...typeOf(schema.items)]
  if (schema.allOf && !schema.properties) return join(schema.allOf.map(typeOf), ' & ')
  return [[].concat(schema.type ?? 'object').join(' | ')]
}

const LIMITS = {
  minimum: '≥', exclusiveMinimum: '>', maximum: '≤', exclusiveMaximum: '<', multipleOf: 'multiple of',
  minLength: 'length ≥', maxLength: 'length ≤', minItems: 'items ≥', maxItems: 'items ≤', maxProperties: 'members ≤',
  pattern: 'matches', default: 'default'
}
function limitsOf(schema) {
  return Object.entries(LIMITS)
    .filter(([word]) => schema[word] !== undefined)
    .map(([word, sign]) => el('div.dim', {}, `${sign} `, el('code', {}, typeof schema[word] === 'string' ? schema[word] : JSON.stringify(schema[word]))))
}

// What a schema says beyond its type: description, limits, members, what it is put together from.
function more(schema) {
  const parts = [...text(schema.description).filter((p) => p.textContent), ...limitsOf(schema)]
  const parents = (schema.allOf ?? []).filter((s) => !s.if)
  if (parents.length && schema.properties) parts.push(el('div', {}, 'All of ', join(parents.map(typeOf), ', '), ', and:'))
  for (const { if: condition, then } of (schema.allOf ?? []).filter((s) => s.if)) {
    const [[name, value]] = Object.entries(condition.properties)
    const [[field, type]] = Object.entries(then.properties)
    parts.push(el('div', {}, 'When ', el('code', {}, name), ' is ', typeOf(value), ', ', el('code', {}, field), ' is ', typeOf(type), '.'))
  }
  if (schema.properties) parts.push(members(schema))
  if (schema.items && !schema.items.$ref) parts.push(...more(schema.items))
  if (schema.additionalProperties === false) parts.push(el('div.dim', {}, 'No other fields.'))
  if (schema.additionalProperties?.properties) parts.push(el('div', {}, 'Each member:'), members(schema.additionalProperties))
  for (const example of schema.examples ?? [])
    if (typeof example === 'object') parts.push(el('pre', {}, JSON.stringify(example, null, 2)))
  return parts
}

function members(schema) {
  const required = new Set(schema.required)
  return el('ul.members', {}, Object.entries(schema.properties).map(([name, property]) =>
    el('li', {},
      el('code', {}, name), ' ', el('span.type', {}, typeOf(property)), ' ',
      required.has(name) ? el('span.must', {}, 'required') : null,
      property.$ref ? inline(property.description && ` ${property.description}`) : more(property))))
}

// ── operations ───────────────────────────────────────────────────────────────────────────────────

// An example of a body: a schema's own, or that of its first choice.
function exampleOf(schema) {
  const whole = follow(schema) ?? {}
  if (whole.examples?.length) return whole.examples[0]
  if (whole.default !== undefined) return whole.default
  if (whole.const !== undefined) return whole.const
  if (whole.enum) return whole.enum[0]
  const choice = whole.oneOf?.[0] ?? whole.anyOf?.[0] ?? whole.allOf?.[0]
  if (choice) return exampleOf(choice)
  if (whole.type === 'array') return [exampleOf(whole.items)]
  if (whole.properties)
    return Object.fromEntries((whole.required ?? []).map((name) => [name, exampleOf(whole.properties[name])]))
  return { integer: whole.minimum ?? 1, number: 1, boolean: true }[[].concat(whole.type)[0]] ?? '…'
}

const quote = (word) => `'${String(word).replaceAll("'", `'\\''`)}'`

function curlOf({ method, path, operation, parameters }) {
  const given = (where) => parameters.filter((p) => p.in === where && p.required)
  const query = given('query').map((p) => `${p.name}=${encodeURIComponent(p.example ?? exampleOf(p.schema))}`).join('&')
  const url = location.origin + path.replace(/\{\w+\}/, () => exampleOf(given('path')[0].schema)) + (query && `?${query}`)
  const words = ['curl', method === 'GET' ? '' : `-X ${method}`, quote(url)]
  const content = operation.requestBody?.content
  for (const p of given('header')) words.push(`-H ${quote(`${p.name}: ${p.name === 'Idempotency-Key' ? 'first' : exampleOf(p.schema)}`)}`)
  if (operation.security?.[0]?.client) words.push('-H "Authorization: Bearer $TOKEN"')
  if (content) {
    const [[type, { schema }]] = Object.entries(content)
    words.push(`-H ${quote(`Content-Type: ${type}`)}`)
    const body = exampleOf(schema)
    words.push(`-d ${quote(/json/.test(type) ? JSON.stringify(body) : new URLSearchParams(body))}`)
  }
  return words.filter(Boolean).join(' ')
}

function parameterRow(p) {
  return el('tr', {},
    el('td', {}, el('code', {}, p.name), ' ', p.required ? el('span.must', {}, 'required') : null),
    el('td.dim', {}, p.in),
    el('td', {}, inline(p.description), el('div.type', {}, typeOf(p.schema)), p.schema.$ref ? null : limitsOf(p.schema)))
}

function responseRow([status, given]) {
  const response = follow(given)
  const codes = response.content?.['application/problem+json']?.schema.properties?.code?.enum ?? []
  const types = Object.entries(response.content ?? {})
  return el('tr', {},
    el('td', {}, el('code', {}, status)),
    el('td', {}, inline(response.description), codes.length ? el('div', {}, join(codes.map((c) => el('code', {}, c)), ' ')) : null,
      el('div.dim', {}, join(Object.keys(response.headers ?? {}).map((h) => el('code', {}, h)), ' '))),
    el('td', {}, types.map(([type, { schema }]) => el('div', {}, el('span.dim', {}, `${type} `), typeOf(schema)))))
}

const table = (heads, rows) =>
  el('table', {}, el('thead', {}, el('tr', {}, heads.map((h) => el('th', { scope: 'col' }, h)))), el('tbody', {}, rows))

function copyButton(words) {
  const button = el('button.copy', { type: 'button' }, 'Copy')
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(words).then(() => (button.textContent = 'Copied'), () => (button.textContent = 'Select it'))
  })
  return button
}

function operationBody(o) {
  const { operation, parameters } = o
  const scope = operation.security?.[0]?.client?.[0]
  const curl = curlOf(o)
  const parts = [...text(operation.description).filter((p) => p.textContent)]
  parts.push(el('p.dim', {}, scope ? ['Scope ', el('code', {}, scope)] : 'Open to everybody', operation.security?.some((s) => s.ticket) ? ', or a ticket.' : '.'))
  if (parameters.length) parts.push(el('h3', {}, 'Parameters'), table(['Name', 'In', 'Is'], parameters.map(parameterRow)))
  for (const [type, { schema }] of Object.entries(operation.requestBody?.content ?? {}))
    parts.push(el('h3', {}, 'Body'), el('p', {}, typeOf(schema), el('span.dim', {}, ` as ${type}`)),
      el('pre', { tabindex: 0 }, JSON.stringify(exampleOf(schema), null, 2)))
  parts.push(el('h3', {}, 'Answers'), table(['Status', 'Means', 'Body'], Object.entries(operation.responses).map(responseRow)))
  parts.push(el('h3', {}, 'curl'), copyButton(curl), el('pre', { tabindex: 0 }, curl))
  return parts
}

const METHODS = ['get', 'post', 'put', 'delete']
const operations = Object.entries(api.paths).flatMap(([path, given]) => {
  const item = follow(given)
  return METHODS.filter((method) => item[method]).map((method) => ({
    path,
    method: method.toUpperCase(),
    operation: item[method],
    parameters: (item[method].parameters ?? []).map(follow),
    id: `${method}${path.replace(/[^a-zA-Z0-9]+/g, '-')}`
  }))
})

// ── the page ─────────────────────────────────────────────────────────────────────────────────────

// fold() writes its body when it is first opened. words is what a search looks through.
function fold(kind, id, head, write, words) {
  const body = el('div.body')
  const node = el(`details.${kind}`, { id }, el('summary', {}, head), body)
  const once = () => body.childNodes.length || body.append(...write())
  node.addEventListener('toggle', () => node.open && once())
  return { node, words: words.toLowerCase() }
}

const method = (word) => el(`span.method.${word}`, {}, word)

function operationFold(o) {
  const { operation, path } = o
  const head = [method(o.method), el('code', {}, path), el('span', {}, operation.summary)]
  const words = [o.method, path, operation.operationId, operation.summary, operation.description,
    JSON.stringify(operation.responses), JSON.stringify(o.parameters)].join(' ')
  const made = fold('operation', o.id, head, () => operationBody(o), words)
  return { ...made, entry: el('a', { href: `#${o.id}` }, method(o.method), el('span', {}, path)) }
}

function schemaFold([name, schema]) {
  const head = [el('code', {}, name), el('span.dim', {}, inline(schema.description?.split('. ')[0]))]
  const type = schema.properties ? null : el('div.type', {}, typeOf(schema))
  return fold('schema', `schema-${name}`, head, () => [type, ...more(schema)].filter(Boolean), `${name} ${JSON.stringify(schema)}`)
}

function section(title, description, folds) {
  const node = el('section.tag', {}, el('h2', {}, title), el('p.dim', {}, inline(description)), folds.map((f) => f.node))
  const links = el('div', {}, el('h2', {}, title), folds.map((f) => f.entry ?? null))
  return { node, links, folds }
}

const sections = api.tags.map(({ name, description }) =>
  section(name, description, operations.filter((o) => o.operation.tags.includes(name)).map(operationFold)))
const schemas = section('Schemas', 'What bodies are made of.', Object.entries(api.components.schemas).map(schemaFold))

byId('title').textContent = `${api.info.title} ${api.info.version}`
byId('nav').append(...sections.map((s) => s.links))
byId('main').replaceChildren(
  ...text(api.info.description),
  el('p', {}, 'As files: ', el('a', { href: '/openapi.json' }, 'OpenAPI'), ', ', el('a', { href: '/asyncapi.json' }, 'AsyncAPI'), '.'),
  ...[...sections, schemas].map((s) => s.node))

function search() {
  const words = byId('search').value.toLowerCase().split(/\s+/).filter(Boolean)
  let n = 0
  for (const { node, links, folds } of [...sections, schemas]) {
    let here = 0
    for (const f of folds) {
      const hit = words.every((word) => f.words.includes(word))
      f.node.hidden = !hit
      if (f.entry) f.entry.hidden = !hit
      here += hit
    }
    node.hidden = links.hidden = here === 0
    n += here
  }
  byId('found').textContent = words.length ? `${n} found` : ''
}

// What the URL names is opened; a link to it works again when it is there already.
function open() {
  const node = byId(decodeURIComponent(location.hash.slice(1)))
  if (!(node instanceof HTMLDetailsElement)) return
  if (node.hidden) {
    byId('search').value = ''
    search()
  }
  node.open = true
  node.querySelector('summary').focus({ preventScroll: true })
  node.scrollIntoView()
}

byId('search').addEventListener('input', search)
document.addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLInputElement
  if (event.key === '/' && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault()
    byId('search').focus()
  } else if (event.key === 'Escape' && typing) {
    byId('search').value = ''
    search()
    byId('main').focus()
  }
})
document.addEventListener('click', (event) => {
  if (event.target.closest?.('a')?.hash === location.hash) open()
})
addEventListener('hashchange', open)

const dark = matchMedia('(prefers-color-scheme: dark)')
const theme = (name) => (document.documentElement.dataset.theme = name)
if (localStorage.theme) theme(localStorage.theme)
byId('theme').addEventListener('click', () => {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? 'dark' : 'light')
  theme((localStorage.theme = now === 'dark' ? 'light' : 'dark'))
})
open()
document.documentElement.dataset.ready = operations.length
