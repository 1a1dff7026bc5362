// dom.js - making elements. Text is always text: nothing here parses HTML.

const SVG = 'http://www.w3.org/2000/svg'

function fill(element, props, children) {
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value)
    else if (name === 'dataset') Object.assign(element.dataset, value)
    else if (name === 'vars') for (const [k, v] of Object.entries(value)) element.style.setProperty(`--${k}`, v)
    else element.setAttribute(name, value === true ? '' : value)
  }
  element.append(...children.flat(2).filter((c) => c !== null && c !== undefined && c !== false))
  return element
}

export const h = (tag, props = {}, ...children) => fill(document.createElement(tag), props, children)
export const svg = (tag, props = {}, ...children) => fill(document.createElementNS(SVG, tag), props, children)

// setText() leaves alone what is so already: no layout, and nothing read out again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text
}

export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden
}

// Rows keeps the children of parent in step with a list: made once for each key, updated, moved, removed.
export class Rows {
  #rows = new Map()

  constructor(parent, { key, make }) {
    this.parent = parent
    this.key = key
    this.make = make // item → {element, update(item)}
  }

  show(items) {
    const wanted = new Set(items.map(this.key))
    for (const [key, row] of this.#rows) {
      if (wanted.has(key)) continue
      row.element.remove()
      this.#rows.delete(key)
    }
    let next = this.parent.firstElementChild
    for (const item of items) {
      const key = this.key(item)
      let row = this.#rows.get(key)
      if (!row) this.#rows.set(key, (row = this.make(item)))
      row.update(item)
      if (row.element === next) next = next.nextElementSibling
      else this.parent.insertBefore(row.element, next)
    }
  }
}

// ── states ───────────────────────────────────────────────────────────────────────────────────────

// A form for each phase, so that nobody needs to tell colours apart.
const FORMS = {
  queued: () => [svg('circle', { cx: 6, cy: 6, r: 4.2, class: 'dashed' })],
  active: () => [
    svg('circle', { cx: 6, cy: 6, r: 4.2 }),
    svg('path', { d: 'M6 1.8a4.2 4.2 0 0 1 0 8.4z', class: 'solid' })
  ],
  succeeded: () => [svg('path', { d: 'M2 6.4 4.8 9 10 3.2' })],
  failed: () => [svg('path', { d: 'M2.6 2.6l6.8 6.8M9.4 2.6 2.6 9.4' })],
  cancelled: () => [svg('circle', { cx: 6, cy: 6, r: 4.2 }), svg('path', { d: 'M3.2 8.8l5.6-5.6' })]
}

export function chip(phase, word) {
  const icon = svg('svg', { viewBox: '0 0 12 12', width: 12, height: 12, 'aria-hidden': 'true' })
  const text = h('span', {}, word)
  const element = h('span', { class: 'chip', dataset: { phase } }, icon, text)
  const draw = () => icon.replaceChildren(...(FORMS[element.dataset.phase] ?? FORMS.queued)())
  draw()
  return {
    element,
    update(nextPhase, nextWord) {
      setText(text, nextWord)
      if (element.dataset.phase === nextPhase) return
      element.dataset.phase = nextPhase
      draw()
    }
  }
}

// ── small parts ──────────────────────────────────────────────────────────────────────────────────

// segmented() is a choice of one: options are [value, text], the first is chosen.
export function segmented({ name, legend, options, onchange, small = false }) {
  const radios = options.map(([value, text], i) => {
    const radio = h('input', { type: 'radio', name, value, checked: i === 0, onchange: () => onchange(value) })
    return h('label', {}, radio, h('span', {}, text))
  })
  return h(
    'fieldset',
    { class: small ? 'segmented small' : 'segmented' },
    h('legend', { class: 'unseen' }, legend),
    radios
  )
}

// panel() is a part of the page under a heading, with what stands beside that.
export const panel = (title, { beside = [], name = '' } = {}, ...children) =>
  h(
    'section',
    { class: `panel ${name}`, 'aria-label': title },
    h('div', { class: 'panel-head' }, h('h2', {}, title), beside),
    ...children
  )

// head() is a table's; the names of figures begin with a space.
export const head = (...names) =>
  h(
    'thead',
    {},
    h(
      'tr',
      {},
      names.map((name) => {
        const text = name.trim()
        return h('th', { scope: 'col', class: name === text ? '' : 'num' }, text)
      })
    )
  )

export const time = (iso, text) => h('time', { datetime: iso }, text)

// copyable() is a long word, with a button that copies all of it.
export function copyable(text, what) {
  const button = h('button', { type: 'button', class: 'quiet small', 'aria-label': `Copy ${what}` }, 'Copy')
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text)
      button.textContent = 'Copied'
    } catch {
      button.textContent = 'Not allowed'
    }
    setTimeout(() => (button.textContent = 'Copy'), 1500)
  })
  return h('span', { class: 'copyable' }, h('code', {}, text), button)
}
