import { Worker } from 'bullmq'
import { config } from './config.js'
import { executeMarket } from './market.js'
import { QUEUE, channelOf, connect } from './redis.js'

export function startWorker(log, store) {
  const redis = connect(log)

  async function advance(orderId, status, data) {
    const event = await store.advance(orderId, status, data)
    if (!event) return false
    redis
      .publish(channelOf(orderId), JSON.stringify(event))
      .catch((err) => log.error({ err, orderId }, 'cannot publish'))
    return true
  }

  const run = (job) => executeMarket(job.data, (status, data) => advance(job.id, status, data))
  const limiter = { max: config.rateLimit, duration: config.rateWindowMs }
  const worker = new Worker(QUEUE, run, {
    connection: redis,
    concurrency: config.concurrency,
    ...(config.rateLimit > 0 && { limiter })
  })
  worker.on('error', (err) => log.error({ err }, 'worker'))
  worker.on('failed', (job, err) => {
    if (!job?.finishedOn) return // it has another attempt
    advance(job.id, 'failed', { error: err.message }).catch((reason) =>
      log.error({ err: reason, orderId: job.id }, 'cannot record the failure')
    )
  })

  return {
    ready: worker.waitUntilReady(),
    async close() {
      await worker.close()
      await redis.quit()
    }
  }
}
