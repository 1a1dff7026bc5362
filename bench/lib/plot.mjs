// Plots as SVG, drawn by Vega-Lite without a browser: bars with their spread, stacked bars, lines. They
// bring their own background and follow the reader's light or dark.
import { writeFileSync } from 'node:fs'
import * as vega from 'vega'
import { compile } from 'vega-lite'

// Each colour in light and in dark. Series take theirs in the order in which they are named.
const INK = ['#24292f', '#e6edf3']
const QUIET = ['#6e7781', '#9198a1']
const LINES = ['#d0d7de', '#3d444d']
const GROUND = ['#ffffff', '#0d1117']
const SERIES = [
  ['#0969da', '#58a6ff'],
  ['#bf8700', '#d29922'],
  ['#1a7f37', '#3fb950'],
  ['#8250df', '#bc8cff'],
  ['#cf222e', '#ff7b72']
]

const DARK = [INK, QUIET, LINES, GROUND, ...SERIES]
  .flatMap(([light, dark]) => ['fill', 'stroke'].map((of) => `[${of}="${light}"]{${of}:${dark}}`))
  .join('')
const STYLE = `<style>@media (prefers-color-scheme:dark){${DARK}}</style>`

const axis = {
  labelColor: QUIET[0],
  titleColor: INK[0],
  titleFontWeight: 'normal',
  gridColor: LINES[0],
  domainColor: LINES[0],
  tickColor: LINES[0]
}
const CONFIG = {
  background: GROUND[0],
  padding: 16,
  font: 'system-ui, sans-serif',
  view: { stroke: null },
  axis,
  legend: { labelColor: INK[0], title: null, orient: 'top', symbolOpacity: 1 },
  title: { color: INK[0], subtitleColor: QUIET[0], anchor: 'start', offset: 12 },
  range: { category: SERIES.map(([light]) => light) }
}
const WIDTH = 520
const NO_TICKS = { ticks: false, domain: false, grid: false, labelLimit: 320, labelPadding: 6 }
const COUNT = 'format(datum.value, datum.value >= 1000 ? ",.0f" : ".3~r")'

// writePlot() draws a specification, one of those below or any other of Vega-Lite's, to a file.
export async function writePlot(file, spec) {
  const full = { $schema: 'https://vega.github.io/schema/vega-lite/v6.json', ...spec }
  const { spec: drawing } = compile(full, { config: CONFIG })
  const view = new vega.View(vega.parse(drawing), { renderer: 'none', logLevel: vega.Warn })
  const svg = await view.toSVG()
  view.finalize()
  writeFileSync(file, `${svg.replace(/<svg[^>]*>/, (head) => head + STYLE)}\n`)
}

const titled = (title, subtitle) => ({ title: { text: title, subtitle: subtitle ?? '' } })
const inOrder = (values, key) => [...new Set(values.map((v) => v[key]))]
const colour = (values) => ({
  field: 'series',
  scale: { domain: inOrder(values, 'series') },
  legend: inOrder(values, 'series').length > 1 ? {} : null
})

// bars() is one panel for each `panel`, with an axis of its own, and in it a bar for each `bar` from 0 to
// `value`, and a line from `min` to `max`. values: [{ panel, bar, series, value, min, max }]; one of
// bar and series may be left out and is the other then. The unit stands below the last panel.
export function bars({ title, subtitle, unit, values }) {
  const all = values.map((v) => ({ bar: v.series, series: v.bar, ...v }))
  const panel = (name, i, names) => {
    const across = (field) => ({
      ...{ field, type: 'quantitative', axis: { tickCount: 6 } },
      title: i === names.length - 1 ? unit : null
    })
    return {
      title: { text: name, fontSize: 12, fontWeight: 'normal', offset: 6, frame: 'group' },
      data: { values: all.filter((v) => v.panel === name) },
      width: WIDTH,
      height: { step: 18 },
      encoding: { y: { field: 'bar', sort: null, title: null, axis: NO_TICKS } },
      layer: [
        {
          mark: { type: 'bar', height: 13 },
          encoding: { x: across('value'), color: colour(all) }
        },
        {
          mark: { type: 'rule', color: INK[0], strokeWidth: 1.5 },
          encoding: { x: across('min'), x2: { field: 'max' } }
        },
        {
          mark: { type: 'text', align: 'left', dx: 6, color: INK[0], fontSize: 11 },
          transform: [{ calculate: COUNT, as: 'text' }],
          encoding: { x: across('max'), text: { field: 'text' } }
        }
      ]
    }
  }
  return { ...titled(title, subtitle), spacing: 8, vconcat: inOrder(values, 'panel').map(panel) }
}

// stacks() is a bar for each `bar`, of pieces by `series`. values: [{ bar, series, value }].
export function stacks({ title, subtitle, unit, values }) {
  return {
    ...titled(title, subtitle),
    data: { values },
    width: WIDTH,
    height: { step: 24 },
    mark: 'bar',
    encoding: {
      y: { field: 'bar', sort: null, title: null, axis: NO_TICKS },
      x: { field: 'value', type: 'quantitative', title: unit },
      order: { field: 'place' },
      color: colour(values)
    },
    transform: [
      {
        calculate: `indexof(${JSON.stringify(inOrder(values, 'series'))}, datum.series)`,
        as: 'place'
      }
    ]
  }
}

// lines() is a line for each series through `value` over `x`, and its spread from `min` to `max` behind
// it. values: [{ series, x, value, min?, max? }]; x and y: { title, log? }.
export function lines({ title, subtitle, x, y, values }) {
  const scale = ({ log }) => (log ? { type: 'log' } : { zero: true })
  const vertical = { type: 'quantitative', title: y.title, scale: scale(y) }
  return {
    ...titled(title, subtitle),
    data: { values },
    width: WIDTH,
    height: 260,
    encoding: {
      x: {
        ...{ field: 'x', type: 'quantitative', title: x.title, scale: scale(x) },
        axis: x.log ? { values: inOrder(values, 'x'), format: '~s' } : {}
      },
      color: colour(values)
    },
    layer: [
      {
        mark: { type: 'area', opacity: 0.2 },
        encoding: { y: { field: 'min', ...vertical }, y2: { field: 'max' } }
      },
      { mark: { type: 'line', point: true }, encoding: { y: { field: 'value', ...vertical } } }
    ]
  }
}
