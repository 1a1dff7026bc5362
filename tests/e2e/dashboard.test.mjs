// The dashboard in a browser: orders move before one's eyes, nothing is lost when the server dies, and it
// can be used by keyboard, on a phone, and with a log-in. Nothing may complain: neither the console nor the
// page's own policy. SCREENSHOTS=1 writes the pictures of the README.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { chromium } from 'playwright-core'
import { createWorld, freePort, ROOT, SLOW, until } from './lib.mjs'

const CHROMIUM = '/usr/bin/chromium'
const ARGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]
const WAIT = 10000 * SLOW
const skip = existsSync(CHROMIUM) ? false : `no ${CHROMIUM}`

let browser, world, api, worker, port
before(async () => {
  if (skip) return
  port = await freePort()
  world = await createWorld({ SWAP_DELAY_MS: '300-400', QUEUE_ATTEMPTS: '1', SIM_LOOKUP_LAG_MS: '30000' })
  worker = await world.start({ role: 'worker' })
  const launched = chromium.launch({ executablePath: CHROMIUM, args: ARGS }).then((it) => (browser = it))
  ;[api] = await Promise.all([world.start({ role: 'api', port }), launched])
})
after(async () => {
  await browser?.close()
  await world?.destroy()
})

// open() gives a page; close(expected) says that nothing complained but what is expected.
async function open(url = api.url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, ...options })
  const page = await context.newPage()
  const complaints = []
  page.setDefaultTimeout(WAIT)
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && complaints.push(m.text()))
  page.on('pageerror', (error) => complaints.push(String(error)))
  await page.addInitScript(() =>
    addEventListener('securitypolicyviolation', (e) =>
      console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`)
    )
  )
  await page.goto(url)
  page.end = async (expected = /^$/) => {
    assert.deepEqual(
      complaints.filter((c) => !expected.test(c)),
      []
    )
    await context.close()
  }
  return page
}

const live = (page) => page.getByText('Live', { exact: true }).waitFor()
const place = async (page) => {
  await page.getByRole('button', { name: 'Place order' }).click()
  const link = page.locator('.ticket .said a')
  await link.waitFor()
  return link.textContent()
}
const rowOf = (page, id) => page.locator('.orders tbody tr', { has: page.locator(`a[href="#/orders/${id}"]`) })
const states = (page) => page.locator('.timeline .chip').allTextContents()
// assertFits() says that on a phone nothing is wider than the screen.
async function assertFits(page) {
  const before = page.viewportSize()
  await page.setViewportSize({ width: 360, height: 740 })
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360, page.url())
  await page.setViewportSize(before)
}

const SWAP_STATES = ['pending', 'routing', 'building', 'submitted', 'confirmed']

test('an order is quoted, placed, watched to its end, and explained', { skip }, async () => {
  const page = await open()
  await live(page)
  await page.locator('.quotes .tag').waitFor()
  assert.match(await page.locator('.quotes').textContent(), /raydium.*USDC.*meteora.*USDC.*least that is taken/)
  const unseen = ['raydium', 'meteora'].map((venue) => ({ venue, kind: 'lookup_lagging' }))
  await api.setFaults(...unseen) // it stays submitted until somebody has looked
  const id = await place(page)
  const row = rowOf(page, id)
  await row.locator('.chip[data-phase=active]', { hasText: 'submitted' }).waitFor()
  await api.setFaults()
  await row.locator('.chip[data-phase=succeeded]').waitFor()
  assert.match(await row.textContent(), /confirmed.*1\.5 SOL → USDC.*USDC(raydium|meteora)/)
  await row.getByRole('link').click()
  await page.getByRole('heading', { name: '1.5 SOL → USDC' }).waitFor()
  assert.deepEqual(await states(page), SWAP_STATES)
  const order = (await api.get(`/api/orders/${id}`)).json
  const text = await page.locator('main').textContent()
  for (const part of [order.txHash, 'Expected', 'never less than', 'gives']) assert(text.includes(part), part)
  assert.equal(await page.getByRole('button', { name: 'Cancel order' }).isVisible(), false)
  await page.end()
})

// These change what all others see.

test('the server is killed: it says so, comes back, and has missed nothing', { skip }, async () => {
  const page = await open()
  await live(page)
  const ids = [await place(page)]
  await page.evaluate((id) => (location.hash = `#/orders/${id}`), ids[0])
  await page.locator('.timeline .chip').first().waitFor()
  const more = await Promise.all([1, 2, 3].map(() => api.execute()))
  await api.kill()
  await page.getByText(/^Disconnected\. What you see is as of/).waitFor()
  await assertFits(page)
  await until('the worker to end them all', 10000, async () => {
    const [{ n }] = await world.sql('SELECT count(*)::int AS n FROM orders WHERE completed_at IS NULL')
    return n === 0
  })
  api = await world.start({ role: 'api', port })
  await live(page)
  await page.locator('.timeline .chip[data-phase=succeeded]').waitFor()
  assert.deepEqual(await states(page), SWAP_STATES)
  assert.equal(await page.locator('#banner').isVisible(), false)
  await page.getByRole('link', { name: 'Orders', exact: true }).click()
  for (const id of more) await rowOf(page, id).locator('.chip[data-phase=succeeded]').waitFor()
  const after = await api.execute()
  await rowOf(page, after).locator('.chip[data-phase=succeeded]').waitFor()
  await page.end(/ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE|503/)
})

test('venues are made to fail; a dead letter is placed anew when they are well', { skip }, async () => {
  const page = await open(`${api.url}/#/engine`)
  await live(page)
  for (const venue of ['raydium', 'meteora']) {
    await page.getByRole('combobox', { name: 'Venue' }).selectOption(venue)
    await page.getByRole('combobox', { name: 'Fault' }).selectOption('no_liquidity')
    await page.getByLabel('Probability').fill('1')
    await page.getByRole('button', { name: 'Add' }).click()
    await page.locator('.faults li', { hasText: venue }).waitFor()
  }
  const dead = await api.execute()
  const redrive = page.getByRole('button', { name: `Redrive ${dead}` })
  await redrive.waitFor()
  for (let n = 2; n > 0; n--)
    await page
      .locator('.faults button')
      .first()
      .click()
      .then(() => page.waitForFunction((k) => document.querySelectorAll('.faults button').length < k, n))
  await redrive.click()
  const link = page.locator('[aria-label="Dead letters"] .said a')
  await link.waitFor()
  const fresh = await link.textContent()
  await page.locator('[aria-label="Dead letters"]').getByText('None.').waitFor()
  await link.click()
  await page.locator('.order-head .chip[data-phase=succeeded]').waitFor()
  assert.equal((await api.get(`/api/orders/${fresh}`)).json.redriveOf, dead)
  assert.match(await page.locator('.facts').textContent(), new RegExp(dead))
  await page.end()
})

test('the queue is paused and goes on', { skip }, async () => {
  const page = await open()
  await live(page)
  await page.getByRole('button', { name: 'Pause queue' }).click()
  await page.getByRole('button', { name: 'Resume queue' }).waitFor()
  const id = await place(page)
  await page.locator('.vitals dd').first().getByText('1').waitFor()
  assert.equal((await api.get(`/api/orders/${id}`)).json.phase, 'queued')
  await page.getByRole('button', { name: 'Resume queue' }).click()
  await rowOf(page, id).locator('.chip[data-phase=succeeded]').waitFor()
  await page.end()
})

test('every view fits on a phone; motion only for those who want it', { skip }, async () => {
  const wide = { tokenIn: 'SOL', tokenOut: 'USDC', amount: '123456.123456789', slippage: 0.05 }
  const ids = [await api.execute(wide)]
  await api.ended(ids[0])
  await api.setFaults(...['raydium', 'meteora'].map((venue) => ({ venue, kind: 'no_liquidity' })))
  ids.push(await api.execute(wide))
  assert.equal((await api.ended(ids[1])).error.code, 'NO_LIQUIDITY')
  await api.setFaults()
  const page = await open(api.url, { viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' })
  await live(page)
  for (const hash of ['#/', ...ids.map((id) => `#/orders/${id}`), '#/engine']) {
    await page.evaluate((h) => (location.hash = h), hash)
    await page.locator('main > *').waitFor()
    await until('what is on it', 5000, () =>
      page.evaluate(() => document.querySelector('main').innerText.length > 200)
    )
    await assertFits(page)
  }
  const names = await page.evaluate(() =>
    [...document.querySelectorAll('*')].map((e) => getComputedStyle(e).animationName)
  )
  assert(names.every((n) => n === 'none'))
  await page.end()
})

// And these do not mind each other: most of their time is waiting.
describe('side by side', { skip, concurrency: 4 }, () => {
  test('what is wrong with an order stands beside its field', async () => {
    const page = await open()
    await page.getByLabel('Sell').fill('-1')
    await page.getByLabel('Token', { exact: true }).fill('DOGE')
    await page.getByRole('button', { name: 'Place order' }).click()
    await page.locator('#f-tokenIn[aria-invalid]').waitFor()
    assert.match(await page.locator('#tokenIn-error').textContent(), /token/)
    assert.notEqual(await page.locator('#amount-error').textContent(), '')
    await page.end(/400/)
  })

  test('an order that waits is cancelled', async () => {
    const page = await open()
    await live(page)
    await page.getByRole('radio', { name: 'Limit' }).check()
    await page.getByLabel('At least').fill('100000')
    const id = await place(page)
    await rowOf(page, id).getByText('watching').waitFor()
    await rowOf(page, id).getByRole('link').click()
    await page.getByRole('button', { name: 'Cancel order' }).click()
    await page.locator('.order-head .chip[data-phase=cancelled]').waitFor()
    assert.deepEqual(await states(page), ['pending', 'watching', 'cancelled'])
    assert.equal((await api.get(`/api/orders/${id}`)).json.phase, 'cancelled')
    await page.end()
  })

  test('the workers, and what each of them runs', async () => {
    const page = await open(`${api.url}/#/engine`)
    await live(page)
    const { json } = await api.post('/api/orders', { user_id: 'u-1', item_ids: ['a'], total_amount: '1' })
    const slot = page.locator('.workers li[data-busy=true]', { hasText: /Processing|Shipped/ })
    await slot.locator(`a[href="#/orders/${json.orderId}"]`).waitFor()
    assert.equal(await page.locator('.workers li').count(), 10)
    await page.getByText('0 of 10 busy').waitFor()
    await page.locator('.stages tr', { hasText: 'Accept' }).getByText(/ms/).first().waitFor()
    assert.equal(await page.locator('.plot canvas').count(), 4)
    await page.end()
  })

  test('by keyboard alone: past the header, an order, its page', async () => {
    const page = await open()
    await live(page)
    const focused = () =>
      page.evaluate(() => {
        const e = document.activeElement
        return { id: e.id, text: e.textContent, outline: getComputedStyle(e).outlineStyle }
      })
    await page.keyboard.press('Tab')
    assert.equal((await focused()).text, 'Skip to content')
    await page.keyboard.press('Enter')
    for (let i = 0; i < 8 && (await focused()).id !== 'f-amount'; i++) await page.keyboard.press('Tab')
    const at = await focused()
    assert.deepEqual([at.id, at.outline], ['f-amount', 'solid'])
    await page.keyboard.press('Control+A')
    await page.keyboard.type('2.25')
    await page.keyboard.press('Enter')
    await page.locator('.ticket .said a').waitFor()
    for (let i = 0; i < 9 && !/^ord_/.test((await focused()).text); i++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: '2.25 SOL → USDC' }).waitFor()
    await page.end()
  })

  test('light and dark, as the system has it or as chosen', async () => {
    const page = await open(api.url, { colorScheme: 'dark' })
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    const dark = await paper()
    await page.getByRole('button', { name: /^Theme/ }).click()
    const light = await paper()
    assert.notEqual(dark, light)
    await page.reload()
    assert.equal(await paper(), light)
    await page.end()
  })

  test('with AUTH=required: logged in for the tab, the token in no URL, out again', async () => {
    const closed = await createWorld({ AUTH: 'required', JWT_SECRET: 'x'.repeat(32) })
    try {
      const daemon = await closed.start()
      const client = await closed.addClient('desk', 'orders:read,orders:write')
      const page = await open(daemon.url)
      const urls = []
      page.on('request', (request) => urls.push(request.url()))
      await page.getByLabel('Client id').fill(client.id)
      await page.getByLabel('Secret').fill('wrong')
      await page.getByRole('button', { name: 'Log in' }).click()
      await page.getByText('No such client, or another secret.').waitFor()
      await page.getByLabel('Secret').fill(client.secret)
      await page.keyboard.press('Enter')
      await live(page)
      const id = await place(page)
      await rowOf(page, id).locator('.chip[data-phase=succeeded]').waitFor()
      await page.reload()
      await live(page)
      await rowOf(page, id).waitFor()
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, document.cookie]))
      const { token } = await page.evaluate(() => JSON.parse(sessionStorage.getItem('ox.token')))
      for (const secret of [token, client.secret]) assert(![...urls, kept].some((text) => text.includes(secret)))
      assert(urls.some((url) => url.includes('ticket=')))
      await assertFits(page)
      await page.getByRole('button', { name: 'Log out' }).click()
      await page.getByLabel('Client id').waitFor()
      assert.equal(await page.evaluate(() => sessionStorage.length), 0)
      await page.end(/401/)
    } finally {
      await closed.destroy()
    }
  })
})

// ── pictures ─────────────────────────────────────────────────────────────────────────────────────

const PICTURE_MAX = 200 << 10

async function traffic(daemon, n) {
  const tokens = ['SOL', 'RAY', 'JUP', 'USDC', 'USDT']
  for (let i = 0; i < n; i++) {
    const [tokenIn, tokenOut] = [tokens[i % 3], tokens[3 + (i % 2)]]
    const amount = String(1 + ((i * 37) % 91) * (i % 7 === 0 ? 50 : 1))
    await daemon.execute({ tokenIn, tokenOut, amount, slippage: 0.05 })
    if (i % 9 === 0) await daemon.execute({ type: 'limit', tokenIn, tokenOut, amount, limitPrice: '400' })
    if (i % 11 === 0)
      await daemon.post('/api/orders', { user_id: `u-${i}`, item_ids: ['a', 'b'], total_amount: '19.90' })
    if (i % 10 < 6) await new Promise((resolve) => setTimeout(resolve, 550)) // bursts
  }
}

// eventful() is an order that needed another attempt, with more than one quote to show.
async function eventful(daemon) {
  const { json } = await daemon.get('/api/orders?status=confirmed&limit=200')
  for (const { orderId } of json.orders.filter((order) => order.attempt > 1)) {
    const { events } = (await daemon.get(`/api/orders/${orderId}/events`)).json
    const { quotes } = events.find((event) => event.data.quotes).data
    if (quotes.filter((quote) => quote.outAmount).length > 1) return orderId
  }
  return json.orders[0].orderId
}

async function shoot(page, name) {
  const folder = path.join(ROOT, 'docs/images')
  await mkdir(folder, { recursive: true })
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme })
    await page.waitForTimeout(300)
    const file = path.join(folder, `${name}-${colorScheme}.png`)
    await page.screenshot({ path: file })
    assert((await stat(file)).size <= PICTURE_MAX, `${file} is too large`)
  }
}

test(
  'pictures for the README',
  { skip: skip || (process.env.SCREENSHOTS ? false : 'SCREENSHOTS=1 makes them') },
  async () => {
    const shown = await createWorld({
      QUOTE_DELAY_MS: '200',
      SWAP_DELAY_MS: '2000-3000',
      QUEUE_RATE_LIMIT: '300',
      QUEUE_ATTEMPTS: '2'
    })
    try {
      const daemon = await shown.start()
      await daemon.setFaults(
        ...['raydium', 'meteora'].map((venue) => ({ venue, kind: 'no_liquidity', probability: 0.15 }))
      )
      const page = await open(daemon.url, { viewport: { width: 1280, height: 800 } })
      await live(page)
      await traffic(daemon, 80)
      const more = traffic(daemon, 30)
      await page.getByLabel('Sell').fill('2500')
      await page.getByLabel('Sell').blur()
      await page.locator('.quotes .tag').waitFor()
      await page.waitForTimeout(1500)
      await shoot(page, 'orders')
      await page.evaluate(() => (location.hash = '#/engine'))
      await page.setViewportSize({ width: 1280, height: 1240 })
      await page.waitForTimeout(2500)
      await shoot(page, 'engine')
      await more
      const order = await eventful(daemon)
      await page.setViewportSize({ width: 1280, height: 800 })
      await page.evaluate((id) => (location.hash = `#/orders/${id}`), order)
      await page.locator('.timeline .chip').first().waitFor()
      await shoot(page, 'order')
    } finally {
      await shown.destroy()
    }
  }
)
