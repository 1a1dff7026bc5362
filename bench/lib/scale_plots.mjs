// What scale.mjs found, as plots beside SCALE.md.
import { mkdirSync } from 'node:fs'
import { bars, lines, writePlot } from './plot.mjs'
import { of, sized } from './scale_report.mjs'

const PLOTTED = {
  accept: 'POST',
  'get-recent': 'GET, a new one',
  'get-read': 'GET, any, uncached',
  'list-first': 'list, first page',
  'list-deep': 'list, anywhere'
}

const bounded = ({ median, min, max }) => ({ value: median, min, max })

function historyPlot(sides) {
  const values = Object.entries(PLOTTED).flatMap(([name, series]) => {
    const base = of(sides[0].runs[name], 'cpuUs').median
    const ratios = (runs) => runs.map((run) => ({ ...run, times: run.cpuUs / base }))
    return sides.map(({ n, runs }) => ({ series, x: n, ...bounded(of(ratios(runs[name]), 'times')) }))
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
  const values = [...new Set(depths.map(({ depth }) => depth))].flatMap((x) => {
    const same = depths.filter(({ depth }) => depth === x)
    const scripts = of(same.flatMap(({ runs }) => runs), 'scriptUs')
    return [
      { series: 'Redis: script', x, ...bounded(scripts) },
      { series: 'PostgreSQL: SQL', x, ...bounded(of(same, 'statementUs')) }
    ]
  })
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
      ...bounded(of(others, key))
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
