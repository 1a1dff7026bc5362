// app.js - wires the page: what is read, when, and which view shows it.
import { Api } from './logic/api.js'
import { Feed } from './logic/feed.js'
import { Pulse } from './logic/pulse.js'
import { Store } from './logic/store.js'
import { clock } from './logic/words.js'
import { DeadLetters } from './view/dead.js'
import { h, setHidden, setText } from './view/dom.js'
import { Login } from './view/login.js'
import { OrderPage } from './view/order.js'
import { Orders } from './view/orders.js'
import { Plots } from './view/plots.js'
import { Ticket } from './view/ticket.js'
import { Faults, Health } from './view/venues.js'
import { Vitals } from './view/vitals.js'
import { Workers } from './view/workers.js'

const LIST = 100
const LIST_MAX = 200
const FILL_MS = 300
const ONE_BY_ONE = 4
const $ = (id) => document.getElementById(id)

// ── what is known ────────────────────────────────────────────────────────────────────────────────

const keep = {
  get: () => JSON.parse(sessionStorage.getItem('ox.token'))?.token ?? null,
  set: (token, scope) => sessionStorage.setItem('ox.token', JSON.stringify({ token, scope })),
  clear: () => sessionStorage.removeItem('ox.token'),
  // Without a token there is one client, with all scopes.
  allows: (scope) => (JSON.parse(sessionStorage.getItem('ox.token'))?.scope ?? scope).split(' ').includes(scope)
}
const admin = () => keep.allows('admin')

const api = new Api({ fetch: (...args) => fetch(...args), keep, onUnauthorized: () => showLogin() })
const store = new Store()
const pulse = new Pulse({ api, admin })
let tokens = new Map()
let page = null // the view on show: {title, element, event?(event), read?(), show?(), redraw?(), destroy?()}
let views = {} // views that are made once: what stands in a form stays there

const later = (ms, f) => {
  const timer = setTimeout(f, ms)
  return () => clearTimeout(timer)
}

const EVENTS = ['order.created', 'order.statusChanged', 'heartbeat', 'reset']

async function connect(lastId) {
  const query = new URLSearchParams()
  if (lastId) query.set('last_event_id', lastId)
  if (api.hasToken) query.set('ticket', (await api.send('POST', '/api/tickets')).ticket)
  const stream = new EventSource(`/api/orders/stream?${query}`)
  const source = { close: () => stream.close(), onopen() {}, onerror() {}, onevent() {} }
  stream.onopen = () => source.onopen()
  stream.onerror = () => source.onerror()
  for (const name of EVENTS) stream.addEventListener(name, (e) => source.onevent(name, e.lastEventId, e.data))
  return source
}

const feed = new Feed({
  connect,
  later,
  on: { state: showLink, event: (event) => takeEvent(event), live: () => readAgain() }
})

// ── events and answers ───────────────────────────────────────────────────────────────────────────

let drawing = false
function draw() {
  if (drawing) return
  drawing = true
  requestAnimationFrame(() => {
    drawing = false
    page?.show?.()
  })
}

function takeEvent(event) {
  const moved = store.event(event)
  page?.event?.(event)
  if (!moved) return
  if (store.get(event.orderId)?.type === undefined) fillSoon()
  draw()
}

// Events do not say what an order is made of. A few are asked for one by one, many with one list; if that
// fails the next event, or the next connection, asks again.
let filling = false
async function fillSoon() {
  if (filling) return
  filling = true
  await new Promise((resolve) => setTimeout(resolve, FILL_MS))
  const ids = store.unknown()
  const asked = ids.length > ONE_BY_ONE ? readList(LIST_MAX) : Promise.all(ids.map(readOne))
  const good = await asked.then(
    () => true,
    () => false
  )
  filling = false
  draw()
  if (good && store.unknown().some((id) => !ids.includes(id))) fillSoon()
}

async function readOne(orderId) {
  store.answer(await api.get(`/api/orders/${orderId}`))
}

async function readList(limit) {
  const { orders } = await api.get(`/api/orders?limit=${limit}`)
  for (const order of orders) store.answer(order)
}

// readAgain() when the stream is up: whatever happened before it was is in these answers.
async function readAgain() {
  await Promise.all([readList(LIST).catch(() => {}), page?.read?.()])
  draw()
}

// ── the state of the connection ──────────────────────────────────────────────────────────────────

let seenAt = Date.now()
let countdown = null

function showLink({ state, retryMs }) {
  const words = { off: '', connecting: 'Connecting', live: 'Live', lost: 'Disconnected' }
  $('link-state').dataset.state = state
  setText($('link-state'), words[state])
  document.body.classList.toggle('stale', state === 'lost')
  clearInterval(countdown)
  if (state === 'live') seenAt = null
  if (state === 'lost') showCountdown(Date.now() + retryMs)
  if (state !== 'connecting') setHidden($('banner'), state !== 'lost')
}

function showCountdown(at) {
  seenAt ??= Date.now()
  const tell = () => {
    const s = Math.max(0, Math.ceil((at - Date.now()) / 1000))
    setText(
      $('banner-text'),
      `Disconnected. What you see is as of ${clock(seenAt)}. ${s > 0 ? `Trying again in ${s} s.` : 'Trying again …'}`
    )
  }
  tell()
  countdown = setInterval(tell, 500)
}

$('banner-retry').addEventListener('click', () => feed.retry())
addEventListener('online', () => feed.retry())

// ── asking again and again, while somebody looks ─────────────────────────────────────────────────

let round = 0
function poll(ms, ask, mine) {
  const again = async () => {
    if (mine !== round) return
    if (!document.hidden) {
      await ask()
      draw()
    }
    setTimeout(again, ms)
  }
  again()
}

function startPolling() {
  const mine = ++round
  poll(1000, () => pulse.readQueue(), mine)
  poll(2000, () => pulse.readHealth(), mine)
  poll(2000, () => pulse.readStages(), mine)
  poll(1000, () => page?.workers && pulse.readWorkers(), mine)
}

// ── views ────────────────────────────────────────────────────────────────────────────────────────

function desk() {
  const vitals = new Vitals({ api, pulse })
  const orders = new Orders({ store, tokens })
  const ticket =
    keep.allows('orders:write') &&
    new Ticket({
      api,
      tokens,
      onPlaced: (order) => {
        store.answer(order)
        draw()
      }
    })
  return {
    title: 'Orders',
    element: h(
      'div',
      { class: 'desk' },
      h('h1', { class: 'unseen', tabindex: -1 }, 'Orders'),
      vitals.element,
      ticket && ticket.element,
      orders.element
    ),
    show() {
      vitals.show()
      orders.show()
    }
  }
}

function engine() {
  const vitals = new Vitals({ api, pulse })
  const plots = new Plots({ pulse })
  const health = new Health({ pulse })
  const workers = admin() && new Workers({ pulse })
  const dead = admin() && new DeadLetters({ api, pulse })
  const faults = admin() && new Faults({ api })
  const parts = [vitals, plots, health, workers, dead].filter(Boolean)
  return {
    title: 'Engine',
    workers,
    element: h(
      'div',
      { class: 'engine' },
      h('h1', { class: 'unseen', tabindex: -1 }, 'Engine'),
      vitals.element,
      plots.element,
      workers && workers.element,
      plots.stages,
      health.element,
      dead && dead.element,
      faults && faults.element
    ),
    read: () => Promise.all([dead && dead.read(), faults && faults.read()]),
    show: () => parts.forEach((part) => part.show()),
    redraw: () => plots.redraw()
  }
}

function orderPage(orderId) {
  const order = new OrderPage({ api, store, tokens, orderId })
  return {
    title: 'Order',
    element: order.element,
    event: (event) => order.event(event),
    read: () => order.read(),
    destroy: () => order.destroy()
  }
}

let loggedOut = false
function route({ focus = true } = {}) {
  if (loggedOut) return
  const [, view = '', id] = location.hash.split('/')
  page?.destroy?.()
  if (view === 'orders' && id) page = orderPage(id)
  else if (view === 'engine') page = views.engine ??= engine()
  else page = views.desk ??= desk()
  document.title = `${page.title} · ox`
  $('main').replaceChildren(page.element)
  const current = page.title === 'Engine' ? 'engine' : 'desk'
  for (const link of document.querySelectorAll('nav a'))
    if (link.dataset.view === current) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  page.read?.()
  page.show?.()
  if (!focus) return
  scrollTo(0, 0)
  $('main').focus({ preventScroll: true })
}

addEventListener('hashchange', () => route())

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault()
  $('main').focus()
})

// ── logging in and out ───────────────────────────────────────────────────────────────────────────

function showLogin() {
  if (loggedOut) return
  loggedOut = true
  round++
  feed.stop()
  api.logout()
  page?.destroy?.()
  page = null
  views = {}
  setHidden($('logout'), true)
  document.title = 'Log in · ox'
  const login = new Login({ api, onLogin: begin })
  $('main').replaceChildren(login.element)
  login.element.querySelector('input').focus()
}

function begin() {
  loggedOut = false
  setHidden($('logout'), !api.hasToken)
  store.clear()
  route({ focus: api.hasToken })
  if (keep.allows('orders:read')) feed.start()
  startPolling()
}

$('logout').addEventListener('click', showLogin)

// ── light and dark ───────────────────────────────────────────────────────────────────────────────

const THEMES = { '': ['light', 'as the system has it'], light: ['dark', 'light'], dark: ['', 'dark'] }
const FACES = { '': '◐', light: '○', dark: '●' }

function showTheme() {
  const theme = document.documentElement.dataset.theme ?? ''
  setText($('theme'), FACES[theme])
  $('theme').setAttribute('aria-label', `Theme: ${THEMES[theme][1]}`)
  $('theme').title = `Theme: ${THEMES[theme][1]}`
}

const redraw = () => Object.values(views).forEach((view) => view.redraw?.())

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme
  else delete document.documentElement.dataset.theme
  try {
    localStorage.setItem('ox.theme', theme)
  } catch {
    // it lasts as long as the page, then
  }
  showTheme()
  redraw()
}

$('theme').addEventListener('click', () => setTheme(THEMES[document.documentElement.dataset.theme ?? ''][0]))
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw)
showTheme()

// ── begin ────────────────────────────────────────────────────────────────────────────────────────

const listed = await fetch('/assets/tokens.json').then((answer) => answer.json())
tokens = new Map(listed.tokens.map(({ symbol, decimals }) => [symbol, decimals]))
begin()
