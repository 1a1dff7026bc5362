// The environment, under the names that oxd has for the same things.
import { parseArgs } from 'node:util'

const { env } = process
const number = (name, fallback) => Number(env[name] ?? fallback)

// A delay is N or MIN-MAX milliseconds.
function delay(name, fallback) {
  const [min, max = min] = (env[name] ?? fallback).split('-').map(Number)
  return () => min + Math.random() * (max - min)
}

const { values: flags } = parseArgs({ options: { role: { type: 'string', default: 'all' } } })
export const { role } = flags // all | api | worker

export const config = {
  host: env.HOST ?? '127.0.0.1',
  port: number('PORT', 3000),
  databaseUrl: env.DATABASE_URL,
  redisUrl: env.REDIS_URL,
  logLevel: env.LOG_LEVEL ?? 'warn',
  pgPool: 20,
  concurrency: number('QUEUE_CONCURRENCY', 10),
  rateLimit: number('QUEUE_RATE_LIMIT', 100), // 0: off
  rateWindowMs: number('QUEUE_RATE_WINDOW_MS', 60_000),
  quoteDelayMs: delay('QUOTE_DELAY_MS', '200'),
  swapDelayMs: delay('SWAP_DELAY_MS', '2000-3000')
}
