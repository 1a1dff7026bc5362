// From out/results.json to RESULTS.md and its plots: beside README.md when the run is whole, else in out/.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { CASES } from './cases.mjs'
import { LIMITS } from './limits.mjs'
import { drawPictures } from './pictures.mjs'
import { comparison, forMarkdown, forTerminal, limits } from './report.mjs'
import { ROOT } from './service.mjs'
import { verdicts } from './targets.mjs'

const BENCH = `${ROOT}bench`
export const OUT = `${BENCH}/out`
const FULL_ROUNDS = 5
const LEAST_ROUNDS = 3

// Whole: each case has runs of both sides, each limit has runs, and enough of them.
function isWhole({ rounds, results }) {
  const cases = Object.keys(CASES).every((name) => results[name]?.ox && results[name]?.peer)
  return cases && Object.keys(LIMITS).every((name) => results[name]?.raw) && rounds >= LEAST_ROUNDS
}

function resultsFile(run, tables, pictures) {
  const { rounds, seconds, machine, versions } = run
  const few = rounds < FULL_ROUNDS ? `**Only ${rounds} of ${FULL_ROUNDS} rounds.** ` : ''
  const sections = tables.map(({ title, table }) => `## ${title}\n\n${forMarkdown(table)}\n`)
  const images = pictures.map(({ file, title }) => `![${title}](plots/${file})`)
  return `# ox beside the usual stack

Written by \`${run.command}\` on ${run.at.slice(0, 10)}. ${few}Median [min..max] of ${rounds} rounds, in
which the sides take turns; each run starts from an empty database, an empty Redis and new processes,
and lasts ${seconds} s after a warm-up. What is measured and how: [README.md](README.md).

- Machine: ${machine}; services, servers and load generator share it.
- ox: ${versions.ox}
- Peer: ${versions.peer}
- Servers: ${versions.servers}
- Load: ${versions.load}
- Runs that failed and were repeated: ${run.failed.join('; ') || 'none'}

${[sections[0], ...images.map((image) => `${image}\n`), ...sections.slice(1)].join('\n')}`
}

export async function publish() {
  const run = JSON.parse(readFileSync(`${OUT}/results.json`))
  const tables = [
    { title: 'Targets', table: verdicts(run.results) },
    { title: 'ox and the peer', table: comparison(CASES, run.results) },
    { title: 'Raw limits', table: limits(LIMITS, run.results) }
  ].filter(({ table }) => table.rows.length > 0)
  for (const { table } of tables) console.log(`\n${forTerminal(table)}`)
  if (tables.length === 0) return
  const to = isWhole(run) ? BENCH : OUT
  mkdirSync(`${to}/plots`, { recursive: true })
  const pictures = await drawPictures(`${to}/plots`, run.results)
  writeFileSync(`${to}/RESULTS.md`, resultsFile(run, tables, pictures))
  const why = `not all cases, or fewer than ${LEAST_ROUNDS} rounds`
  console.log(`\n${to}/RESULTS.md${to === OUT ? ` (${why}: bench/RESULTS.md stays as it is)` : ''}`)
}
