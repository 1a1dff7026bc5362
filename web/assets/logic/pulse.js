// pulse.js - how the engine is: asked for again and again while somebody looks, each thing as often as it
// needs. What cannot be had is null, and why says why.
import { parse } from './prometheus.js'
import { Rate, Series } from './series.js'
import { Stages } from './stages.js'

export const FIGURES = ['ended', 'waiting', 'active', 'delayed', 'oldest']
const QUANTILES = ['p50', 'p95', 'p99']

export class Pulse {
  queue = null // GET /queue/stats, or what of it a client without admin sees
  health = null
  workers = null
  stages = null
  perSecond = null
  figures = new Series(FIGURES)
  why = {}
  #rate = new Rate()
  #stages = new Stages()
  #latency = new Map() // stage → Series

  constructor({ api, admin, now = Date.now }) {
    Object.assign(this, { api, admin, now })
  }

  latency(stage) {
    if (!this.#latency.has(stage)) this.#latency.set(stage, new Series(QUANTILES))
    return this.#latency.get(stage)
  }

  async #ask(name, read) {
    try {
      this[name] = await read()
      delete this.why[name]
    } catch (failure) {
      this[name] = null
      this.why[name] = failure
    }
  }

  async readQueue() {
    await this.#ask('queue', async () => {
      if (this.admin()) return this.api.get('/queue/stats')
      const { queue, rateLimit } = await this.api.get('/api/orders/stats')
      return { ...queue, rateLimit, paused: null, deadLetters: null, oldestWaitingMs: null }
    })
    const [q, at] = [this.queue, this.now()]
    this.perSecond = q && this.#rate.read(q.completed + q.failed, at)
    this.figures.add(
      at,
      q
        ? {
            ended: this.perSecond,
            waiting: q.waiting,
            active: q.active,
            delayed: q.delayed,
            oldest: q.oldestWaitingMs === null ? null : q.oldestWaitingMs / 1000
          }
        : {}
    )
  }

  // /health answers 503 with the same body when PostgreSQL is away.
  async readHealth() {
    await this.#ask('health', async () => {
      try {
        return await this.api.get('/health')
      } catch (failure) {
        if (failure.problem?.checks) return failure.problem
        throw failure
      }
    })
  }

  async readWorkers() {
    if (this.admin()) await this.#ask('workers', () => this.api.get('/handler/status'))
  }

  async readStages() {
    await this.#ask('stages', async () => {
      const at = this.now()
      this.#stages.look(parse(await this.api.text('/metrics')), at)
      const stages = this.#stages.read()
      for (const [id, { ms }] of stages)
        this.latency(id).add(at, Object.fromEntries(QUANTILES.map((q, i) => [q, ms[i]])))
      return stages
    })
  }
}
