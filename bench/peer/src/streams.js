// Streams of order events to WebSockets, fed by one subscriber for all of them.
import { channelOf } from './redis.js'

const ENDS = new Set(['confirmed', 'failed'])

export function openStreams(redis, store) {
  const watchers = new Map() // channel → Set of watcher
  let connections = 0

  // What is published while the history is being read waits in `held`; the seq drops what came twice.
  function deliver(watcher, event, text) {
    if (watcher.held) return watcher.held.push([event, text])
    if (event.seq <= watcher.seq) return
    watcher.seq = event.seq
    watcher.socket.send(text)
    if (ENDS.has(event.status)) watcher.socket.close(1000)
  }

  redis.on('message', (channel, text) => {
    const event = JSON.parse(text)
    for (const watcher of watchers.get(channel) ?? []) deliver(watcher, event, text)
  })

  function remove(channel, watcher) {
    connections--
    const others = watchers.get(channel)
    others?.delete(watcher)
    if (others?.size !== 0) return
    watchers.delete(channel)
    redis.unsubscribe(channel).catch(() => {})
  }

  function add(channel, watcher) {
    connections++
    if (!watchers.has(channel)) watchers.set(channel, new Set())
    watchers.get(channel).add(watcher)
    watcher.socket.on('error', () => {})
    watcher.socket.on('close', () => remove(channel, watcher))
  }

  return {
    connections: () => connections,

    // watch() subscribes first and reads the history then: no event is missed.
    async watch(orderId, socket) {
      const watcher = { socket, seq: 0, held: [] }
      const channel = channelOf(orderId)
      add(channel, watcher)
      await redis.subscribe(channel)
      const history = await store.events(orderId)
      if (history.length === 0) return socket.close(1008, 'order not found')
      const { held } = watcher
      watcher.held = null
      for (const event of history) deliver(watcher, event, JSON.stringify(event))
      for (const [event, text] of held) deliver(watcher, event, text)
    },

    close: () => redis.quit()
  }
}
