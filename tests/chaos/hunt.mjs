// node tests/chaos/hunt.mjs [--only NAME,NAME] [--lanes N] [--write]: hunts the mutants (mutants.mjs). Each must
// break a promise that it is expected to break, within its cycles; what is whole must keep all of them in the
// same cycles. --write puts what was found into the table of docs/promises.md.
import { chmodSync, mkdtempSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { OXD, ROOT } from '../e2e/lib.mjs'
import { Lane, runCycle } from './cycle.mjs'
import { MUTANTS } from './mutants.mjs'
import { build, failing } from './mutate.mjs'
import { Random } from './random.mjs'
import { print } from './report.mjs'
import { removeDirectory } from './servers.mjs'
import { drawWorld } from './spec.mjs'

const { values: options } = parseArgs({
  options: {
    only: { type: 'string' },
    lanes: { type: 'string', default: '3' },
    write: { type: 'boolean' },
    verbose: { type: 'boolean' }
  }
})
const DOC = path.join(ROOT, 'docs/promises.md')

function specOf(mutant, seed) {
  const spec = drawWorld(new Random(seed), seed, mutant.limited ?? false)
  const { failpoints = [], faults = [] } = mutant
  return { ...spec, ...mutant.world, failpoints, faults }
}

// cycle() gives the breaches. What cannot even be run to its end is one.
async function cycle(lane, mutant, seed) {
  try {
    const result = await runCycle(lane, specOf(mutant, seed))
    if (options.verbose) print(result)
    return { result, breaches: result.breaches }
  } catch (error) {
    await lane.repair()
    return { breaches: [{ promise: 'none', text: `the cycle broke off: ${error.message}` }] }
  }
}

// hunt() runs cycles until a promise is broken that the mutant may break.
async function hunt(lane, mutant) {
  const seen = []
  const dir = await build(mutant)
  if (mutant.test) {
    const breaches = await failing(dir, mutant.test)
    return { mutant, good: breaches.length > 0, within: 1, breaches }
  }
  lane.oxd = path.join(dir, 'build/chaos/oxd')
  for (let seed = 1; seed <= mutant.cycles; seed++) {
    const { breaches } = await cycle(lane, mutant, seed)
    seen.push(...breaches)
    const found = breaches.filter((b) => mutant.promise.includes(b.promise))
    if (found.length) return { mutant, good: true, within: seed, breaches: found }
  }
  return { mutant, good: false, breaches: seen }
}

// whole() runs the daemon with all its guards through the cycles of a hunt.
async function whole(lane, mutant, cycles) {
  if (mutant.test) return failing(ROOT, mutant.test)
  lane.oxd = OXD
  for (let seed = 1; seed <= cycles; seed++) {
    const { result, breaches } = await cycle(lane, mutant, seed)
    if (breaches.length === 0) continue
    if (result && !options.verbose) print(result)
    return breaches
  }
  return []
}

// judge() hunts a mutant, and tells of it.
async function judge(lane, mutant) {
  const outcome = await hunt(lane, mutant).catch((error) => ({
    mutant,
    good: false,
    breaches: [{ promise: 'none', text: `${error.stderr ?? error.stack}` }]
  }))
  const { good, within = mutant.cycles, breaches } = outcome
  const by = mutant.test ? `by ${mutant.test}` : `in cycle ${within} of ${mutant.cycles}`
  const what = good ? `found ${by}` : 'survived'
  console.log(`${good ? 'ok  ' : 'FAIL'} ${mutant.name}: ${what}`)
  for (const b of breaches.slice(0, 3)) console.log(`       ${b.promise}: ${b.text.split('\n')[0]}`)
  const broken = await whole(lane, mutant, within)
  console.log(`${broken.length ? 'FAIL' : 'ok  '} ${mutant.name}: whole, in the same`)
  return { ...outcome, good: good && broken.length === 0 }
}

async function work(dir, left, done) {
  const lane = await Lane.create(dir, path.join(path.dirname(OXD), 'shim.so'))
  try {
    for (let mutant; (mutant = left.shift());) done.push(await judge(lane, mutant))
  } finally {
    await lane.close()
  }
}

// ── the table ───────────────────────────────────────────────────────────────────────────────────

function row({ mutant, within, breaches }) {
  const said = `${breaches[0].promise}: ${breaches[0].text.split('\n')[0]}`.replaceAll('|', '\\|')
  const cycle = mutant.test ? '–' : `${within} of ${mutant.cycles}`
  return `| ${mutant.name} | ${mutant.guard} | ${said} | ${cycle} |`
}

// A mutant that was not hunted keeps its row.
async function writeTable(outcomes) {
  const head = ['| mutant | guard that is gone | what the checker said first | cycle |', '|---|---|---|---|']
  const text = await readFile(DOC, 'utf8')
  const rows = MUTANTS.flatMap(({ name }) => {
    const outcome = outcomes.find((o) => o.good && o.mutant.name === name)
    return outcome ? row(outcome) : text.split('\n').filter((line) => line.startsWith(`| ${name} | `))
  })
  const table = `<!-- mutants -->\n${[...head, ...rows].join('\n')}\n<!-- /mutants -->`
  await writeFile(DOC, text.replace(/<!-- mutants -->.*<!-- \/mutants -->/s, () => table))
}

async function main() {
  const only = options.only?.split(',')
  const chosen = MUTANTS.filter((m) => !only || only.includes(m.name))
  const left = [...chosen]
  const dir = mkdtempSync(path.join(os.tmpdir(), 'ox-mutants.'))
  chmodSync(dir, 0o755)
  const done = []
  try {
    const lanes = Math.min(Number(options.lanes), left.length)
    await Promise.all(
      Array.from({ length: lanes }, (_, n) => work(path.join(dir, `${n}`), left, done))
    )
  } finally {
    await removeDirectory(dir)
  }
  const bad = done.filter((o) => !o.good).length
  console.log(`mutants: ${done.length - bad} of ${chosen.length} found, whole all promises kept`)
  if (options.write) await writeTable(done)
  return bad
}

process.exitCode = (await main()) > 0 ? 1 : 0
