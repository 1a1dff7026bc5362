// node bench/run.mjs [--rounds N] [--seconds N] [--minutes N] [--cases a,b] [--sides ox,peer] [--tries N],
// under scripts/servers.sh: measures ox, the peer and the raw limits, in turn, and prints how they
// compare. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CASES } from './lib/cases.mjs'
import { DISTURBED_PCT, meter } from './lib/cpu.mjs'
import { LIMITS } from './lib/limits.mjs'
import { describeMachine, describeVersions } from './lib/machine.mjs'
import { OUT, publish } from './lib/publish.mjs'
import { SIDES } from './lib/service.mjs'
import { openServers } from './lib/world.mjs'

const QUIET_S = 20

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '25' },
    cases: { type: 'string', default: Object.keys({ ...CASES, ...LIMITS }).join() },
    sides: { type: 'string', default: 'ox,peer' },
    tries: { type: 'string', default: '3' }
  }
})
const rounds = Number(flags.rounds)
const seconds = Number(flags.seconds)
const minutes = Number(flags.minutes)
const tries = Number(flags.tries)
const names = flags.cases.split(',')
for (const name of names)
  if (!CASES[name] && !LIMITS[name]) throw new Error(`no such case: ${name}`)

// ── keeping to the time ──────────────────────────────────────────────────────────────────────────

const sidesOf = (name) => (LIMITS[name] ? ['raw'] : flags.sides.split(','))
const runsPerRound = names.reduce((n, name) => n + sidesOf(name).length, 0)
const started = performance.now()
const minutesGone = () => (performance.now() - started) / 60_000
let done = 0

// Waiting and repeating is for those who are not late.
const late = () => minutesGone() > (minutes * (done + 1)) / (rounds * runsPerRound)
const roomForRound = (round) => round === 0 || minutesGone() * (1 + 1 / round) <= minutes

// ── measuring ────────────────────────────────────────────────────────────────────────────────────

// quiet() waits, not for ever, for a second in which others leave the machine to us.
async function quiet() {
  for (let i = 0; i < QUIET_S && !late(); i++) {
    const stop = meter({})
    await sleep(1000)
    if (stop().foreignPct < DISTURBED_PCT) return
  }
}

async function runOnce(servers, name, side, results) {
  const world = await servers.createWorld()
  try {
    if (LIMITS[name]) return await LIMITS[name].measure(world, seconds, results)
    return await CASES[name].measure(SIDES[side], world, seconds)
  } finally {
    await world.destroy()
  }
}

const failed = []

// attempt() gives nothing when the run failed, which the results tell.
async function attempt(servers, name, side, results) {
  try {
    const run = await runOnce(servers, name, side, results)
    const figures = Object.entries(run).map(([key, x]) => `${key} ${x.toPrecision(4)}`)
    console.error(`  ${name} ${side}: ${figures.join('  ')}`)
    return [run]
  } catch (err) {
    console.error(err)
    failed.push(`${name} ${side}: ${err.message.split('\n', 1)[0]}`)
    return []
  }
}

// runUndisturbed() repeats a run that failed, or in which others had too much of the CPU, and keeps the
// least disturbed.
async function runUndisturbed(servers, name, side, results) {
  const runs = []
  for (let i = 0; i < tries; i++) {
    if (tries > 1) await quiet()
    runs.push(...(await attempt(servers, name, side, results)))
    if (runs.at(-1)?.foreignPct < DISTURBED_PCT || (runs.length && late())) break
  }
  if (!runs.length) throw new Error(`${name} ${side} failed ${tries} times`)
  done++
  return runs.reduce((a, b) => (b.foreignPct < a.foreignPct ? b : a))
}

async function measureRound(servers, round, results) {
  for (const name of names) {
    const sides = sidesOf(name)
    for (const side of round % 2 ? sides.reverse() : sides) {
      const run = await runUndisturbed(servers, name, side, results)
      results[name] ??= {}
      results[name][side] ??= []
      results[name][side].push(run)
    }
  }
}

const servers = await openServers()
await servers.prepareLog()
const about = {
  at: new Date().toISOString(),
  command: `make bench ROUNDS=${rounds} SECONDS=${seconds} MINUTES=${minutes}`,
  seconds,
  machine: describeMachine(),
  versions: describeVersions(await servers.settings())
}
const results = {}
mkdirSync(OUT, { recursive: true })
for (let round = 0; round < rounds && roomForRound(round); round++) {
  console.error(`round ${round + 1} of ${rounds}, after ${minutesGone().toFixed(1)} minutes`)
  await measureRound(servers, round, results)
  const json = { ...about, rounds: round + 1, minutes: minutesGone(), failed, results }
  writeFileSync(`${OUT}/results.json`, JSON.stringify(json, null, 1))
}
await servers.close()
await publish()
