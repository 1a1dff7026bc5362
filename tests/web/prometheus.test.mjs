import assert from 'node:assert/strict'
import { test } from 'node:test'
import { histogram, parse, quantile, since } from '../../web/assets/logic/prometheus.js'
import { Stages } from '../../web/assets/logic/stages.js'

const TEXT = `# HELP ox_run_seconds One run.
# TYPE ox_run_seconds histogram
ox_run_seconds_bucket{type="market",le="0.1"} 10
ox_run_seconds_bucket{type="market",le="1"} 30
ox_run_seconds_bucket{type="market",le="+Inf"} 40
ox_run_seconds_bucket{type="limit",le="0.1"} 0
ox_run_seconds_bucket{type="limit",le="1"} 20
ox_run_seconds_bucket{type="limit",le="+Inf"} 20
ox_odd{text="a \\"b\\" \\\\ {c=\\"d\\"},\\n"} 1.5e3 1700000000
ox_up 1
`

test('samples, with labels that hold anything', () => {
  const samples = parse(TEXT)
  assert.deepEqual(samples.get('ox_up'), [{ labels: {}, value: 1 }])
  assert.deepEqual(samples.get('ox_odd'), [{ labels: { text: 'a "b" \\ {c="d"},\n' }, value: 1500 }])
  assert.equal(samples.get('ox_run_seconds_bucket').length, 6)
  assert.equal(parse('garbage {{{\n\n').size, 0)
})

test('series of a histogram are added up, those with the labels that are wanted', () => {
  const samples = parse(TEXT)
  assert.deepEqual(histogram(samples, 'ox_run_seconds'), [
    [0.1, 10],
    [1, 50],
    [Infinity, 60]
  ])
  assert.deepEqual(histogram(samples, 'ox_run_seconds', { type: 'limit' }), [
    [0.1, 0],
    [1, 20],
    [Infinity, 20]
  ])
  assert.deepEqual(histogram(samples, 'ox_none'), [])
})

test('quantiles: in proportion within a bucket, the last bound beyond it, nothing of nothing', () => {
  const buckets = [
    [0.1, 10],
    [1, 30],
    [Infinity, 40]
  ]
  assert.equal(quantile(0.25, buckets), 0.1)
  assert.equal(quantile(0.125, buckets), 0.05)
  assert.ok(Math.abs(quantile(0.5, buckets) - 0.55) < 1e-9)
  assert.equal(quantile(0.99, buckets), 1)
  assert.equal(quantile(0.5, []), null)
  assert.equal(
    quantile(0.5, [
      [1, 0],
      [Infinity, 0]
    ]),
    null
  )
  assert.equal(quantile(0.5, [[Infinity, 3]]), null)
  assert.equal(
    quantile(0, [
      [1, 0],
      [2, 5]
    ]),
    1
  )
})

test('what came between two looks; all of the later one when the process began anew', () => {
  const earlier = [
    [1, 4],
    [Infinity, 10]
  ]
  assert.deepEqual(
    since(earlier, [
      [1, 5],
      [Infinity, 13]
    ]),
    [
      [1, 1],
      [Infinity, 3]
    ]
  )
  assert.deepEqual(
    since(earlier, [
      [1, 2],
      [Infinity, 2]
    ]),
    [
      [1, 2],
      [Infinity, 2]
    ]
  )
  assert.deepEqual(
    since(
      [],
      [
        [1, 2],
        [Infinity, 2]
      ]
    ),
    [
      [1, 2],
      [Infinity, 2]
    ]
  )
})

test('stages are about the last minute only', () => {
  const look = (fast, all) =>
    parse(`ox_order_run_duration_seconds_bucket{le="0.1"} ${fast}
ox_order_run_duration_seconds_bucket{le="10"} ${all}
ox_order_run_duration_seconds_bucket{le="+Inf"} ${all}
`)
  const stages = new Stages()
  stages.look(look(0, 100), 0)
  assert.deepEqual(stages.read().get('run'), { n: 0, ms: [null, null, null] })
  stages.look(look(100, 200), 30000)
  assert.equal(stages.read().get('run').n, 100)
  assert.equal(stages.read().get('run').ms[0], 50)
  stages.look(look(100, 200), 95000)
  assert.equal(stages.read().get('run').n, 0, 'a minute without any')
  assert.deepEqual(stages.read().get('accept'), { n: 0, ms: [null, null, null] })
})
