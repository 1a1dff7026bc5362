// plots.js - figures over time. uPlot draws on a canvas, so the colours come from the style sheet by hand,
// anew when the theme changes.
import uPlot from '../vendor/uplot/uPlot.esm.js'
import { duration } from '../logic/words.js'
import { STAGES } from '../logic/stages.js'
import { h, head, panel, setText } from './dom.js'

const TICKS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600] // labels have seconds, so no two are the same
const HEIGHT = 150
const DASHES = [[], [6, 4], [2, 3]]

// colours() of the style sheet, as they are in the theme of now.
function colours(...names) {
  const probe = h('span', { hidden: true })
  document.body.append(probe)
  const found = names.map((name) => {
    probe.style.color = `var(${name})`
    return getComputedStyle(probe).color
  })
  probe.remove()
  return found
}

class Plot {
  constructor({ title, labels, format, tick = format, series }) {
    Object.assign(this, { labels, format, tick, series })
    this.box = h('div', { class: 'plot-box' })
    this.now = h('span', { class: 'num faint' })
    this.name = h('span', {}, title)
    this.element = h(
      'figure',
      { class: 'plot' },
      h('figcaption', {}, this.name, this.now),
      this.box,
      labels.length > 1
        ? h(
            'ul',
            { class: 'keys' },
            labels.map((label, i) => h('li', { dataset: { line: i } }, label))
          )
        : null
    )
    new ResizeObserver(() => this.#fit()).observe(this.box)
  }

  #fit() {
    const width = Math.floor(this.box.clientWidth)
    if (width === 0) return
    if (this.plot) this.plot.setSize({ width, height: HEIGHT })
    else this.#make(width)
  }

  #make(width) {
    const [ink, faint, line, accent, wash] = colours('--ink', '--muted', '--line', '--accent', '--accent-wash')
    const font = '11px system-ui, sans-serif'
    const axis = { stroke: faint, font, grid: { stroke: line, width: 1 }, ticks: { show: false } }
    this.plot = new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [8, 16, 0, 0],
        legend: { show: false },
        cursor: { y: false, points: { show: false }, drag: { setScale: false } },
        scales: { y: { range: (_, min, max) => [0, max > 0 ? max * 1.15 : 1] } },
        axes: [
          { ...axis, size: 26, space: 70, incrs: TICKS_S, values: '{HH}:{mm}:{ss}', grid: { show: false } },
          { ...axis, size: 54, space: 34, values: (_, ticks) => ticks.map((v) => this.tick(v)) }
        ],
        series: [
          {},
          ...this.labels.map((label, i) => ({
            label,
            stroke: i === 0 ? accent : i === 1 ? ink : faint,
            width: i === 0 ? 1.75 : 1.25,
            dash: DASHES[i],
            fill: i === 0 && this.labels.length === 1 ? wash : undefined,
            points: { show: false },
            spanGaps: false
          }))
        ],
        hooks: { setCursor: [(u) => this.#say(u.cursor.idx)] }
      },
      this.series().columns,
      this.box
    )
    this.#say(null)
  }

  show() {
    if (!this.plot) return
    this.plot.setData(this.series().columns)
    this.#say(this.plot.cursor.idx)
  }

  // What is under the pointer, or the newest.
  #say(idx) {
    const columns = this.series().columns
    const i = idx ?? columns[0].length - 1
    const values = columns.slice(1).map((c) => (c[i] === null || c[i] === undefined ? '–' : this.format(c[i])))
    setText(this.now, values.join(' · '))
  }

  redraw() {
    this.plot?.destroy()
    this.plot = undefined
    this.#fit()
  }
}

// roughly() is a duration as short as a tick's label must be.
const roughly = (ms) =>
  ms >= 1000 || ms === 0 ? `${+(ms / 1000).toPrecision(3)} s` : `${+ms.toPrecision(2)} ms`
const small = (n) => (n >= 1000 ? `${+(n / 1000).toFixed(1)}k` : String(+n.toFixed(1)))

export class Plots {
  #stage = 'life'

  constructor({ pulse }) {
    this.pulse = pulse
    const figures =
      (...names) =>
      () => ({
        columns: [
          pulse.figures.columns[0],
          ...names.map((n) => pulse.figures.columns[pulse.figures.names.indexOf(n) + 1])
        ]
      })
    this.plots = [
      new Plot({ title: 'Orders ended / s', labels: ['ended'], format: small, series: figures('ended') }),
      new Plot({
        title: 'Queue depth',
        labels: ['waiting', 'running', 'delayed'],
        format: small,
        series: figures('waiting', 'active', 'delayed')
      }),
      new Plot({
        title: 'Oldest waiting',
        labels: ['age'],
        format: (s) => duration(s * 1000),
        tick: (s) => roughly(s * 1000),
        series: figures('oldest')
      }),
      new Plot({
        title: '',
        labels: ['p50', 'p95', 'p99'],
        format: duration,
        tick: roughly,
        series: () => pulse.latency(this.#stage)
      })
    ]
    this.table = this.#makeTable()
    this.#choose(this.#stage)
    this.element = panel(
      'Over time',
      {},
      h(
        'div',
        { class: 'plots' },
        this.plots.map((p) => p.element)
      )
    )
    this.stages = panel(
      'Stages',
      { beside: [h('span', { class: 'faint' }, 'last minute, this process')], name: 'half' },
      this.table,
      this.note
    )
  }

  #makeTable() {
    this.cells = new Map()
    this.note = h('p', { class: 'faint', hidden: true })
    const rows = STAGES.map(({ id, name, hint }) => {
      const cells = [0, 1, 2, 3].map(() => h('td', { class: 'num' }, '–'))
      this.cells.set(id, cells)
      const radio = h('input', {
        type: 'radio',
        name: 'stage',
        value: id,
        checked: id === this.#stage,
        onchange: () => this.#choose(id)
      })
      return h(
        'tr',
        {},
        h('th', { scope: 'row' }, h('label', {}, radio, name, h('span', { class: 'hint' }, hint))),
        cells
      )
    })
    return h('table', { class: 'stages' }, head('Stage', ' n', ' p50', ' p95', ' p99'), h('tbody', {}, rows))
  }

  #choose(id) {
    this.#stage = id
    setText(this.plots[3].name, `Stage: ${STAGES.find((s) => s.id === id).name.toLowerCase()}`)
    this.plots[3].show()
  }

  show() {
    for (const plot of this.plots) plot.show()
    const { stages, why } = this.pulse
    this.note.hidden = stages !== null || !why.stages
    setText(this.note, why.stages ? `Not available: ${why.stages.message}` : '')
    for (const [id, cells] of this.cells) {
      const { n = 0, ms = [null, null, null] } = stages?.get(id) ?? {}
      setText(cells[0], n ? String(n) : '–')
      ms.forEach((v, i) => setText(cells[i + 1], v === null ? '–' : duration(v)))
    }
  }

  redraw() {
    for (const plot of this.plots) plot.redraw()
  }
}
