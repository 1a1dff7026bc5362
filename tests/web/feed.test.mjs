import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Feed } from '../../web/assets/logic/feed.js'

// A world in which time passes when it is told to, and sources do what the test wants.
function makeWorld() {
  const world = { now: 0, timers: [], asked: [], sources: [], states: [], events: [], lives: 0, fails: 0 }
  world.later = (ms, f) => {
    const timer = { at: world.now + ms, f }
    world.timers.push(timer)
    return () => (world.timers = world.timers.filter((t) => t !== timer))
  }
  world.pass = async (ms) => {
    const end = world.now + ms
    for (;;) {
      const next = world.timers.filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0]
      if (!next) break
      world.timers = world.timers.filter((t) => t !== next)
      world.now = next.at
      next.f()
      await settle()
    }
    world.now = end
  }
  world.feed = new Feed({
    later: world.later,
    connect: async (lastId) => {
      world.asked.push(lastId)
      if (world.fails-- > 0) throw new Error('no ticket')
      const source = { closed: false, close: () => (source.closed = true) }
      world.sources.push(source)
      return source
    },
    on: {
      state: ({ state }) => world.states.push(state),
      event: (event) => world.events.push(event.seq),
      live: () => world.lives++
    }
  })
  return world
}
const settle = () => new Promise((resolve) => setImmediate(resolve))
const say = (source, seq) => source.onevent('order.statusChanged', `7-${seq}`, JSON.stringify({ seq }))

test('it goes on from the last event it saw', async () => {
  const w = makeWorld()
  w.feed.start()
  await settle()
  w.sources[0].onopen()
  say(w.sources[0], 1)
  say(w.sources[0], 2)
  w.sources[0].onerror()
  assert.equal(w.sources[0].closed, true)
  await w.pass(250)
  w.sources[1].onopen()
  say(w.sources[1], 3)
  assert.deepEqual(w.asked, [null, '7-2'])
  assert.deepEqual(w.events, [1, 2, 3])
  assert.deepEqual(w.states, ['connecting', 'live', 'lost', 'live'])
  assert.equal(w.lives, 2, 'what is shown is read again')
})

test('a source that was given up says nothing any more', async () => {
  const w = makeWorld()
  w.feed.start()
  await settle()
  w.sources[0].onopen()
  w.sources[0].onerror()
  say(w.sources[0], 9)
  w.sources[0].onopen()
  w.sources[0].onerror()
  assert.deepEqual(w.events, [])
  assert.equal(w.timers.length, 1, 'one try is under way, not two')
})

test('it tries again later and later, also when there is no ticket, and at once when asked to', async () => {
  const w = makeWorld()
  w.fails = 4
  w.feed.start()
  await settle()
  assert.equal(w.feed.state, 'lost')
  await w.pass(250 + 500 + 1000)
  assert.equal(w.asked.length, 4)
  await w.pass(1999)
  assert.equal(w.asked.length, 4)
  w.feed.retry()
  await settle()
  assert.equal(w.asked.length, 5)
  w.sources[0].onopen()
  assert.equal(w.feed.state, 'live')
  w.sources[0].onerror()
  await w.pass(250)
  assert.equal(w.asked.length, 6, 'the next loss begins with a short wait')
})

test('silence for longer than two heartbeats is a loss; a heartbeat is none', async () => {
  const w = makeWorld()
  w.feed.start()
  await settle()
  w.sources[0].onopen()
  await w.pass(60000)
  w.sources[0].onevent('heartbeat', '', '{}')
  await w.pass(60000)
  assert.equal(w.feed.state, 'live')
  await w.pass(16000)
  assert.equal(w.asked.length, 2)
})

test('a source that never opens is given up', async () => {
  const w = makeWorld()
  w.feed.start()
  await settle()
  await w.pass(10000)
  assert.equal(w.sources[0].closed, true)
  assert.equal(w.feed.state, 'lost')
})

test('after a reset it reads everything again and goes on from now', async () => {
  const w = makeWorld()
  w.feed.start()
  await settle()
  w.sources[0].onopen()
  say(w.sources[0], 5)
  w.sources[0].onevent('reset', '', '{}')
  assert.equal(w.lives, 2)
  assert.equal(w.feed.lastId, null)
})

test('stopped while it connects: what comes of it is closed', async () => {
  const w = makeWorld()
  w.feed.start()
  w.feed.stop()
  await settle()
  assert.equal(w.sources[0].closed, true)
  await w.pass(60000)
  assert.equal(w.asked.length, 1)
})
