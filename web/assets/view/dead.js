// dead.js - orders that failed for good, and placing them anew.
import { clock, problem, shortId, subject } from '../logic/words.js'
import { h, head, panel, Rows, setText } from './dom.js'

const PAGE = 20

export class DeadLetters {
  #known = null

  constructor({ api, pulse }) {
    Object.assign(this, { api, pulse })
    const body = h('tbody')
    this.rows = new Rows(body, { key: (o) => o.orderId, make: (o) => this.#row(o) })
    this.all = h('button', { type: 'button', hidden: true, onclick: () => this.#all() }, 'Redrive all')
    this.said = h('p', { class: 'said', role: 'status' })
    this.shown = h('span', { class: 'faint' })
    this.empty = h('p', { class: 'empty' }, 'None.')
    this.table = h('table', { hidden: true }, head('Order', 'What', 'Why', ' When', 'Again'), body)
    this.element = panel(
      'Dead letters',
      { beside: [this.shown, this.all], name: 'dead' },
      this.table,
      this.empty,
      this.said
    )
  }

  // Everybody's dead letters are here, also those of which no event comes: their number tells.
  show() {
    const n = this.pulse.queue?.deadLetters ?? null
    if (n === this.#known) return
    this.#known = n
    this.read()
  }

  async read() {
    try {
      const { orders, nextCursor } = await this.api.get(`/dlq?limit=${PAGE}`)
      this.rows.show(orders)
      this.table.hidden = orders.length === 0
      this.all.hidden = orders.length === 0
      setText(this.shown, nextCursor ? `the first ${PAGE}` : '')
      this.empty.hidden = orders.length > 0
    } catch (failure) {
      setText(this.said, `Dead letters: ${problem(failure)}`)
    }
  }

  #row(order) {
    const element = h(
      'tr',
      {},
      h(
        'td',
        { class: 'id' },
        h('a', { href: `#/orders/${order.orderId}` }, h('code', {}, shortId(order.orderId)))
      ),
      h('td', {}, subject(order)),
      h('td', { class: 'bad', title: order.error?.message }, order.error?.code ?? ''),
      h('td', { class: 'num faint' }, clock(order.completedAt)),
      h(
        'td',
        {},
        h(
          'button',
          {
            type: 'button',
            class: 'small',
            'aria-label': `Redrive ${order.orderId}`,
            onclick: () => this.#one(order.orderId)
          },
          'Redrive'
        )
      )
    )
    return { element, update: () => {} }
  }

  async #one(orderId) {
    try {
      const fresh = await this.api.send('POST', `/dlq/${orderId}/redrive`)
      this.said.replaceChildren('Placed anew: ', h('a', { href: `#/orders/${fresh.orderId}` }, fresh.orderId))
    } catch (failure) {
      setText(this.said, `Not placed anew: ${problem(failure)}`)
    }
    await this.read()
  }

  async #all() {
    try {
      const { redriven, refused } = await this.api.send('POST', '/dlq/redrive')
      setText(
        this.said,
        `${redriven} placed anew${refused ? `, ${refused} refused: their outcome is not known to be none` : ''}.`
      )
    } catch (failure) {
      setText(this.said, `Not all were placed anew: ${problem(failure)}`)
    }
    await this.read()
  }
}
