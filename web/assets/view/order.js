// order.js - one order: what it is, what happened to it and how long each part took, what the venues
// offered and why one was chosen.
import { group, plain } from '../logic/amount.js'
import { after, History, isOpen, stays } from '../logic/store.js'
import { clock, decision, duration, failed, money, problem, subject } from '../logic/words.js'
import { chip, copyable, h, panel, setText, time } from './dom.js'
import { quotesPicture } from './quotes.js'

const TICK_MS = 250

export class OrderPage {
  #history = new History()
  #order = null
  #reading = false
  #again = false
  #ticker = null

  constructor({ api, store, tokens, orderId }) {
    Object.assign(this, { api, store, tokens, orderId })
    this.head = h('div', { class: 'order-head' })
    this.facts = h('dl', { class: 'facts' })
    this.timeline = h('ol', { class: 'timeline' })
    this.routing = h('div', { class: 'routing' })
    this.said = h('p', { class: 'said', role: 'status' })
    this.body = h(
      'div',
      { class: 'order-body', hidden: true },
      panel('What happened', {}, this.timeline),
      panel('Facts', {}, this.facts),
      this.routing
    )
    this.element = h(
      'article',
      { class: 'order' },
      h('p', {}, h('a', { href: '#/' }, '← Orders')),
      this.head,
      this.said,
      this.body
    )
    this.#ticker = setInterval(() => this.#order && isOpen(this.#order) && this.#drawTimeline(), TICK_MS)
  }

  destroy() {
    clearInterval(this.#ticker)
  }

  // read() takes order and history from the server: once more if an event asked for it meanwhile, which
  // that answer may not have.
  async read() {
    this.#again = true
    if (this.#reading) return
    this.#reading = true
    while (this.#again) {
      this.#again = false
      await this.#readOnce()
    }
    this.#reading = false
  }

  async #readOnce() {
    const path = `/api/orders/${encodeURIComponent(this.orderId)}`
    try {
      const [order, { events }] = await Promise.all([this.api.get(path), this.api.get(`${path}/events`)])
      this.orderId = order.orderId
      this.#history.fill(events)
      this.store.answer(order)
      this.#order = this.#history.events.filter((e) => e.seq > order.seq).reduce(after, order)
      this.show()
    } catch (failure) {
      setText(
        this.said,
        failure.status === 404 ? 'There is no such order.' : `Could not be read: ${problem(failure)}`
      )
      this.said.className = 'said bad'
    }
  }

  event(event) {
    if (event.orderId !== this.orderId) return
    const how = this.#history.add(event)
    if (how === 'gap') this.read()
    if (how !== 'new' || !this.#order) return
    this.#order = after(this.#order, event)
    if (!isOpen(this.#order)) this.read()
    this.show()
  }

  show() {
    this.body.hidden = false
    if (this.said.classList.contains('bad')) {
      this.said.className = 'said'
      setText(this.said, '')
    }
    this.#drawHead()
    this.#drawFacts()
    this.#drawTimeline()
    this.#drawRouting()
  }

  // ── parts ────────────────────────────────────────────────────────────────────────────────────

  #drawHead() {
    const order = this.#order
    if (!this.title) {
      this.title = h('h1', { tabindex: -1 })
      this.chip = chip(order.phase, order.status)
      this.cancel = h(
        'button',
        { type: 'button', class: 'danger', onclick: () => this.#cancel() },
        'Cancel order'
      )
      this.head.append(
        h(
          'div',
          {},
          this.title,
          h('p', { class: 'faint' }, order.type, ' order ', copyable(order.orderId, 'the id'))
        ),
        this.chip.element,
        this.cancel
      )
    }
    setText(this.title, subject(order))
    this.chip.update(order.phase, order.status)
    this.cancel.hidden = !isOpen(order) || order.status === 'submitted'
  }

  #drawFacts() {
    const o = this.#order
    const link = (id) => h('a', { href: `#/orders/${id}` }, h('code', {}, id))
    const rows = [
      ['Received', o.outAmount && money(o.outAmount, o.tokenOut, this.tokens)],
      ['Price', o.executedPrice && `${group(o.executedPrice)} ${o.tokenOut} per ${o.tokenIn}`],
      ['Never less than', o.minOutAmount && money(o.minOutAmount, o.tokenOut, this.tokens)],
      ['Venue', o.dex],
      ['Limit', o.limitPrice !== undefined && `${group(plain(o.limitPrice))} ${o.tokenOut} per ${o.tokenIn}`],
      ['Waits for', o.launchToken && `the first listing of ${o.launchToken}`],
      ['Expires', o.expiresAt && time(o.expiresAt, new Date(o.expiresAt).toLocaleString())],
      ['Transaction', o.txHash && copyable(o.txHash, 'the transaction')],
      [
        'Shipment',
        o.shipment &&
          `${o.shipment.carrier}, ${o.shipment.trackingNumber}, ${o.shipment.step.replaceAll('_', ' ')}`
      ],
      ['Total', o.total_amount !== undefined && group(plain(o.total_amount))],
      [
        failed(o) ? 'Error' : 'Error before',
        o.error &&
          h('span', { class: failed(o) ? 'bad' : '' }, h('code', {}, o.error.code), ` ${o.error.message}`)
      ],
      [
        'Outcome',
        failed(o) &&
          { none: 'nothing was moved', landed: 'tokens were moved', unknown: 'not known yet' }[o.error.outcome]
      ],
      ['Attempt', String(o.attempt)],
      ['Own id', o.clientOrderId && h('code', {}, o.clientOrderId)],
      ['Group', o.groupId && h('code', {}, o.groupId)],
      ['Placed anew from', o.redriveOf && link(o.redriveOf)],
      ['Placed', time(o.createdAt, new Date(o.createdAt).toLocaleString())],
      ['Took', o.completedAt && duration(Date.parse(o.completedAt) - Date.parse(o.createdAt))]
    ]
    this.facts.replaceChildren(
      ...rows.filter(([, value]) => value).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])
    )
  }

  #drawTimeline() {
    const rows = stays(this.#history.events, Date.now())
    this.timeline.replaceChildren(
      ...rows.map(({ event, ms, to, start, width, again }) => {
        const ended = to === null && !isOpen(event)
        return h(
          'li',
          { dataset: { phase: event.phase } },
          again ? h('p', { class: 'again' }, `attempt ${event.attempt}`) : null,
          chip(event.phase, event.status).element,
          h(
            'span',
            { class: 'bar-track', 'aria-hidden': 'true' },
            h('span', {
              class: ended ? 'bar-end-mark' : 'bar-fill',
              vars: { start: start.toFixed(4), width: width.toFixed(4) }
            })
          ),
          h('span', { class: 'num' }, ended ? '' : duration(ms)),
          time(event.timestamp, clock(event.timestamp, true))
        )
      })
    )
  }

  #drawRouting() {
    const decided = this.#history.events.filter((e) => e.data?.quotes)
    this.routing.replaceChildren(
      ...decided.map((event) =>
        panel(
          decided.length > 1 ? `Quotes, attempt ${event.attempt}` : 'Quotes',
          {},
          quotesPicture(event.data, this.#order.tokenOut, this.tokens),
          decision(event.data, this.#order, this.tokens).map((line) => h('p', {}, line))
        )
      )
    )
  }

  async #cancel() {
    setText(this.said, 'Cancelling …')
    try {
      const order = await this.api.send('DELETE', `/api/orders/${this.orderId}`)
      this.store.answer(order)
      setText(this.said, 'Cancelled.')
      await this.read()
    } catch (failure) {
      setText(this.said, `Not cancelled: ${problem(failure)}`)
    }
  }
}
