// The figures of scale.mjs as a table, each with its ratio, its target and what that comes to. Rounds in
// which others had the CPU are left out, and if there is no other there is no verdict.
import { DISTURBED_PCT } from './cpu.mjs'
import { number } from './report.mjs'
import { spread, spreadOf } from './stats.mjs'

const LISTENER_MAX_KIB = 8
const CLAIM_MAX = 1.5
const HISTORY_MAX = 1.3
const MEMORY_MAX = 1.1
const UNSEEN_MS = 10 // of what is asked for seldom
const SPREAD_MAX = 1.1 // beyond what the rounds without listeners were apart

export const CASES = {
  accept: 'POST, 64 connections',
  'get-recent': 'GET, one of the 1,000 newest',
  'get-read': 'GET, any order, read from PostgreSQL (`CACHE_TTL_S=0`)',
  'get-any': 'GET, any order',
  'list-first': 'list, first page',
  'list-deep': 'list, a page behind a cursor, anywhere',
  'list-failed': 'list, `status=failed`, 1 in 50',
  'list-rare': 'list, `tokenIn=BONK`, 1 in 100'
}
const NO_TARGET = ['get-any']
const SEEN = ['start', '/api/orders/stats', '/queue/stats', '/dlq', '/health', '/metrics']

// of() is the spread of a figure over the undisturbed rounds; good: there are some.
export function of(runs, key) {
  const quiet = runs.filter((run) => !(run.foreignPct >= DISTURBED_PCT))
  return { ...spreadOf(quiet.length ? quiet : runs, key), good: quiet.length > 0 }
}

const cell = ({ median, min, max }) =>
  min === max ? number(median) : `${number(median)} [${number(min)}..${number(max)}]`
const times = (ratio) => `${ratio.toFixed(2)}×`
const MISSED = '**missed**'
const verdict = (met, ...figures) =>
  figures.every(({ good }) => good ?? true) ? (met ? 'met' : MISSED) : 'none: disturbed'
const head = (text) => [`**${text}**`, '', '', '', '', '']

// compared() is a row; target and wanted are none where nothing is.
function compared(label, before, after, { more = false, most, slack = 0 } = {}) {
  const ratio = more ? before.median / after.median : after.median / before.median
  const figures = [label, cell(before), cell(after), times(ratio)]
  if (!most) return [...figures, '', '']
  const met = ratio <= most || (slack > 0 && after.median <= before.median + slack)
  const target = `≤ ${most}×${slack ? `, or ${slack} ms more` : ''}`
  return [...figures, target, verdict(met, before, after)]
}

// sized() is 10 k, 1 M.
export function sized(n) {
  if (n >= 1e6) return `${n / 1e6} M`
  return n >= 1e3 ? `${n / 1e3} k` : `${n}`
}

function idleRows({ listeners, kibEach, without, idle }) {
  const rows = [
    head(`Idle listeners: none, and ${sized(listeners)}`),
    [
      ...['memory for each, KiB', '', number(kibEach), '', `≤ ${LISTENER_MAX_KIB}`],
      verdict(kibEach <= LISTENER_MAX_KIB)
    ]
  ]
  for (const [key, label] of [
    ['postP99Ms', 'POST p99 of others, ms'],
    ['getP99Ms', 'GET p99 of others, ms'],
    ['statusP99Ms', 'published → listener p99 of others, ms']
  ]) {
    const [before, after] = [of(without.others, key), of(idle.others, key)]
    const met = after.median <= SPREAD_MAX * before.max
    const figures = compared(label, before, after).slice(0, 4)
    rows.push([...figures, 'no effect', verdict(met, before, after)])
  }
  const [before, after] = [without, idle].map(({ others }) => of(others, 'daemonCpuPct'))
  return [...rows, compared('CPU of oxd, % of one core', before, after)]
}

function waitingRows({ depths, changed }) {
  const base = depths.filter(({ depth }) => depth === depths[0].depth)
  const large = depths.at(-2)
  const runs = [base.flatMap((d) => d.runs), large.runs]
  const claims = [base, [large]].map((some) =>
    of(some.flatMap((d) => d.runs.map((r) => ({ ...r, us: r.scriptUs + d.statementUs }))), 'us')
  )
  const memory = [base, [large]].map((some) =>
    spread(some.map((d) => d.memory.anonymousKib / 1024))
  )
  const both = (key) => runs.map((some) => of(some, key))
  const most = { most: CLAIM_MAX }
  return [
    head(`Orders that wait: ${sized(base[0].depth)}, and ${sized(large.depth)}`),
    compared('claim of an order: script in Redis and statement in PostgreSQL, µs', ...claims, most),
    compared('… the script, µs', ...both('scriptUs'), most),
    compared('… the statement, µs', of(base, 'statementUs'), of([large], 'statementUs'), most),
    compared('life-cycle without delays, 10 workers, orders/s', ...both('perS'), { more: true }),
    compared('CPU per order, µs', ...both('cpuUs')),
    ['statements with another plan', '', String(changed.length), '', '0', verdict(!changed.length)],
    compared('memory of oxd, MiB', ...memory, { most: MEMORY_MAX })
  ]
}

function historyRows(sides) {
  const [few, many] = [sides[0], sides.at(-1)]
  const both = (name, key) => [few, many].map(({ runs }) => of(runs[name], key))
  const rows = [head(`Orders that ended: ${sized(few.n)}, and ${sized(many.n)}`)]
  for (const [name, title] of Object.entries(CASES)) {
    const most = NO_TARGET.includes(name) ? undefined : HISTORY_MAX
    rows.push(
      compared(`${title}: CPU, µs`, ...both(name, 'cpuUs'), { most }),
      compared(`${title}: a second`, ...both(name, 'perS'), { more: true, most }),
      compared(`${title}: p99, ms`, ...both(name, 'p99Ms'))
    )
  }
  for (const name of SEEN) {
    const label = name === 'start' ? 'start of oxd, median of 5, ms' : `\`${name}\`, slowest of 5, ms`
    rows.push(compared(label, ...both(name, 'ms'), { most: HISTORY_MAX, slack: UNSEEN_MS }))
  }
  const memory = [few, many].map(({ runs }) => spread(runs.memory.map((m) => m.anonymousKib / 1024)))
  return [...rows, compared('memory of oxd after all of it, MiB', ...memory, { most: MEMORY_MAX })]
}

// isWhole() tells whether all there is to be was measured, as far as the targets go.
export const isWhole = ({ idle, waiting, history }) =>
  idle?.listeners >= 1e4 && waiting?.depths.at(-2).depth >= 1e6 && history?.at(-1).n >= 1e7

// scaleRows() are those of the parts that there are figures of.
export function scaleRows({ idle, waiting, history }) {
  return [
    ...(idle ? idleRows(idle) : []),
    ...(waiting ? waitingRows(waiting) : []),
    ...(history ? historyRows(history) : [])
  ]
}

const line = (row) => `| ${row.join(' | ')} |`

export function scaleFile(rows, { idle, waiting, history }, machine, versions) {
  const missed = rows.filter((row) => row.at(-1) === MISSED).map(([label]) => label)
  const many = history.at(-1)
  const deep = waiting.depths.at(-2)
  const bytes = (many.bytes / 2 ** 30).toFixed(1)
  return `# What grows with ox, and what does not

Written by \`make scale\`. Median [min..max] of the rounds. What is measured and how:
[README.md](README.md#as-it-grows).

- Machine: ${machine}; services, servers and load generator share it.
- Rounds: ${idle.idle.others.length} with listeners, ${deep.runs.length} of orders that wait, ${many.runs.accept.length} beside a history.
- ox: ${versions.ox}
- Servers: ${versions.servers}
- ${sized(many.n)} orders of history are ${bytes} GiB of database, written in ${number(many.grownS)} s.
- ${sized(deep.depth)} waiting orders were in an empty Redis again after ${number(deep.restoredS)} s.
- Targets: ${missed.length ? `missed: ${missed.join('; ')}` : 'all met'}.

${line(['', 'few', 'many', 'many : few', 'target', ''])}
|---|---|---|---|---|---|
${rows.map(line).join('\n')}

![Cost beside a growing history](plots/scale-history.svg)

![Cost of a claim as orders wait](plots/scale-waiting.svg)

![What others notice of idle listeners](plots/scale-idle.svg)
`
}
