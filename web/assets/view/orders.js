// orders.js - the newest orders, moving as their events arrive.
import { isOpen } from '../logic/store.js'
import { clock, failed, result, shortId, subject } from '../logic/words.js'
import { chip, h, head, panel, Rows, segmented, setText } from './dom.js'

const SHOWN_MAX = 60
const FILTERS = [
  ['all', 'All', () => true],
  ['open', 'Open', isOpen],
  ['done', 'Succeeded', (o) => o.phase === 'succeeded'],
  ['failed', 'Failed', (o) => o.phase === 'failed' || o.phase === 'cancelled']
]

export class Orders {
  #filter = FILTERS[0][2]

  constructor({ store, tokens }) {
    Object.assign(this, { store, tokens })
    this.count = h('span', { class: 'faint num' })
    const filters = segmented({
      name: 'shown',
      legend: 'Which orders',
      options: FILTERS,
      small: true,
      onchange: (chosen) => this.#choose(chosen)
    })
    const body = h('tbody')
    this.rows = new Rows(body, { key: (o) => o.orderId, make: (o) => this.#row(o) })
    this.empty = h('p', { class: 'empty' }, 'No orders yet. Place one on the left, or with POST /api/orders.')
    this.element = panel(
      'Orders',
      { beside: [this.count, filters], name: 'orders' },
      h('table', {}, head('State', 'Order', 'What', ' Result', 'Venue', ' Changed'), body),
      this.empty
    )
  }

  #choose(chosen) {
    this.#filter = FILTERS.find(([value]) => value === chosen)[2]
    this.show()
  }

  show() {
    const all = this.store.list((o) => o.type !== undefined && this.#filter(o))
    this.rows.show(all.slice(0, SHOWN_MAX))
    this.empty.hidden = all.length > 0
    setText(this.count, all.length > SHOWN_MAX ? `newest ${SHOWN_MAX}` : String(all.length))
  }

  #row(order) {
    const state = chip(order.phase, order.status)
    const attempt = h('span', { class: 'faint num' })
    const link = h(
      'a',
      { href: `#/orders/${order.orderId}`, title: order.orderId },
      h('code', {}, shortId(order.orderId))
    )
    const kind = h('span', { class: 'kind' })
    const what = h('span')
    const came = h('td', { class: 'num came' })
    const venue = h('td', { class: 'venue' })
    const changed = h('td', { class: 'num faint changed' })
    const element = h(
      'tr',
      {},
      h('td', { class: 'state' }, state.element, attempt),
      h('td', { class: 'id' }, link),
      h('td', { class: 'what' }, kind, what),
      came,
      venue,
      changed
    )
    return {
      element,
      update: (o) => {
        state.update(o.phase, o.status)
        setText(attempt, o.attempt > 1 ? ` try ${o.attempt}` : '')
        setText(kind, o.type)
        setText(what, subject(o))
        setText(came, result(o, this.tokens))
        came.classList.toggle('bad', failed(o))
        setText(venue, o.dex ?? '')
        setText(changed, clock(o.updatedAt))
      }
    }
  }
}
