// What Redis holds, looked at again and again while a cycle runs: one script, so that each look is of one moment.
// An order waits, is delayed or runs, and never two of these.
import net from 'node:net'

const EVERY_MS = 25
const DOUBLES_MAX = 20
const LOOK = `
  local where = {}
  for _, list in ipairs({'waiting', 'delayed', 'active'}) do
    for _, id in ipairs(redis.call('ZRANGE', 'ox:{0}:' .. list, 0, -1)) do
      where[id] = (where[id] and where[id] .. '+' or '') .. list
    end
  end
  local found = {}
  for id, lists in pairs(where) do
    if string.find(lists, '+', 1, true) then found[#found + 1] = id .. ' ' .. lists end
  end
  return table.concat(found, ',')`

const REQUEST = ['EVAL', LOOK, '0'].reduce(
  (text, arg) => `${text}$${Buffer.byteLength(arg)}\r\n${arg}\r\n`,
  '*3\r\n'
)

export class Books {
  constructor(port) {
    Object.assign(this, { port, doubles: [], looks: 0, socket: null })
  }

  start() {
    this.timer = setInterval(() => this.#look(), EVERY_MS)
  }

  // A look that gets no answer, because Redis is away or stands still, is none.
  #look() {
    if (!this.socket || this.socket.destroyed) return this.#connect()
    if (this.asking || this.socket.connecting) return
    this.asking = true
    this.socket.write(REQUEST)
  }

  #connect() {
    this.asking = false
    let text = ''
    this.socket = net.connect({ host: '127.0.0.1', port: this.port() })
    this.socket.on('error', () => {})
    this.socket.on('data', (data) => {
      text += data
      const answer = /^(?:\$\d+\r\n(.*)\r\n|-.*\r\n)$/.exec(text)
      if (!answer) return
      text = ''
      this.asking = false
      if (answer[1] !== undefined) this.#take(answer[1])
    })
  }

  #take(answer) {
    this.looks++
    if (!answer || this.doubles.length >= DOUBLES_MAX) return
    for (const line of answer.split(',')) {
      const [id, where] = line.split(' ')
      if (this.doubles.some((d) => d.id === id)) continue
      this.doubles.push({ id, where: where.replaceAll('+', ' and ') })
    }
  }

  async stop() {
    clearInterval(this.timer)
    this.socket?.destroy()
  }
}
