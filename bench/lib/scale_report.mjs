// The figures of scale.mjs as a table, each with its ratio, its target and what that comes to.
import { number } from './report.mjs'
import { spread } from './stats.mjs'

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

const of = (runs, key) => spread(runs.map((run) => run[key]))
const cell = ({ median, min, max }) =>
  min === max ? number(median) : `${number(median)} [${number(min)}..${number(max)}]`
const times = (ratio) => `${ratio.toFixed(2)}×`
const verdict = (met) => (met ? 'met' : '**missed**')
const head = (text) => [`**${text}**`, '', '', '', '', '']

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
    rows.push([
      ...[label, cell(before), cell(after), times(after.median / before.median)],
      ...['no effect', verdict(met)]
    ])
  }
  const cpu = [of(without.others, 'daemonCpuPct'), of(idle.others, 'daemonCpuPct')]
  return [...rows, ['CPU of oxd, % of one core', ...cpu.map(cell), '', '', '']]
}

function waitingRows({ depths, changed }) {
  const base = depths.filter(({ depth }) => depth === depths[0].depth)
  const large = depths.at(-2)
  const runs = [base.flatMap((d) => d.runs), large.runs]
  const claims = [base, [large]].map((some) =>
    spread(some.flatMap((d) => d.runs.map((run) => run.scriptUs + d.statementUs)))
  )
  const row = (label, [before, after], target = '', more = false) => {
    const ratio = more ? before.median / after.median : after.median / before.median
    const met = target && verdict(ratio <= target)
    return [label, cell(before), cell(after), times(ratio), target && `≤ ${target}×`, met]
  }
  const memory = [base, [large]].map((some) =>
    spread(some.map((d) => d.memory.anonymousKib / 1024))
  )
  return [
    head(`Orders that wait: ${sized(base[0].depth)}, and ${sized(large.depth)}`),
    row('claim, for each order: script in Redis and statement in PostgreSQL, µs', claims, CLAIM_MAX),
    row('… the script, µs', runs.map((r) => of(r, 'scriptUs')), CLAIM_MAX),
    row('… the statement, µs', [of(base, 'statementUs'), of([large], 'statementUs')], CLAIM_MAX),
    row('life-cycle without delays, 10 workers, orders/s', runs.map((r) => of(r, 'perS')), '', true),
    row('CPU per order, µs', runs.map((r) => of(r, 'cpuUs'))),
    ['statements with another plan', '', String(changed.length), '', '0', verdict(!changed.length)],
    row('memory of oxd, MiB', memory, MEMORY_MAX)
  ]
}

function historyRows(sides) {
  const [few, many] = [sides[0], sides.at(-1)]
  const rows = [head(`Orders that ended: ${sized(few.n)}, and ${sized(many.n)}`)]
  for (const [name, title] of Object.entries(CASES)) {
    for (const [key, label, more] of [
      ['perS', '/s', true],
      ['cpuUs', ', CPU µs', false],
      ['p99Ms', ', p99 ms', false]
    ]) {
      const [before, after] = [of(few.runs[name], key), of(many.runs[name], key)]
      const ratio = more ? before.median / after.median : after.median / before.median
      const bound = key !== 'p99Ms' && !NO_TARGET.includes(name)
      rows.push([
        ...[`${title}${label}`, cell(before), cell(after), times(ratio)],
        ...(bound ? [`≤ ${HISTORY_MAX}×`, verdict(ratio <= HISTORY_MAX)] : ['', ''])
      ])
    }
  }
  for (const name of SEEN) {
    const [before, after] = [of(few.runs[name], 'ms'), of(many.runs[name], 'ms')]
    const met = after.median <= Math.max(HISTORY_MAX * before.median, before.median + UNSEEN_MS)
    const label = name === 'start' ? 'start of oxd, ms' : `\`${name}\`, slowest of 5, ms`
    rows.push([
      ...[label, cell(before), cell(after), times(after.median / before.median)],
      ...[`≤ ${HISTORY_MAX}×, or ${UNSEEN_MS} ms more`, verdict(met)]
    ])
  }
  const mib = (side) => spread(side.runs.memory.map((m) => m.anonymousKib / 1024))
  const ratio = mib(many).median / mib(few).median
  rows.push([
    ...['memory of oxd after all of it, MiB', cell(mib(few)), cell(mib(many)), times(ratio)],
    ...[`≤ ${MEMORY_MAX}×`, verdict(ratio <= MEMORY_MAX)]
  ])
  return rows
}

// scaleRows() are those of the parts that there are figures of.
export function scaleRows({ idle, waiting, history }) {
  return [
    ...(idle ? idleRows(idle) : []),
    ...(waiting ? waitingRows(waiting) : []),
    ...(history ? historyRows(history) : [])
  ]
}

const line = (row) => `| ${row.join(' | ')} |`

export function scaleFile(rows, { waiting, history }, machine, versions) {
  const missed = rows.filter((row) => row.at(-1) === verdict(false)).map(([label]) => label)
  const many = history.at(-1)
  const deep = waiting.depths.at(-2)
  const bytes = (many.bytes / 2 ** 30).toFixed(1)
  return `# What grows with ox, and what does not

Written by \`make scale\`. Median [min..max] of the rounds. What is measured and how:
[README.md](README.md#as-it-grows).

- Machine: ${machine}; services, servers and load generator share it.
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
