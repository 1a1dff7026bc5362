// The plots of a run. What was not measured is left out, and a plot of nothing is not drawn.
import { CASES } from './cases.mjs'
import { bars, stacks, writePlot } from './plot.mjs'
import { spreadOf } from './stats.mjs'
import { IN_FLIGHT } from './limits.mjs'

const SIDES = ['ox', 'peer']
const RATES = [
  'accept',
  'accept-256',
  'get',
  'life-10',
  'life-100',
  'life-split-10',
  'life-split-100'
]
const COSTS = ['accept', 'accept-256', 'life-10', 'life-100', 'life-split-10', 'life-split-100']
const LATENCIES = ['latency-100', 'latency-10']
const PARTS = { daemon: 'service', postgres: 'PostgreSQL', redis: 'Redis' }
const DELAYS = {
  row: 'row written → listener',
  published: 'published → listener',
  post: 'POST'
}

// bar() is a bar of the figure over the runs; none when it was not measured.
function bar(panel, name, runs, key) {
  if (!runs?.every((run) => key in run)) return []
  const { median, min, max } = spreadOf(runs, key)
  return [{ panel, bar: name, value: median, min, max }]
}

function rates(results) {
  const values = RATES.flatMap((name) =>
    SIDES.flatMap((side) => bar(CASES[name].title, side, results[name]?.[side], 'perS'))
  )
  return bars({ title: 'Rate', unit: 'per second', values })
}

function latencies(results) {
  const values = LATENCIES.flatMap((name) =>
    Object.entries(DELAYS).flatMap(([key, label]) =>
      ['P50', 'P99'].flatMap((q) =>
        SIDES.flatMap((side) => {
          const panel = `${CASES[name].title}: ${label}`
          const drawn = bar(
            panel,
            `${q.toLowerCase()}, ${side}`,
            results[name]?.[side],
            `${key}${q}Ms`
          )
          return drawn.map((b) => ({ ...b, series: side }))
        })
      )
    )
  )
  return bars({ title: 'Latency', unit: 'ms', values })
}

function costs(results) {
  const values = COSTS.flatMap((name) =>
    SIDES.flatMap((side) =>
      Object.entries(PARTS).flatMap(([key, series]) =>
        bar('', `${name}, ${side}`, results[name]?.[side], `${key}CpuUs`).map((b) => ({
          ...b,
          series
        }))
      )
    )
  )
  return stacks({ title: 'CPU per order', unit: 'µs', values })
}

function limits(results) {
  const { accept, get, 'life-10': life } = results
  const { 'limit-rows': rows, 'limit-chain': chain, 'limit-http': http } = results
  const inserted = (key, where) =>
    IN_FLIGHT.flatMap((n) =>
      bar('Rows/s into PostgreSQL', `${where}, ${n} in flight`, rows?.raw, key + n)
    )
  const panels = [
    ...bar('Rows/s into PostgreSQL', 'ox, accept', accept?.ox, 'perS'),
    ...inserted('loaded', 'pgbench beside the load'),
    ...inserted('alone', 'pgbench'),
    ...bar('POST, answers/s', 'ox, accept', accept?.ox, 'perS'),
    ...bar('POST, answers/s', 'libwebsockets', http?.raw, 'postPerS'),
    ...bar('GET, answers/s', 'ox, get', get?.ox, 'perS'),
    ...bar('GET, answers/s', 'libwebsockets', http?.raw, 'getPerS'),
    ...bar('Orders/s, 10 at a time', 'ox, life-10', life?.ox, 'perS'),
    ...bar('Orders/s, 10 at a time', 'their commits alone', chain?.raw, 'chainPerS')
  ]
  const values = panels.map((b) => ({
    ...b,
    series: b.bar.startsWith('ox') ? 'ox' : 'the machine'
  }))
  return bars({ title: 'ox and what the machine takes', unit: 'per second', values })
}

const PICTURES = { rates, latencies, costs, limits }

// drawPictures() gives the plots that it has drawn: [{ file, title }].
export async function drawPictures(folder, results) {
  const drawn = []
  for (const [name, draw] of Object.entries(PICTURES)) {
    const spec = draw(results)
    if (!(spec.vconcat ?? spec.data.values).length) continue
    await writePlot(`${folder}/${name}.svg`, spec)
    drawn.push({ file: `${name}.svg`, title: spec.title.text })
  }
  return drawn
}
