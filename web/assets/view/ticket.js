// ticket.js - the form that places orders, with what the venues would give right now.
import { problem } from '../logic/words.js'
import { isSwap, newKey, orderOf, quoteQuery, SWAPS } from '../logic/ticket.js'
import { h, panel, segmented, setHidden, setText } from './dom.js'
import { quotesPicture } from './quotes.js'

const QUOTE_AFTER_MS = 250
const QUOTE_EVERY_MS = 5000
const TYPES = [
  ['market', 'Market'],
  ['limit', 'Limit'],
  ['sniper', 'Sniper'],
  ['delivery', 'Delivery'],
  ['record', 'Record']
]
const EXPIRIES = [
  ['', 'until cancelled'],
  ['60', 'one minute'],
  ['3600', 'one hour'],
  ['86400', 'one day']
]

// Which field a pointer of a problem is about.
const POINTERS = {
  '/slippageBps': 'slippage',
  '/slippage': 'slippage',
  '/expiresAt': 'expires',
  '/user_id': 'user',
  '/item_ids': 'items',
  '/total_amount': 'total',
  '/id': 'record'
}

// field() is a label, its control and the place for what is wrong with it. for: the types that have it.
function field(name, label, control, { types, hint } = {}) {
  const error = h('p', { class: 'error', id: `${name}-error`, hidden: true })
  control.id = `f-${name}`
  control.name = name
  control.setAttribute('aria-describedby', error.id)
  const element = h(
    'div',
    { class: 'field', dataset: types ? { types: types.join(' ') } : {} },
    h('label', { for: control.id }, label, hint ? h('span', { class: 'hint' }, hint) : null),
    control,
    error
  )
  return { element, control, error, name }
}

const input = (value, more = {}) =>
  h('input', { type: 'text', value, autocomplete: 'off', spellcheck: 'false', ...more })
const number = (value) => input(value, { inputmode: 'decimal', class: 'num' })

export class Ticket {
  #fields
  #key = newKey()
  #quoteTimer = null
  #quoteAbort = null
  #sending = false

  constructor({ api, tokens, onPlaced }) {
    Object.assign(this, { api, tokens, onPlaced })
    this.#fields = new Map(this.#makeFields().map((f) => [f.name, f]))
    this.form = this.#makeForm()
    const known = [...tokens.keys()].map((token) => h('option', { value: token }))
    this.element = panel(
      'Place an order',
      { name: 'ticket' },
      this.form,
      h('datalist', { id: 'tokens' }, known)
    )
    this.#showType()
  }

  #makeFields() {
    const token = (value) => input(value, { list: 'tokens', autocapitalize: 'characters' })
    const expires = h(
      'select',
      {},
      EXPIRIES.map(([value, text]) => h('option', { value }, text))
    )
    const types = [...SWAPS, 'delivery']
    return [
      field('amount', 'Sell', number('1.5'), { types: SWAPS }),
      field('tokenIn', 'Token', token('SOL'), { types: SWAPS }),
      field('tokenOut', 'Buy', token('USDC'), { types: SWAPS }),
      field('slippage', 'Slippage', number('1'), { types: SWAPS, hint: '%' }),
      field('limitPrice', 'At least', number(''), { types: ['limit'], hint: 'per token sold' }),
      field('launchToken', 'When this is first listed', token(''), { types: ['sniper'] }),
      field('expires', 'Good', expires, { types: ['limit', 'sniper'] }),
      field('user', 'For', input('u-1'), { types: ['delivery'], hint: 'user' }),
      field('total', 'Total', number('19.90'), { types: ['delivery'] }),
      field('items', 'Items', input('keyboard, mouse'), { types: ['delivery'], hint: 'with commas between' }),
      field('address', 'Address', input(''), { types: ['delivery'], hint: 'optional' }),
      field('record', 'Own id', input(''), { types: ['record'] }),
      field('recordAmount', 'Amount', number('100'), { types: ['record'] }),
      field('clientOrderId', 'Own id', input(''), { types, hint: 'optional' }),
      field('groupId', 'Group', input(''), { types, hint: 'one at a time' })
    ]
  }

  // The fields in the order in which they stand: a swap's two lines, what the other types have, and what
  // is seldom wanted.
  #makeForm() {
    const elements = (...names) => names.map((name) => this.#fields.get(name).element)
    const flip = h(
      'button',
      {
        type: 'button',
        class: 'quiet flip',
        'aria-label': 'Swap the two tokens',
        dataset: { types: SWAPS.join(' ') },
        onclick: () => this.#flip()
      },
      '⇄'
    )
    const types = segmented({
      name: 'type',
      legend: 'Kind of order',
      options: TYPES,
      onchange: () => this.#showType()
    })
    const legs = h(
      'div',
      { class: 'legs' },
      elements('amount', 'tokenIn'),
      flip,
      elements('tokenOut', 'slippage')
    )
    const others = [
      'limitPrice',
      'launchToken',
      'expires',
      'user',
      'total',
      'items',
      'address',
      'record',
      'recordAmount'
    ]
    const seldom = h('div', { class: 'pair' }, elements('clientOrderId', 'groupId'))
    this.more = h('details', {}, h('summary', {}, 'Own id and group'), seldom)
    this.quote = h('div', { class: 'quote' })
    this.submit = h('button', { type: 'submit', class: 'primary' }, 'Place order')
    this.said = h('p', { class: 'said', role: 'status' })
    return h(
      'form',
      { novalidate: true, oninput: () => this.#edited(), onsubmit: (e) => this.#send(e) },
      types,
      legs,
      h('div', { class: 'pair' }, elements(...others)),
      this.more,
      this.quote,
      this.submit,
      this.said
    )
  }

  #values() {
    const values = Object.fromEntries([...this.#fields].map(([name, f]) => [name, f.control.value.trim()]))
    return { ...values, type: this.form.elements.type.value }
  }

  #showType() {
    const type = this.form.elements.type.value
    for (const part of this.form.querySelectorAll('[data-types]'))
      part.hidden = !part.dataset.types.split(' ').includes(type)
    this.more.hidden = type === 'record'
    setHidden(this.quote, !isSwap(type))
    this.#edited()
  }

  #flip() {
    const [a, b] = [this.#fields.get('tokenIn').control, this.#fields.get('tokenOut').control]
    ;[a.value, b.value] = [b.value, a.value]
    this.#edited()
  }

  // Another order has another key; the same one, sent once more, keeps it.
  #edited() {
    this.#key = newKey()
    for (const f of this.#fields.values()) this.#mark(f, '')
    this.#askQuote(QUOTE_AFTER_MS)
  }

  #mark(f, text) {
    setText(f.error, text)
    setHidden(f.error, !text)
    if (text) f.control.setAttribute('aria-invalid', 'true')
    else f.control.removeAttribute('aria-invalid')
  }

  // ── the quote ────────────────────────────────────────────────────────────────────────────────

  #askQuote(ms) {
    clearTimeout(this.#quoteTimer)
    this.#quoteAbort?.abort()
    this.#quoteAbort = null
    this.#quoteTimer = setTimeout(() => this.#readQuote(), ms)
  }

  async #readQuote() {
    const form = this.#values()
    const query = quoteQuery(form)
    if (!query || document.hidden || !this.element.isConnected) {
      if (!query) this.quote.replaceChildren(h('p', { class: 'faint' }, 'What the venues offer appears here.'))
      if (query) this.#askQuote(QUOTE_EVERY_MS)
      return
    }
    const abort = (this.#quoteAbort = new AbortController())
    try {
      const answer = await this.api.get(`/api/quote?${query}`, { signal: abort.signal })
      this.quote.replaceChildren(
        quotesPicture(answer, form.tokenOut, this.tokens),
        h('p', { class: 'faint' }, answer.reason)
      )
    } catch (failure) {
      if (failure.name === 'AbortError') return
      this.quote.replaceChildren(h('p', { class: 'faint' }, `No quote: ${problem(failure)}`))
    }
    if (this.#quoteAbort === abort) this.#askQuote(QUOTE_EVERY_MS)
  }

  // ── the order ────────────────────────────────────────────────────────────────────────────────

  async #send(event) {
    event.preventDefault()
    if (this.#sending) return
    this.#sending = true
    this.submit.setAttribute('aria-disabled', 'true')
    setText(this.said, 'Sending …')
    try {
      this.#placed(
        await this.api.send('POST', '/api/orders', orderOf(this.#values(), Date.now()), {
          'Idempotency-Key': this.#key
        })
      )
    } catch (failure) {
      this.#refused(failure)
    }
    this.#sending = false
    this.submit.removeAttribute('aria-disabled')
  }

  #placed(order) {
    this.#key = newKey()
    this.said.className = 'said'
    this.said.replaceChildren('Accepted: ', h('a', { href: `#/orders/${order.orderId}` }, order.orderId))
    this.onPlaced(order)
  }

  #refused(failure) {
    let first = null
    for (const { pointer, detail } of failure.problem?.errors ?? []) {
      const f = this.#fields.get(POINTERS[pointer] ?? pointer.slice(1).split('/')[0])
      if (!f || f.element.hidden) continue
      this.#mark(f, detail)
      first ??= f
    }
    this.said.className = 'said bad'
    setText(
      this.said,
      failure.maybe
        ? `Not confirmed: ${problem(failure)}. Place it again: it is sent with the same key, so it cannot happen twice.`
        : first
          ? 'Not accepted; see above.'
          : `Not accepted: ${problem(failure)}`
    )
    if (first?.element.closest('details')) this.more.open = true
    first?.control.focus()
  }
}
