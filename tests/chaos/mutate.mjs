// Makes mutants: a copy of the tree and of what is built of it, one guard taken out, and built again.
import { execFile } from 'node:child_process'
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import { ROOT } from '../e2e/lib.mjs'

const run = promisify(execFile)
const PARTS = ['Makefile', 'scripts', 'src', 'workers', 'executors', 'include', 'sql', 'build/chaos']

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

// build() gives the mutant's daemon. Times are kept, so that only what differs is compiled.
export async function build(mutant) {
  const files = await mutated(mutant)
  const dir = path.join(ROOT, 'build/mutants', mutant.name)
  await rm(dir, { recursive: true, force: true })
  await mkdir(dir, { recursive: true })
  for (const part of PARTS)
    await cp(path.join(ROOT, part), path.join(dir, part), { recursive: true, preserveTimestamps: true })
  for (const [file, text] of files) await writeFile(path.join(dir, file), text)
  const { MAKEFLAGS, MFLAGS, MAKELEVEL, ...env } = process.env // eslint-disable-line no-unused-vars
  await run('make', ['-C', dir, '-j2', 'CHAOS=1', 'all'], { env, timeout: 300000 })
  return path.join(dir, 'build/chaos/oxd')
}
