// workers.js - the worker map: of each process the slots, what each runs, in which stage, since when.
import { duration, shortId } from '../logic/words.js'
import { h, panel, Rows, setHidden, setText } from './dom.js'

function makeSlot() {
  const slot = h('span', { class: 'slot num' })
  const order = h('a', {}, h('code'))
  const stage = h('span', { class: 'stage' })
  const age = h('span', { class: 'num faint' })
  const element = h('li', {}, slot, order, stage, age)
  return {
    element,
    update(s) {
      element.dataset.busy = String(s.busy)
      setText(slot, String(s.slot))
      setHidden(order, !s.busy)
      if (s.busy) order.href = `#/orders/${s.orderId}`
      setText(order.firstChild, s.busy ? shortId(s.orderId) : '')
      setText(stage, s.busy ? `${s.stage}${s.attempt > 1 ? `, try ${s.attempt}` : ''}` : 'idle')
      setText(age, s.busy ? duration(s.ageMs) : '')
    }
  }
}

function makeProcess({ worker }) {
  const list = h('ol', { class: 'workers', 'aria-label': `Slots of ${worker}` })
  const slots = new Rows(list, { key: (s) => s.slot, make: makeSlot })
  const element = h('div', {}, h('p', { class: 'process faint' }, worker), list)
  return { element, update: (process) => slots.show(process.slots) }
}

export class Workers {
  constructor({ pulse }) {
    this.pulse = pulse
    const all = h('div', { class: 'processes' })
    this.processes = new Rows(all, { key: (p) => p.worker, make: makeProcess })
    this.busy = h('span', { class: 'faint num' })
    this.note = h('p', { class: 'faint', hidden: true })
    this.element = panel('Workers', { beside: [this.busy], name: 'half' }, all, this.note)
  }

  show() {
    const map = this.pulse.workers
    this.processes.show(map?.workers ?? [])
    setText(this.busy, map?.slots ? `${map.busy} of ${map.slots} busy` : '')
    setText(this.note, this.#note(map))
    setHidden(this.note, this.note.textContent === '')
  }

  #note(map) {
    if (this.pulse.why.workers) return `Not available: ${this.pulse.why.workers.message}`
    if (map && !map.complete) return 'Redis is away: other processes are not shown.'
    return map?.slots === 0 ? 'No worker process runs.' : ''
  }
}
