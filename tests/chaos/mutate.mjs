// Makes mutants: a copy of the tree and of what is built of it, one guard taken out, and built again.
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../e2e/lib.mjs'

const run = promisify(execFile)
const BUILT = 'build/chaos'

export function replaced(text, { file, from, to }) {
  const found = text.split(from).length - 1
  if (found !== 1) throw new Error(`${file} has ${found} times: ${from}`)
  return text.replace(from, () => to)
}

// mutated() gives the files of a mutant that differ, by name.
export async function mutated(mutant) {
  const files = new Map()
  for (const change of mutant.changes) {
    const text = files.get(change.file) ?? (await readFile(path.join(ROOT, change.file), 'utf8'))
    files.set(change.file, replaced(text, change))
  }
  return files
}

async function make(dir, target) {
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env // eslint-disable-line no-unused-vars
  await run('make', ['-C', dir, '-j2', 'CHAOS=1', target], { env, timeout: 300000 })
}

async function sources() {
  const argv = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate']
  const { stdout } = await run('git', argv, { cwd: ROOT, maxBuffer: 16 << 20 })
  return stdout.split('\0').filter(Boolean)
}

// build() gives the directory of the mutant, built. Times are kept, so that only what differs is compiled.
export async function build(mutant, target = 'all') {
  const files = await mutated(mutant)
  const dir = path.join(ROOT, 'build/mutants', mutant.name)
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  for (const part of [...(await sources()), BUILT])
    await cp(path.join(ROOT, part), path.join(dir, part), { recursive: true, preserveTimestamps: true })
  for (const [file, text] of files) await writeFile(path.join(dir, file), text)
  await make(dir, target)
  return dir
}

// failing() names the tests of an integration suite that fail in dir, each as a breach.
export async function failing(dir, suite) {
  const program = `${BUILT}/tests/integration/${suite}`
  await make(dir, program)
  const argv = ['tmp', '--', program]
  const output = await run('scripts/servers.sh', argv, { cwd: dir, timeout: 180000 }).then(
    () => '',
    (error) => error.stdout + error.stderr
  )
  const names = [...new Set([...output.matchAll(/\[FAIL\] .*?\w+::(\w+)/g)].map((m) => m[1]))]
  if (output && !names.length) throw new Error(`${suite} did not end well:\n${output.slice(-2000)}`)
  return names.map((name) => ({ promise: suite, text: name }))
}
