// /docs in a browser: all of the contract is there to be read, found and reached with the keyboard, on a phone too;
// and the page does nothing that its policy forbids.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { document } from './contract.mjs'
import { SLOW, createWorld } from './lib.mjs'

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync']
const api = document('openapi')
const operations = Object.entries(api.root.paths).flatMap(([path, item]) =>
  Object.entries(item.$ref ? api.at(item.$ref) : item).map(([method, operation]) => ({ path, method, operation }))
)
let world, ox, browser, page, complaints
before(async () => {
  world = await createWorld()
  ox = await world.start({ role: 'api' })
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', headless: true, args: ARGS })
})
after(async () => {
  await browser?.close()
  await world.destroy()
})

// visit() opens the page anew and keeps what the browser complains of.
async function visit(hash = '', options = {}) {
  await page?.context().close()
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, ...options })
  page = await context.newPage()
  page.setDefaultTimeout(10000 * SLOW)
  complaints = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => request.url().startsWith(ox.url) || complaints.push(`asks ${request.url()}`))
  await page.goto(`${ox.url}/docs${hash}`)
  await page.waitForSelector('html[data-ready]')
}

test('the page may use only what comes from the daemon', async () => {
  const { status, headers, type } = await ox.get('/docs')
  assert.deepEqual([status, type], [200, 'text/html; charset=utf-8'])
  const policy = headers.get('content-security-policy')
  assert.match(policy, /default-src 'none'.*script-src 'self'.*style-src 'self'/)
  assert.doesNotMatch(policy, /unsafe|\*|http/)
  for (const at of ['/docs/', '/docs/../openapi.json/', '/docs/%2e%2e/secret', '/docs/index.html', '/web/docs/docs.js'])
    assert.equal((await ox.get(at)).status, 404, at)
})

test('every operation and every schema is there, without a complaint', async () => {
  await visit()
  assert.equal(await page.locator('details.operation').count(), operations.length)
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)))
  await page.waitForFunction(() => [...document.querySelectorAll('details .body')].every((b) => b.childNodes.length > 0))
  const texts = await page.locator('details.operation').allInnerTexts()
  for (const { path, method, operation } of operations) {
    const shown = texts.find((t) => t.startsWith(`${method.toUpperCase()}\n${path}\n`))
    assert(shown, `${method} ${path}`)
    for (const what of [operation.summary, 'curl', ...Object.keys(operation.responses)])
      assert(shown.includes(what), `${what} of ${method} ${path} in ${shown}`)
    const scope = operation.security[0]?.client?.[0]
    if (scope) assert(shown.includes(scope), `${scope} of ${path}`)
  }
  for (const name of Object.keys(api.root.components.schemas))
    assert(await page.locator(`#schema-${name} .body`).innerText(), name)
  assert.equal(await page.getByText(/undefined|\[object/).count(), 0)
  assert.deepEqual(complaints, [])
})

test('a search leaves what has all the words, Escape brings the rest back', async () => {
  await visit()
  await page.keyboard.press('/')
  await page.keyboard.type('batch idempotency')
  const left = page.locator('details.operation:visible')
  await page.waitForFunction(() => document.getElementById('found').textContent)
  assert.match(await left.first().innerText(), /\/api\/orders\/batch/)
  assert((await left.count()) < 4)
  await page.keyboard.press('Escape')
  assert.equal(await left.count(), operations.length)
})

test('with the keyboard alone, and by a link', async () => {
  await visit('#post-api-orders-execute')
  const operation = page.locator('#post-api-orders-execute')
  assert(await operation.evaluate((d) => d.open && d.contains(document.activeElement)))
  assert.match(await operation.innerText(), /curl -X POST 'http.*\/api\/orders\/execute'.*"tokenIn":"SOL"/)
  await page.keyboard.press('Enter')
  assert(!(await operation.evaluate((d) => d.open)))
  await page.keyboard.press('Enter')
  await operation.getByRole('link', { name: 'ExecuteRequest' }).first().focus()
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.getElementById('schema-ExecuteRequest').open)
  assert.deepEqual(complaints, [])
})

test('the curl that is shown works', async () => {
  await visit('#get-api-quote')
  const curl = await page.locator('#get-api-quote pre').last().innerText()
  const answer = await ox.get(curl.match(/'http:\/\/[^/]+([^']+)'/)[1])
  assert.equal(answer.status, 200, answer.text)
})

test('dark and light, also by hand; nothing is wider than a phone', async () => {
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  await visit('#get-api-orders', { colorScheme: 'dark', viewport: { width: 360, height: 740 } })
  const dark = await back()
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)))
  await page.waitForFunction(() => [...document.querySelectorAll('details .body')].every((b) => b.childNodes.length > 0))
  const width = await page.evaluate(() => document.documentElement.scrollWidth)
  assert(width <= 360, `${width} wide`)
  await page.getByRole('button', { name: 'Dark or light' }).click()
  assert.notEqual(await back(), dark)
  await page.reload()
  await page.waitForSelector('html[data-ready]')
  assert.notEqual(await back(), dark, 'it is remembered')
  assert.deepEqual(complaints, [])
})
