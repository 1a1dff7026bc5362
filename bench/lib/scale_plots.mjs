// What scale.mjs found, as plots beside SCALE.md.
import { mkdirSync } from 'node:fs'
import { bars, lines, writePlot } from './plot.mjs'
import { CASES, sized } from './scale_report.mjs'
import { spread } from './stats.mjs'

const PLOTTED = ['accept', 'get-recent', 'get-read', 'list-first', 'list-deep']

const bounded = ({ median, min, max }) => ({ value: median, min, max })

function historyPlot(sides) {
  const values = PLOTTED.flatMap((name) => {
    const base = spread(sides[0].runs[name].map((run) => run.cpuUs)).median
    return sides.map(({ n, runs }) => ({
      series: CASES[name].replaceAll('`', ''),
      x: n,
      ...bounded(spread(runs[name].map((run) => run.cpuUs / base)))
    }))
  })
  return lines({
    title: `CPU of a request, as a multiple of that beside ${sized(sides[0].n)} orders`,
    subtitle: 'oxd, PostgreSQL and Redis together',
    x: { title: 'orders that ended', log: true },
    y: { title: 'times' },
    values
  })
}

function waitingPlot({ depths }) {
  const values = depths.slice(0, -1).flatMap(({ depth, runs, statementUs }) => [
    {
      series: 'script in Redis',
      x: depth,
      ...bounded(spread(runs.map((run) => run.scriptUs)))
    },
    { series: 'statement in PostgreSQL', x: depth, ...bounded(spread([statementUs])) }
  ])
  return lines({
    title: 'What claiming an order takes',
    x: { title: 'orders that wait', log: true },
    y: { title: 'µs' },
    values
  })
}

function idlePlot({ listeners, without, idle }) {
  const sides = { 'no idle listener': without, [`${sized(listeners)} of them`]: idle }
  const values = [
    ['POST', 'postP99Ms'],
    ['GET', 'getP99Ms'],
    ['published → listener', 'statusP99Ms']
  ].flatMap(([panel, key]) =>
    Object.entries(sides).map(([series, { others }]) => ({
      panel,
      series,
      ...bounded(spread(others.map((run) => run[key])))
    }))
  )
  return bars({ title: 'p99 of others, at 100 orders/s', unit: 'ms', values })
}

export async function plotScale(dir, { idle, waiting, history }) {
  mkdirSync(dir, { recursive: true })
  await writePlot(`${dir}/scale-history.svg`, historyPlot(history))
  await writePlot(`${dir}/scale-waiting.svg`, waitingPlot(waiting))
  await writePlot(`${dir}/scale-idle.svg`, idlePlot(idle))
}
