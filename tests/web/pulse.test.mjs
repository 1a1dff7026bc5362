import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pulse } from '../../web/assets/logic/pulse.js'
import { Rate, Series } from '../../web/assets/logic/series.js'

const LIMIT = { limit: 100, windowMs: 60000, usedInWindow: 7 }
const QUEUE = { waiting: 1, active: 2, delayed: 3, completed: 10, failed: 0 }

function makePulse(answers, admin = true) {
  let now = 0
  const asked = []
  const api = {
    get: async (path) => {
      asked.push(path)
      const answer = answers[path]
      if (answer instanceof Error) throw answer
      return answer
    },
    text: async (path) => answers[path]
  }
  return { pulse: new Pulse({ api, admin: () => admin, now: () => now }), asked, pass: (ms) => (now += ms) }
}

test('rates of counts that grow; none where they begin anew', () => {
  const rate = new Rate()
  assert.deepEqual(
    [
      [10, 0],
      [20, 2000],
      [20, 2000],
      [5, 3000],
      [8, 4000]
    ].map(([n, at]) => rate.read(n, at)),
    [null, 5, null, null, 3]
  )
})

test('a series keeps the newest', () => {
  const series = new Series(['a', 'b'], 2)
  series.add(1000, { a: 1 })
  series.add(2000, { a: 2, b: 0 })
  series.add(3000, {})
  assert.deepEqual(series.columns, [
    [2, 3],
    [2, null],
    [0, null]
  ])
})

test('the queue as an admin sees it, and how fast orders end', async () => {
  const stats = { ...QUEUE, paused: false, deadLetters: 4, oldestWaitingMs: 1500, rateLimit: LIMIT }
  const answers = { '/queue/stats': stats }
  const { pulse, pass } = makePulse(answers)
  await pulse.readQueue()
  assert.equal(pulse.perSecond, null)
  pass(2000)
  answers['/queue/stats'] = { ...stats, completed: 14 }
  await pulse.readQueue()
  assert.equal(pulse.perSecond, 2)
  assert.deepEqual(
    pulse.figures.columns.map((c) => c.at(-1)),
    [2, 2, 1, 2, 3, 1.5]
  )
})

test('without admin: what /api/orders/stats tells, and nothing else is asked for', async () => {
  const { pulse, asked } = makePulse({ '/api/orders/stats': { queue: QUEUE, rateLimit: LIMIT } }, false)
  await pulse.readQueue()
  await pulse.readWorkers()
  assert.deepEqual(asked, ['/api/orders/stats'])
  assert.deepEqual([pulse.queue.waiting, pulse.queue.paused, pulse.queue.rateLimit.limit], [1, null, 100])
})

test('what cannot be had is not known, and leaves a hole in the plot', async () => {
  const down = Object.assign(new Error('HTTP 503'), {
    problem: { status: 'down', checks: { postgres: 'down' } }
  })
  const { pulse } = makePulse({ '/queue/stats': new Error('no answer'), '/health': down })
  await pulse.readQueue()
  assert.equal(pulse.queue, null)
  assert.equal(pulse.why.queue.message, 'no answer')
  assert.deepEqual(
    pulse.figures.columns.map((c) => c.at(-1)),
    [0, null, null, null, null, null]
  )
  await pulse.readHealth()
  assert.equal(pulse.health.checks.postgres, 'down', 'a 503 of /health is an answer')
})
