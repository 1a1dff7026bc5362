// What ox is to reach, and whether it has: of each target a figure for each round, from runs that took
// turns in it. The verdict is on the median of the rounds in which none of those runs was disturbed.
import { DISTURBED_PCT } from './cpu.mjs'
import { spread } from './stats.mjs'

const LOADED = ['loaded1', 'loaded2', 'loaded4']

const times = (x) => `${x.toFixed(1)}×`
const percent = (x) => `${(100 * x).toFixed(1)} %`
const ms = (x) => `${x.toFixed(2)} ms`

// of() gets a function that gives the round's run of a case by a side.
const rateOf = (name) => ({
  show: times,
  of: (run) => run(name, 'ox').perS / run(name, 'peer').perS
})
const cpuOf = (name) => ({
  show: percent,
  of: (run) => run(name, 'ox').totalCpuUs / run(name, 'peer').totalCpuUs
})
const figureOf = (name, key) => ({ show: ms, of: (run) => run(name, 'ox')[key] })

const mostRows = (limit) => Math.max(...LOADED.map((key) => limit[key]))
const ofRawRows = {
  show: percent,
  of: (run) => run('accept', 'ox').perS / mostRows(run('limit-rows', 'raw'))
}
const commitP99 = { show: ms, of: (run) => run('limit-commit', 'raw').commitP99Ms }
const chain = (run) => run('limit-chain', 'raw').chainPerS
const chainOf = { show: times, of: (run) => chain(run) / run('life-10', 'peer').perS }
const ofChain = { show: percent, of: (run) => run('life-10', 'ox').perS / chain(run) }

const TARGETS = [
  { what: 'accept, rate of the peer’s', least: 10, ...rateOf('accept') },
  { what: 'accept over 256 connections, rate of the peer’s', least: 10, ...rateOf('accept-256') },
  { what: 'accept, rows/s of PostgreSQL’s own beside the load', least: 0.6, ...ofRawRows },
  { what: 'life-cycle at concurrency 100, rate of the peer’s', least: 10, ...rateOf('life-100') },
  { what: 'life-cycle at concurrency 10, rate of the peer’s', least: 10, ...rateOf('life-10') },
  { what: '… what its commits, one after another, would allow', ...chainOf },
  { what: '… and how much of that it is', ...ofChain },
  { what: 'GET, rate of the peer’s', least: 5, ...rateOf('get') },
  { what: 'CPU per order at concurrency 100, of the peer’s', most: 1 / 8, ...cpuOf('life-100') },
  { what: 'CPU per order at concurrency 10, of the peer’s', most: 1 / 8, ...cpuOf('life-10') },
  {
    what: 'commit → listener p50 at 100 orders/s',
    most: 1,
    ...figureOf('latency-100', 'rowP50Ms')
  },
  {
    what: 'commit → listener p99 at 100 orders/s',
    most: 5,
    ...figureOf('latency-100', 'rowP99Ms')
  },
  { what: 'POST p99 at 100 orders/s', most: 5, ...figureOf('latency-100', 'postP99Ms') },
  { what: '… that of a commit of one row, by PostgreSQL alone', ...commitP99 }
]

// figures() has one for each round that has all it needs, and whether that was disturbed.
function figures({ of }, results) {
  const found = []
  for (let round = 0; ; round++) {
    const used = []
    const take = (name, side) => used[used.push(results[name]?.[side]?.[round]) - 1] ?? {}
    const figure = of(take)
    if (used.includes(undefined)) return found
    const disturbed = used.some((run) => run.foreignPct >= DISTURBED_PCT)
    if (Number.isFinite(figure)) found.push({ figure, disturbed })
  }
}

function verdict({ least, most }, median, good) {
  if (least === undefined && most === undefined) return ''
  if (good.length === 0) return 'none: disturbed'
  return median >= (least ?? -Infinity) && median <= (most ?? Infinity) ? 'met' : '**missed**'
}

function wanted({ least, most, show }) {
  if (least !== undefined) return `≥ ${show(least)}`
  return most === undefined ? '' : `≤ ${show(most)}`
}

function row(target, found) {
  const good = found.filter(({ disturbed }) => !disturbed)
  const { median, min, max } = spread((good.length ? good : found).map(({ figure }) => figure))
  const measured = `${target.show(median)} [${target.show(min)}..${target.show(max)}]`
  const rounds = `${good.length} of ${found.length}`
  return [target.what, wanted(target), measured, rounds, verdict(target, median, good)]
}

// verdicts() is a table of the targets that the runs tell something of.
export function verdicts(results) {
  const known = TARGETS.map((target) => [target, figures(target, results)])
  return {
    head: ['target', 'wanted', 'measured', 'undisturbed rounds', 'verdict'],
    rows: known.filter(([, found]) => found.length).map(([target, found]) => row(target, found))
  }
}
