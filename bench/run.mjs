// node bench/run.mjs [--rounds N] [--seconds N] [--cases a,b] [--sides ox,peer] [--tries N],
// under scripts/servers.sh: measures ox and the peer, in turn, and prints how they compare. See README.md.
import { mkdirSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { CASES } from './lib/cases.mjs'
import { meter } from './lib/cpu.mjs'
import { describeMachine, describeVersions } from './lib/machine.mjs'
import { forMarkdown, forTerminal, tableOf } from './lib/report.mjs'
import { ROOT, SIDES } from './lib/service.mjs'
import { openServers } from './lib/world.mjs'

const DISTURBED_PCT = 10
const QUIET_S = 20

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    cases: { type: 'string', default: Object.keys(CASES).join() },
    sides: { type: 'string', default: 'ox,peer' },
    tries: { type: 'string', default: '3' }
  }
})
const rounds = Number(flags.rounds)
const seconds = Number(flags.seconds)
const tries = Number(flags.tries)
const names = flags.cases.split(',')
for (const name of names) if (!CASES[name]) throw new Error(`no such case: ${name}`)

// quiet() waits, not for ever, for a second in which others leave the machine to us.
async function quiet() {
  for (let i = 0; i < QUIET_S; i++) {
    const stop = meter({})
    await sleep(1000)
    if (stop().foreignPct < DISTURBED_PCT) return
  }
}

async function runOnce(servers, name, sideName) {
  const world = await servers.createWorld()
  try {
    return await CASES[name].measure(SIDES[sideName], world, seconds)
  } finally {
    await world.destroy()
  }
}

// runUndisturbed() repeats a run in which others had too much of the CPU, and keeps the least disturbed.
async function runUndisturbed(servers, name, side) {
  const runs = []
  for (let i = 0; i < tries; i++) {
    if (tries > 1) await quiet()
    const run = await runOnce(servers, name, side)
    runs.push(run)
    const figures = Object.entries(run).map(([key, x]) => `${key} ${x.toPrecision(4)}`)
    console.error(`  ${name} ${side}: ${figures.join('  ')}`)
    if (run.foreignPct < DISTURBED_PCT) break
  }
  const kept = runs.reduce((a, b) => (b.foreignPct < a.foreignPct ? b : a))
  return { ...kept, repeated: runs.length - 1 }
}

async function measureAll(servers) {
  const results = Object.fromEntries(names.map((name) => [name, {}]))
  const sides = flags.sides.split(',')
  for (let round = 0; round < rounds; round++) {
    console.error(`round ${round + 1} of ${rounds}`)
    for (const name of names) {
      for (const side of round % 2 ? [...sides].reverse() : sides) {
        results[name][side] ??= []
        results[name][side].push(await runUndisturbed(servers, name, side))
      }
    }
  }
  return results
}

function resultsFile(rows, machine, versions) {
  const args = process.argv.slice(2)
  const command = `make bench  # ${args.join(' ')}`
  return `# ox beside the usual stack

Written by \`${command}\`. Median [min..max] of ${rounds} rounds, in which the two sides take turns; each run
starts from an empty database, an empty Redis and new processes, and lasts ${seconds} s after a warm-up. What is
measured and how: [README.md](README.md).

- Machine: ${machine}; services, servers and load generator share it.
- ox: ${versions.ox}
- Peer: ${versions.peer}
- Servers: ${versions.servers}
- Load: ${versions.load}

${forMarkdown(rows)}
`
}

const servers = await openServers()
await servers.prepareLog()
const settings = await servers.settings()
const results = await measureAll(servers)
await servers.close()

const machine = describeMachine()
const versions = describeVersions(settings)
const out = `${ROOT}bench/out`
mkdirSync(out, { recursive: true })
const json = { at: new Date().toISOString(), rounds, seconds, machine, versions, results }
writeFileSync(`${out}/results.json`, JSON.stringify(json, null, 1))
const rows = tableOf(CASES, results)
if (rows.length) {
  console.log(`\n${machine}\n\n${forTerminal(rows)}`)
  if (names.length === Object.keys(CASES).length)
    writeFileSync(`${ROOT}bench/RESULTS.md`, resultsFile(rows, machine, versions))
}
