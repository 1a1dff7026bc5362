// stages.js - how long each stage of an order takes, from the histograms of /metrics over the last minute.
import { histogram, quantile, since } from './prometheus.js'

export const STAGES = [
  {
    id: 'accept',
    name: 'Accept',
    hint: 'a valid order to its commit',
    metric: 'ox_order_accept_duration_seconds'
  },
  { id: 'wait', name: 'Queue wait', hint: 'accept to the first start', metric: 'ox_order_queue_wait_seconds' },
  { id: 'claim', name: 'Claim', hint: 'Redis, then PostgreSQL', metric: 'ox_order_claim_duration_seconds' },
  {
    id: 'quote',
    name: 'Quote',
    hint: 'a venue’s answer',
    metric: 'ox_venue_call_duration_seconds',
    where: { call: 'quote' }
  },
  {
    id: 'submit',
    name: 'Submit',
    hint: 'a venue’s answer',
    metric: 'ox_venue_call_duration_seconds',
    where: { call: 'submit' }
  },
  { id: 'run', name: 'Run', hint: 'one run of an executor', metric: 'ox_order_run_duration_seconds' },
  { id: 'life', name: 'Whole order', hint: 'accept to the end', metric: 'ox_order_duration_seconds' }
]

const WINDOW_MS = 60000
const QUANTILES = [0.5, 0.95, 0.99]

// Stages keeps as many looks as the window needs; read() gives for each stage {n, ms: [p50, p95, p99]}.
export class Stages {
  #looks = [] // {at, histograms: Map(id → buckets)}

  look(samples, at) {
    const histograms = new Map(STAGES.map((s) => [s.id, histogram(samples, s.metric, s.where)]))
    this.#looks.push({ at, histograms })
    while (this.#looks.length > 2 && this.#looks[1].at <= at - WINDOW_MS) this.#looks.shift()
  }

  read() {
    const first = this.#looks[0]
    const last = this.#looks.at(-1)
    return new Map(
      STAGES.map(({ id }) => {
        if (first === last) return [id, { n: 0, ms: [null, null, null] }]
        const buckets = since(first.histograms.get(id), last.histograms.get(id))
        return [id, { n: buckets.at(-1)?.[1] ?? 0, ms: QUANTILES.map((q) => toMs(quantile(q, buckets))) }]
      })
    )
  }
}

const toMs = (seconds) => (seconds === null ? null : seconds * 1000)
