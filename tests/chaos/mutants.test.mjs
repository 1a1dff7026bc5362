// Each mutant of mutants.mjs can still be made: its text is found, and what comes of it compiles. Whether the
// checker notices them is for make chaos-mutants, which takes minutes. One is built as it builds them all.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT } from '../e2e/lib.mjs'
import { MUTANTS } from './mutants.mjs'
import { build, mutated, replaced } from './mutate.mjs'

const FLAGS = [
  ...['-std=c11', '-D_GNU_SOURCE', '-DOX_CHAOS', '-Wall', '-Wextra', '-Werror'],
  ...['-Isrc', '-I.', '-Iinclude', '-I/usr/include/postgresql', '-x', 'c', '-c', '-o', '/dev/null', '-']
]

for (const mutant of MUTANTS)
  test(`${mutant.name} can be made`, async () => {
    const files = await mutated(mutant)
    assert(files.size > 0)
    for (const [file, input] of files) {
      if (!file.endsWith('.c')) continue
      const cc = spawnSync('cc', FLAGS, { cwd: ROOT, input, encoding: 'utf8' })
      assert.equal(cc.status, 0, cc.stderr)
    }
  })

test('the copy that a mutant is made in has all it takes to build it', async () => {
  const dir = await build(MUTANTS.find((m) => m.name === 'sweeper'))
  const mutant = await readFile(path.join(dir, 'build/chaos/oxd'))
  assert(!mutant.equals(await readFile(path.join(ROOT, 'build/chaos/oxd'))))
})

test('a text that is gone, or is there twice, is an error', () => {
  assert.equal(replaced('a b c', { file: 'f', from: 'b', to: '$&' }), 'a $& c')
  assert.throws(() => replaced('a c', { file: 'f', from: 'b', to: '' }), /f has 0 times: b/)
  assert.throws(() => replaced('b b', { file: 'f', from: 'b', to: '' }), /f has 2 times: b/)
})

test('every mutant says what it is hunted with, and names are unique', () => {
  assert.equal(new Set(MUTANTS.map((m) => m.name)).size, MUTANTS.length)
  for (const m of MUTANTS) {
    assert.match(m.name, /^[a-z-]+$/)
    assert(m.guard.length > 0, m.name)
    assert(m.test || (m.cycles >= 1 && m.promise.length > 0 && m.world), m.name)
  }
})
