import { Redis } from 'ioredis'
import { config } from './config.js'

export const QUEUE = 'orders'
export const channelOf = (orderId) => `order:${orderId}`

// BullMQ's workers demand that commands are retried for ever.
export function connect(log, options) {
  const redis = new Redis(config.redisUrl, { maxRetriesPerRequest: null, ...options })
  return redis.on('error', (err) => log.error({ err }, 'redis'))
}
