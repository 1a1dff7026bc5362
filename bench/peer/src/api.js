import { randomBytes } from 'node:crypto'
import websocket from '@fastify/websocket'
import { Queue } from 'bullmq'
import Fastify, { LogController } from 'fastify'
import { config } from './config.js'
import { QUEUE, connect } from './redis.js'
import { openStreams } from './streams.js'

const JOB = {
  attempts: 3,
  backoff: { type: 'exponential', delay: 1000 },
  removeOnComplete: { count: 1000 },
  removeOnFail: { count: 1000 }
}

const token = { type: 'string', minLength: 1, maxLength: 16, pattern: '^[A-Za-z0-9]+$' }
const executeSchema = {
  body: {
    type: 'object',
    additionalProperties: false,
    required: ['tokenIn', 'tokenOut', 'amount', 'slippage'],
    properties: {
      tokenIn: token,
      tokenOut: token,
      amount: { type: 'number', exclusiveMinimum: 0 },
      slippage: { type: 'number', minimum: 0, maximum: 0.5 }
    }
  },
  response: {
    201: {
      type: 'object',
      properties: {
        orderId: { type: 'string' },
        status: { type: 'string' },
        timestamp: { type: 'string', format: 'date-time' }
      }
    }
  }
}

const newId = () => `ord_${Date.now()}_${randomBytes(6).toString('hex')}`

function executeRoute(store, queue) {
  return async (request, reply) => {
    const order = request.body
    if (order.tokenIn === order.tokenOut) {
      return reply.code(400).send({ error: 'tokenIn and tokenOut must differ' })
    }
    const orderId = newId()
    const timestamp = await store.insert(orderId, order)
    try {
      await queue.add('execute', { id: orderId, ...order }, { jobId: orderId })
    } catch (err) {
      await store.advance(orderId, 'failed', { error: 'queue unavailable' })
      throw err
    }
    reply.code(201)
    return { orderId, status: 'pending', timestamp }
  }
}

export async function startApi(log, store) {
  // Many commands of one turn go out in one write: worth 10 % here, nothing in the worker.
  const redis = connect(log, { enableAutoPipelining: true })
  const queue = new Queue(QUEUE, { connection: redis, defaultJobOptions: JOB })
  const streams = openStreams(connect(log), store)
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true })
  })
  await app.register(websocket)

  app.post('/api/orders/execute', { schema: executeSchema }, executeRoute(store, queue))
  app.get('/api/orders/execute', { websocket: true }, (socket, request) => {
    streams.watch(request.query.orderId ?? '', socket).catch((err) => {
      log.error({ err }, 'cannot stream')
      socket.close(1011)
    })
  })
  app.get('/api/orders/stats', async () => ({
    queue: await queue.getJobCounts('waiting', 'active', 'delayed', 'completed', 'failed'),
    websocket: { connections: streams.connections() }
  }))
  app.get('/api/orders/:id', async (request, reply) => {
    const order = await store.get(request.params.id)
    return order ?? reply.code(404).send({ error: 'order not found' })
  })
  app.get('/health', async () => ({ status: 'ok' }))

  await app.listen({ host: config.host, port: config.port })
  return {
    port: app.server.address().port,
    async close() {
      await app.close()
      await queue.close()
      await streams.close()
      await redis.quit()
    }
  }
}
