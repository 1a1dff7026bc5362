// feed.js - the stream of all events, kept up: it connects again from the last event it saw, says what it
// is doing, and notices a connection that is only silent. What it needs of the world is handed in, so it
// knows no browser.
//
//   connect(lastId) → Promise of a source: {onopen, onerror, onevent(name, id, data), close()}
//   later(ms, f) → a function that calls it off
//
// on.state({state: 'connecting'|'live'|'lost', retryMs}), on.event(data), on.live(): from here on nothing
// is missed, so whatever is shown is to be read once more. on.live() comes after a reset, too.

const SILENT_MS = 75000 // two heartbeats, and some
const OPEN_MS = 10000
const BACKOFF_MS = [250, 500, 1000, 2000, 5000]

export class Feed {
  #source = null
  #lastId = null
  #tries = 0
  #round = 0
  #stopTimer = () => {}

  constructor({ connect, later, on }) {
    this.connect = connect
    this.later = later
    this.on = on
    this.state = 'off'
  }

  get lastId() {
    return this.#lastId
  }

  start() {
    this.#tries = 0
    this.#open()
  }

  // retry() does not wait any longer.
  retry() {
    if (this.state === 'lost') this.#open()
  }

  stop() {
    this.#end()
    this.#lastId = null
    this.#say('off')
  }

  #end() {
    this.#round++
    this.#stopTimer()
    this.#source?.close()
    this.#source = null
  }

  #say(state, retryMs = null) {
    this.state = state
    this.on.state({ state, retryMs })
  }

  #watch(ms) {
    this.#stopTimer()
    this.#stopTimer = this.later(ms, () => this.#lose())
  }

  #lose() {
    this.#end()
    const ms = BACKOFF_MS[Math.min(this.#tries++, BACKOFF_MS.length - 1)]
    this.#stopTimer = this.later(ms, () => this.#open())
    this.#say('lost', ms)
  }

  async #open() {
    this.#end()
    const round = this.#round
    if (this.#tries === 0) this.#say('connecting')
    this.#watch(OPEN_MS)
    let source
    try {
      source = await this.connect(this.#lastId)
    } catch {
      if (round === this.#round) this.#lose()
      return
    }
    if (round !== this.#round) {
      source.close()
      return
    }
    this.#source = source
    source.onopen = () => round === this.#round && this.#opened()
    source.onerror = () => round === this.#round && this.#lose()
    source.onevent = (name, id, data) => round === this.#round && this.#take(name, id, data)
  }

  #opened() {
    this.#tries = 0
    this.#watch(SILENT_MS)
    this.#say('live')
    this.on.live()
  }

  #take(name, id, data) {
    this.#watch(SILENT_MS)
    if (name === 'reset') {
      this.#lastId = null
      this.on.live()
    } else if (name.startsWith('order.')) {
      if (id) this.#lastId = id
      this.on.event(JSON.parse(data))
    }
  }
}
