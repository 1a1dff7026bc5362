// node bench/scale.mjs [--parts idle,waiting,history] …, under scripts/servers.sh: what grows with ox, and
// what does not. Each part leaves its figures in out/scale-PART.json; SCALE.md is made of all three, beside README.md
// when they are of full size, else in out/.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { growHistories, measureHistory } from './lib/history.mjs'
import { measureIdle } from './lib/idle.mjs'
import { describeMachine, describeVersions } from './lib/machine.mjs'
import { plotScale } from './lib/scale_plots.mjs'
import { isWhole, scaleFile, scaleRows } from './lib/scale_report.mjs'
import { ROOT } from './lib/service.mjs'
import { measureWaiting } from './lib/waiting.mjs'
import { openServers } from './lib/world.mjs'

const { values: flags } = parseArgs({
  options: {
    parts: { type: 'string', default: 'idle,waiting,history' },
    listeners: { type: 'string', default: '10000' },
    waiting: { type: 'string', default: '10000,100000,1000000' },
    history: { type: 'string', default: '10000,100000,1000000,10000000' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '4' },
    'idle-rounds': { type: 'string', default: '5' },
    'idle-seconds': { type: 'string', default: '15' },
    orders: { type: 'string', default: '5000' }
  }
})
const sizes = (text) => text.split(',').map(Number)
const rounds = Number(flags.rounds)
const seconds = Number(flags.seconds)
const waiting = { waiting: sizes(flags.waiting), rounds, orders: Number(flags.orders) }
const idle = {
  listeners: Number(flags.listeners),
  rounds: Number(flags['idle-rounds']),
  seconds: Number(flags['idle-seconds'])
}

const PARTS = {
  idle: (servers) => measureIdle(servers, idle),
  waiting: (servers) => measureWaiting(servers, waiting),
  grow: (servers) => growHistories(servers, sizes(flags.history)), // ahead, for servers that stay
  history: (servers) => measureHistory(servers, { history: sizes(flags.history), rounds, seconds })
}
const MEASURED = ['idle', 'waiting', 'history']
const parts = flags.parts.split(',')
for (const part of parts) if (!PARTS[part]) throw new Error(`no such part: ${part}`)

const out = `${ROOT}bench/out`
const fileOf = (part) => `${out}/scale-${part}.json`
mkdirSync(out, { recursive: true })

const servers = await openServers()
await servers.prepareLog()
const settings = await servers.settings()
for (const part of parts) {
  console.error(part)
  const figures = await PARTS[part](servers)
  if (MEASURED.includes(part)) writeFileSync(fileOf(part), JSON.stringify(figures, null, 1))
}
await servers.close()

const known = MEASURED.filter((part) => existsSync(fileOf(part)))
const results = Object.fromEntries(
  known.map((part) => [part, JSON.parse(readFileSync(fileOf(part)))])
)
const rows = scaleRows(results)
for (const row of rows) console.log(row.filter(Boolean).join('  '))
if (known.length === MEASURED.length && parts.some((part) => known.includes(part))) {
  const to = isWhole(results) ? `${ROOT}bench` : out
  const text = scaleFile(rows, results, describeMachine(), describeVersions(settings))
  writeFileSync(`${to}/SCALE.md`, text)
  await plotScale(`${to}/plots`, results)
}
