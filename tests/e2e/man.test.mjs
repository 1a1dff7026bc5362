// The manual pages: well formed, and with every option that the programs have. docs/configuration.md: up to date. What
// the pages name is there: files, tests, targets of make.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { OXD, ROOT } from './lib.mjs'
import { OXCTL } from './ctl.mjs'

const run = (file, ...args) => execFileSync(file, args, { cwd: ROOT, encoding: 'utf8' })
const mandoc = (input, ...args) => execFileSync('mandoc', args, { input, encoding: 'utf8' })
const options = (text) => new Set(text.match(/^ +--[a-z-]+/gm).map((o) => o.trim()))

for (const [page, program] of [['oxctl.1', OXCTL], ['oxd.8', OXD]])
  test(page, () => {
    const text = run('scripts/man', `docs/man/${page}`, program)
    mandoc(text, '-Tlint', '-W', 'warning') // throws at any
    const shown = mandoc(text, '-Tutf8', '-O', 'width=200').replaceAll(/.\x08/g, '')
    const help = run(program, '--help')
    const commands = [...help.matchAll(/^ {2}oxctl ((?:[a-z]+ )*[a-z]+)(?= {2}| [A-Z[]| bash)/gm)].map((m) => m[1])
    const wanted = [help, ...commands.map((c) => run(program, ...c.split(' '), '--help'))].map(options)
    if (page === 'oxctl.1') assert.equal(commands.length, 19)
    for (const option of wanted.flatMap((set) => [...set]))
      assert(options(shown).has(option), `${page} lacks ${option}`)
    for (const command of commands) assert.match(shown, new RegExp(`^ +oxctl ${command}`, 'm'))
  })

test('docs/configuration.md is what make configuration writes', () => {
  const page = readFileSync(path.join(ROOT, 'docs/configuration.md'), 'utf8')
  assert.equal(page, run('scripts/configuration', OXD))
})

test('what the pages name is there', () => {
  const others = ['node_modules', 'build', 'out', '.?*'].flatMap((name, i) => [...(i ? ['-o'] : []), '-name', name])
  const files = run('find', '.', '(', ...others, ')', '-prune', '-o', '-type', 'f', '-print').trim().split('\n')
  const names = new Set(files.map((file) => path.basename(file)))
  const targets = new Set(run('make', '-s', 'help').match(/^[a-z-]+/gm))
  const missing = []
  for (const page of files.filter((file) => file.endsWith('.md'))) {
    const text = readFileSync(path.join(ROOT, page), 'utf8')
    const need = (what, there) => there || missing.push(`${page}: ${what}`)
    for (const [, link] of text.matchAll(/\]\(([^)#:\s]+)[^):]*\)/g))
      need(link, existsSync(path.join(ROOT, path.dirname(page), link)))
    for (const [, name] of text.matchAll(/[`/]([\w-]+(?:\.test\.mjs|_test\.c))`/g)) need(name, names.has(name))
    for (const [, target] of text.matchAll(/`make ([a-z-]+)[^`]*`/g)) need(`make ${target}`, targets.has(target))
  }
  assert.deepEqual(missing, [])
})
