// A TCP proxy of our own for one link, say worker 1 to PostgreSQL: what it does to the bytes is the fault.
//
// Each direction passes, holds (bytes wait: the peer seems hung) or drops them; new connections are
// passed, refused, or taken and led nowhere. up is from the client to the server.
import net from 'node:net'

const QUEUE_MAX = 1 << 20

class Pipe {
  constructor(link, direction, from, to) {
    Object.assign(this, { link, direction, from, to, queue: [], queued: 0, timer: null })
    from.on('data', (data) => this.#take(data))
    from.on('end', () => this.#push({ data: null, due: Date.now() + link.delayMs }))
  }

  #take(data) {
    if (this.link.onData(this, data) === 'swallow') return
    if (this.link.mode[this.direction] === 'drop') return
    this.#push({ data, due: Date.now() + this.link.delayMs })
    this.queued += data.length
    if (this.queued > QUEUE_MAX) this.from.pause()
  }

  #push(item) {
    this.queue.push(item)
    this.pump()
  }

  pump() {
    clearTimeout(this.timer)
    while (this.queue.length && this.link.mode[this.direction] !== 'hold') {
      const wait = this.queue[0].due - Date.now()
      if (wait > 0) {
        this.timer = setTimeout(() => this.pump(), wait)
        return
      }
      const { data } = this.queue.shift()
      if (data === null) this.to.end()
      else if (!this.to.destroyed) {
        this.to.write(data)
        this.queued -= data.length
      }
    }
    if (this.queued <= QUEUE_MAX && this.from.isPaused()) this.from.resume()
  }
}

export class Link {
  constructor(name, target) {
    this.name = name
    this.target = target // () => {host, port}: a daemon's port changes
    this.pairs = new Set()
    this.armed = null // loseReply(): the connections whose next answer is lost
    this.process = () => null // whose link it is now
    this.connections = [] // {port, since, process}: all there were, by their port at the server, which may come again
    this.heal()
    this.server = net.createServer({ allowHalfOpen: true }, (client) => this.#accept(client))
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, '127.0.0.1', resolve))
    this.port = this.server.address().port
    return this
  }

  heal() {
    this.mode = { up: 'pass', down: 'pass', connect: 'pass' }
    this.delayMs = 0
    this.armed = null
    for (const { pipes } of this.pairs) for (const pipe of pipes) pipe.pump()
  }

  set(mode) {
    Object.assign(this.mode, mode)
    for (const { pipes } of this.pairs) for (const pipe of pipes) pipe.pump()
  }

  #accept(client) {
    if (this.mode.connect === 'refuse') return client.resetAndDestroy()
    const server = net.connect({ ...this.target(), allowHalfOpen: true })
    const pair = { client, server, label: '' }
    const process = this.process()
    server.on('connect', () =>
      this.connections.push({ port: server.localPort, since: Date.now(), process })
    )
    for (const socket of [client, server]) {
      socket.setNoDelay()
      socket.on('error', () => {})
      socket.on('close', () => this.#gone(pair, socket))
    }
    pair.pipes = [new Pipe(this, 'up', client, server), new Pipe(this, 'down', server, client)]
    for (const pipe of pair.pipes) pipe.pair = pair
    this.pairs.add(pair)
  }

  // A half that is gone takes the other with it, once what it said has been passed on; in a half-open
  // link it does not: the other half waits for a peer that is no more.
  #gone(pair, socket) {
    const other = socket === pair.client ? pair.server : pair.client
    if (pair.halfOpen || other.destroyed) {
      if (other.destroyed) this.pairs.delete(pair)
      return
    }
    setTimeout(() => other.destroy(), this.delayMs)
  }

  // What a connection of PostgreSQL's is for is in its first message.
  onData(pipe, data) {
    const { pair } = pipe
    if (pipe.direction === 'up') {
      if (!pair.label) pair.label = /application_name\0([^\0]*)\0/.exec(data.toString('latin1'))?.[1]
      return 'pass'
    }
    if (!this.armed || !(pair.label ?? '').includes(this.armed.label)) return 'pass'
    this.armed = null
    pair.client.resetAndDestroy()
    pair.server.destroy()
    return 'swallow'
  }

  // loseReply() lets the server do what it is asked next on a connection labelled so, and loses the answer.
  loseReply(label = '') {
    this.armed = { label }
  }

  // cut() resets every connection, both ways.
  cut() {
    for (const { client, server } of this.pairs) {
      client.resetAndDestroy()
      server.resetAndDestroy()
    }
  }

  // halfOpen() takes the server's ends away and leaves the client's open, with nobody behind them.
  halfOpen() {
    for (const pair of this.pairs) {
      pair.halfOpen = true
      pair.server.resetAndDestroy()
    }
  }

  close() {
    this.cut()
    for (const { client, server } of this.pairs) {
      client.destroy()
      server.destroy()
    }
    return new Promise((resolve) => this.server.close(resolve))
  }
}
