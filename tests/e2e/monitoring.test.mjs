// docs/grafana.json and docs/alerts.yml ask for metrics that there are (src/metrics/catalogue.h), by labels that
// they have; docs/operating.md says of every alert what to do; docs/ox.service is as closed as it says.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { ROOT } from './lib.mjs'

const read = (file) => readFileSync(path.join(ROOT, file), 'utf8')
const catalogue = new Map()
for (const [, kind, name, labels] of read('src/metrics/catalogue.h').matchAll(
  /X\(\w+, (\w+),\s*(?:\\\n\s*)?"(\w+)",\s*(?:\\\n\s*)?"([\w,]*)"/g
))
  catalogue.set(name, { kind, labels: labels.split(',').filter(Boolean) })
const OF_PROMETHEUS = ['job', 'instance']

// assertKnown() holds every metric of an expression, and every label it names, against the catalogue.
function assertKnown(expression) {
  const used = [...expression.matchAll(/\b((?:ox|process)_\w+)(?:\{([^}]*)\})?/g)]
  const labels = new Set([...OF_PROMETHEUS, 'le'])
  for (const [, name, selector] of used) {
    const family = catalogue.get(name) ? name : name.replace(/_(bucket|count|sum)$/, '')
    const metric = catalogue.get(family)
    assert(metric, `${name} is no metric: ${expression}`)
    assert.equal(family !== name, /^(DURATION|WAIT|SIZE)$/.test(metric.kind), `${name}: ${expression}`)
    for (const label of metric.labels) labels.add(label)
    for (const [, label] of (selector ?? '').matchAll(/(\w+)(?==|!=)/g))
      assert([...metric.labels, ...OF_PROMETHEUS].includes(label), `${name} has no ${label}: ${expression}`)
  }
  for (const [, by] of expression.matchAll(/by \(([^)]*)\)/g))
    for (const label of by.split(/, */)) assert(labels.has(label), `${label}: ${expression}`)
  return used.map(([, name]) => name)
}

test('the catalogue is read as docs/metrics.md lists it', () => {
  const listed = [...read('docs/metrics.md').matchAll(/^\| `((?:ox|process)_\w+)` /gm)].map((m) => m[1])
  assert.deepEqual([...catalogue.keys()], listed)
})

test('docs/grafana.json', () => {
  const { panels } = JSON.parse(read('docs/grafana.json'))
  const shown = new Set(panels.flatMap((panel) => panel.targets.flatMap((target) => assertKnown(target.expr))))
  const families = new Set([...shown].map((name) => name.replace(/_(bucket|count|sum)$/, '')))
  const missing = [...catalogue.keys()].filter((name) => name.startsWith('ox_') && !families.has(name))
  assert.deepEqual(missing, ['ox_cache_entries', 'ox_limiter_window_seconds'], 'all others are shown')
})

test('docs/alerts.yml', () => {
  const rules = read('docs/alerts.yml').split(/^ {6}- /m).slice(1)
  const names = rules.map((rule) => /^alert: (Ox\w+)$/m.exec(rule)[1])
  assert.equal(new Set(names).size, names.length)
  for (const [i, rule] of rules.entries()) {
    const [expression] = /^ {8}expr: (?:\|\n(?: {10}.*\n)+|.*\n)/m.exec(rule)
    if (names[i] !== 'OxDown') assert(assertKnown(expression).length > 0, rule)
    assert.match(rule, /severity: (critical|warning)/)
  }
  const explained = [...read('docs/operating.md').matchAll(/^\| `(Ox\w+)` \|/gm)].map((m) => m[1])
  assert.deepEqual(explained, names, 'docs/operating.md says what to do about each, in this order')
})

test('docs/ox.service', { skip: !existsSync('/usr/bin/systemd-analyze') }, () => {
  const args = ['security', '--no-pager', '--offline=true', '--threshold=15', path.join(ROOT, 'docs/ox.service')]
  execFileSync('systemd-analyze', args, { stdio: 'pipe' }) // throws when it is more exposed than 1.5
})
