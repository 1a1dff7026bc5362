// The figures as tables, for the terminal and for Markdown: { head, rows }. A row that begins with a blank
// belongs to the one above it that does not.
import { spread, spreadOf } from './stats.mjs'

export function number(x) {
  if (Math.abs(x) >= 10_000) return `${(x / 1000).toFixed(1)}k`
  if (Math.abs(x) >= 100) return x.toFixed(0)
  return x.toFixed(Math.abs(x) >= 10 ? 1 : 2)
}

const cell = ({ median, min, max }) => `${number(median)} [${number(min)}..${number(max)}]`

// ratio() says how many times better ox is, round by round.
function ratio({ key, more, part }, ox, peer) {
  if (part) return ''
  const rounds = ox
    .slice(0, peer.length)
    .map((run, i) => (more ? run[key] / peer[i][key] : peer[i][key] / run[key]))
  const { median, min, max } = spread(rounds)
  return Number.isFinite(median)
    ? `${median.toFixed(1)}× [${min.toFixed(1)}..${max.toFixed(1)}]`
    : ''
}

const OTHERS = '  others had of the CPU, at most'
const foreign = (runs) => `${number(Math.max(...runs.map((r) => r.foreignPct)))} %`

function caseRows(name, { title, figures }, { ox, peer }) {
  const rows = figures.map((figure) => {
    const [ours, theirs] = [ox, peer].map((runs) => spreadOf(runs, figure.key))
    return [`  ${figure.label}`, cell(ours), cell(theirs), ratio(figure, ox, peer)]
  })
  return [[`${title} (${name})`, '', '', ''], ...rows, [OTHERS, foreign(ox), foreign(peer), '']]
}

// comparison() has the cases that have runs of both sides.
export function comparison(cases, results) {
  const measured = Object.keys(cases).filter((name) => results[name]?.ox && results[name]?.peer)
  return {
    head: ['', 'ox', 'peer', 'ox is better by'],
    rows: measured.flatMap((name) => caseRows(name, cases[name], results[name]))
  }
}

function limitRows(name, { title, figures }, { raw }) {
  const rows = figures
    .filter(({ key }) => key in raw[0])
    .map(({ key, label }) => [`  ${label}`, cell(spreadOf(raw, key))])
  return [[`${title} (${name})`, ''], ...rows, [OTHERS, foreign(raw)]]
}

export function limits(all, results) {
  const measured = Object.keys(all).filter((name) => results[name]?.raw)
  return {
    head: ['', 'the machine'],
    rows: measured.flatMap((name) => limitRows(name, all[name], results[name]))
  }
}

export function forTerminal({ head, rows }) {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i].length)))
  const line = (row) =>
    row
      .map((text, i) => text.padEnd(widths[i]))
      .join('  ')
      .trimEnd()
  return [head, ...rows].map(line).join('\n')
}

export function forMarkdown({ head, rows }) {
  const line = (row) => `| ${row.join(' | ')} |`
  const body = rows.map(([label, ...cells]) => {
    const leads = !label.startsWith('  ') && cells.every((text) => text === '')
    return line([leads ? `**${label}**` : label.trim(), ...cells])
  })
  return [line(head), `|${head.map(() => '---|').join('')}`, ...body].join('\n')
}
