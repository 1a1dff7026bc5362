// vitals.js - the figures above everything else.
import { group } from '../logic/amount.js'
import { duration, problem } from '../logic/words.js'
import { h, setHidden, setText } from './dom.js'

const count = (n) => (n === null || n === undefined ? '–' : group(n))

export class Vitals {
  constructor({ api, pulse }) {
    Object.assign(this, { api, pulse })
    this.values = new Map()
    const figure = (key, name, more) => {
      const value = h('span', {}, '–')
      this.values.set(key, value)
      return h('div', {}, h('dt', {}, name), h('dd', { class: 'num' }, value, more))
    }
    this.gauge = h('meter', { min: 0, max: 1, value: 0, 'aria-label': 'Starts used of the rate limit' })
    this.pause = h('button', { type: 'button', hidden: true, onclick: () => this.#switch() }, 'Pause')
    this.said = h('p', { class: 'said', role: 'status' })
    this.element = h(
      'section',
      { class: 'vitals', 'aria-label': 'Figures' },
      h(
        'dl',
        {},
        figure('waiting', 'Waiting'),
        figure('active', 'Running'),
        figure('delayed', 'Delayed'),
        figure('ended', 'Ended / s'),
        figure('oldest', 'Oldest'),
        figure('used', 'Starts used', this.gauge),
        figure('dead', 'Dead letters')
      ),
      this.pause,
      this.said
    )
  }

  async #switch() {
    try {
      await this.api.send('POST', this.pulse.queue?.paused ? '/queue/resume' : '/queue/pause')
      await this.pulse.readQueue()
      setText(this.said, '')
    } catch (failure) {
      setText(this.said, problem(failure))
    }
    this.show()
  }

  show() {
    const q = this.pulse.queue
    const set = (key, text) => setText(this.values.get(key), text)
    set('waiting', count(q?.waiting))
    set('active', count(q?.active))
    set('delayed', count(q?.delayed))
    set('ended', this.pulse.perSecond === null ? '–' : this.pulse.perSecond.toFixed(1))
    set('oldest', q?.oldestWaitingMs ? duration(q.oldestWaitingMs) : q ? 'none' : '–')
    set('dead', count(q?.deadLetters))
    this.#showLimit(q?.rateLimit)
    setHidden(this.pause, typeof q?.paused !== 'boolean')
    setText(this.pause, q?.paused ? 'Resume queue' : 'Pause queue')
    this.element.classList.toggle('paused', q?.paused === true)
  }

  #showLimit(limit) {
    const value = this.values.get('used')
    if (!limit || limit.limit === 0) {
      setText(value, limit ? 'no limit' : '–')
      setHidden(this.gauge, true)
      return
    }
    setHidden(this.gauge, false)
    setText(value, `${count(limit.usedInWindow)} / ${count(limit.limit)}`)
    this.gauge.max = limit.limit
    this.gauge.value = limit.usedInWindow
    this.gauge.title = `in any ${duration(limit.windowMs)}`
  }
}
