// node tests/chaos/run.mjs [--seed N] [--cycles N] [--quick]: see README.md.
import { chmodSync, mkdtempSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { OXD } from '../e2e/lib.mjs'
import { Lane, runCycle } from './cycle.mjs'
import { Coverage, print } from './report.mjs'
import { removeDirectory } from './servers.mjs'
import { MATRIX, specOf } from './spec.mjs'

const { values: options } = parseArgs({
  options: {
    seed: { type: 'string' },
    cycles: { type: 'string' },
    quick: { type: 'boolean' },
    lanes: { type: 'string', default: '4' }
  }
})

const fresh = () => MATRIX + 1 + Math.floor(Math.random() * 1e9)
const sequence = (first, n) => Array.from({ length: n }, (_, i) => first + i)

// The whole matrix and a fresh seed; or seeds from a given or a fresh one on.
function seeds() {
  if (options.quick) return [...sequence(1, MATRIX), fresh()]
  return sequence(Number(options.seed ?? fresh()), Number(options.cycles ?? 1))
}

// one() runs a cycle and tells of it. One that cannot even be run has failed too.
async function one(lane, spec, coverage) {
  try {
    const result = await runCycle(lane, spec)
    coverage.add(result)
    print(result)
    return result.breaches.length === 0
  } catch (error) {
    console.log(`FAIL seed ${spec.seed}: ${error.stack}\n  again: make chaos SEED=${spec.seed}`)
    await lane.repair()
    return false
  }
}

async function work(dir, left, coverage) {
  const lane = await Lane.create(dir, path.join(path.dirname(OXD), 'shim.so'))
  const score = { kept: 0, failed: 0 }
  try {
    for (let seed; (seed = left.shift()) !== undefined;)
      score[(await one(lane, specOf(seed), coverage)) ? 'kept' : 'failed']++
  } finally {
    await lane.close()
  }
  return score
}

async function main() {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'ox-chaos.'))
  chmodSync(dir, 0o755)
  const left = seeds()
  const coverage = new Coverage()
  try {
    const lanes = sequence(0, Math.min(Number(options.lanes), left.length))
    const works = lanes.map((n) => work(path.join(dir, `${n}`), left, coverage))
    await Promise.allSettled(works) // nobody's servers go while another still runs
    const scores = await Promise.all(works)
    const sum = (key) => scores.reduce((n, score) => n + score[key], 0)
    coverage.print()
    console.log(`chaos: ${sum('kept')} cycles kept every promise, ${sum('failed')} did not`)
    return sum('failed')
  } finally {
    await removeDirectory(dir)
  }
}

process.exitCode = (await main()) > 0 ? 1 : 0
