// venues.js - what the engine stands on, the venues' breakers, and the faults that the mock venues make.
import { duration, problem } from '../logic/words.js'
import { chip, h, panel, setText } from './dom.js'

const KINDS = [
  'quote_timeout',
  'stale_quote',
  'no_liquidity',
  'rate_limited',
  'lost_before_landing',
  'ack_lost_after_landing',
  'late_landing',
  'expired',
  'lookup_lagging',
  'halted',
  'crash'
]
const VENUES = ['raydium', 'meteora']
const WELL = new Set(['up', 'ok', 'closed', 'off'])

const look = (word, text = word) =>
  chip(WELL.has(word) ? 'succeeded' : word === 'half-open' ? 'active' : 'failed', text).element

export class Health {
  constructor({ pulse }) {
    this.pulse = pulse
    this.list = h('dl', { class: 'checks' })
    this.version = h('span', { class: 'faint' })
    this.element = panel('Health', { beside: [this.version], name: 'health' }, this.list)
  }

  show() {
    const health = this.pulse.health
    if (!health) return
    const { venues = {}, ...checks } = health.checks
    setText(this.version, `${health.version}, up ${duration(health.uptime * 1000)}`)
    const names = { postgres: 'PostgreSQL', redis: 'Redis', workers: 'Workers' }
    const rows = Object.entries(checks).map(([name, word]) => [names[name] ?? name, look(word), ''])
    for (const [name, v] of Object.entries(venues)) {
      const more =
        v.state === 'open' ? `probe in ${duration(v.retryInMs)}` : v.failures ? `${v.failures} failed` : ''
      rows.push([name, look(v.state, `breaker ${v.state}`), more])
    }
    this.list.replaceChildren(
      ...rows.map(([name, mark, more]) =>
        h(
          'div',
          {},
          h('dt', {}, name),
          h('dd', {}, mark, more ? h('span', { class: 'faint num' }, ` ${more}`) : null)
        )
      )
    )
  }
}

const describe = (fault) =>
  [
    fault.probability === null ? '' : `with probability ${fault.probability}`,
    fault.nth === null ? '' : `the call number ${fault.nth}`,
    fault.windowMs === null ? '' : `for ${duration(fault.windowMs)}`
  ]
    .filter(Boolean)
    .join(', ') || 'always'

export class Faults {
  #faults = []

  constructor({ api }) {
    this.api = api
    this.list = h('ul', { class: 'faults' })
    this.said = h('p', { class: 'said', role: 'status' })
    const field = (name, label, control) => {
      control.id = `fault-${name}`
      control.name = name
      return h('div', { class: 'field' }, h('label', { for: control.id }, label), control)
    }
    const select = (values) =>
      h(
        'select',
        {},
        values.map((v) => h('option', { value: v }, v.replaceAll('_', ' ')))
      )
    this.form = h(
      'form',
      { class: 'fault-form', onsubmit: (e) => this.#add(e) },
      field('venue', 'Venue', select(VENUES)),
      field('kind', 'Fault', select(KINDS)),
      field(
        'probability',
        'Probability',
        h('input', { type: 'text', inputmode: 'decimal', class: 'num', value: '0.5', autocomplete: 'off' })
      ),
      h('button', { type: 'submit' }, 'Add')
    )
    this.element = panel('Faults of the mock venues', { name: 'fault' }, this.list, this.form, this.said)
  }

  async read() {
    await this.#do(() => this.api.get('/api/sim/faults'))
  }

  async #do(ask) {
    try {
      this.#faults = (await ask()).faults
      setText(this.said, '')
      this.#show()
    } catch (failure) {
      setText(this.said, `Faults: ${problem(failure)}`)
    }
  }

  #put(faults) {
    return this.#do(() => this.api.send('PUT', '/api/sim/faults', { faults }))
  }

  #add(event) {
    event.preventDefault()
    const { venue, kind, probability } = Object.fromEntries(new FormData(this.form))
    this.#put([...this.#faults, { venue, kind, probability: Number(probability), nth: null, windowMs: null }])
  }

  #show() {
    const row = (fault, i) =>
      h(
        'li',
        {},
        h('strong', {}, fault.venue),
        ` ${fault.kind.replaceAll('_', ' ')}, ${describe(fault)} `,
        h(
          'button',
          {
            type: 'button',
            class: 'quiet small',
            'aria-label': `Remove ${fault.kind} of ${fault.venue}`,
            onclick: () => this.#put(this.#faults.filter((_, k) => k !== i))
          },
          'Remove'
        )
      )
    this.list.replaceChildren(
      ...(this.#faults.length
        ? this.#faults.map(row)
        : [h('li', { class: 'faint' }, 'None: the venues behave.')])
    )
  }
}
