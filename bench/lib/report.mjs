// The figures as a table: for the terminal, and for RESULTS.md.
import { spread } from './stats.mjs'

export function number(x) {
  if (Math.abs(x) >= 10_000) return `${(x / 1000).toFixed(1)}k`
  if (Math.abs(x) >= 100) return x.toFixed(0)
  return x.toFixed(Math.abs(x) >= 10 ? 1 : 2)
}

const cell = ({ median, min, max }) => `${number(median)} [${number(min)}..${number(max)}]`

// ratio() says how many times better ox is.
function ratio(figure, ox, peer) {
  if (figure.part) return ''
  const times = figure.more ? ox.median / peer.median : peer.median / ox.median
  return Number.isFinite(times) ? `${times.toFixed(1)}×` : ''
}

const spreadOf = (runs, key) => spread(runs.map((run) => run[key]))

function rowsOf(name, { title, figures }, runs) {
  const foreign = (side) => `${number(Math.max(...runs[side].map((r) => r.foreignPct)))} %`
  const rows = [[`${title} (${name})`, '', '', '']]
  for (const figure of figures) {
    const [ox, peer] = ['ox', 'peer'].map((side) => spreadOf(runs[side], figure.key))
    rows.push([`  ${figure.label}`, cell(ox), cell(peer), ratio(figure, ox, peer)])
  }
  rows.push(['  others had of the CPU, at most', foreign('ox'), foreign('peer'), ''])
  return rows
}

// tableOf() gives the rows for all cases that have runs of both sides.
export function tableOf(cases, results) {
  const rows = []
  for (const [name, runs] of Object.entries(results))
    if (runs.ox?.length && runs.peer?.length) rows.push(...rowsOf(name, cases[name], runs))
  return rows
}

const HEAD = ['', 'ox', 'peer', 'ox is better by']

export function forTerminal(rows) {
  const widths = HEAD.map((_, i) => Math.max(...[HEAD, ...rows].map((row) => row[i].length)))
  const line = (row) => row.map((text, i) => text.padEnd(widths[i])).join('  ').trimEnd()
  return [HEAD, ...rows].map(line).join('\n')
}

export function forMarkdown(rows) {
  const line = (row) => `| ${row.join(' | ')} |`
  const body = rows.map(([label, ...cells]) =>
    line([label.startsWith('  ') ? label.trim() : `**${label}**`, ...cells])
  )
  return [line(HEAD), '|---|---|---|---|', ...body].join('\n')
}
