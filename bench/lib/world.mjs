// The servers that scripts/servers.sh runs for us: for each run a fresh database and an empty Redis.
import { Redis } from 'ioredis'
import pg from 'pg'

const { DATABASE_URL, REDIS_URL, PG_PID, REDIS_PID } = process.env
const { DATABASE_SOCKET_URL = DATABASE_URL, REDIS_SOCKET_URL = REDIS_URL } = process.env

export const REDIS_URLS = { url: REDIS_URL, socket: REDIS_SOCKET_URL }
export const SERVERS = { postgres: Number(PG_PID), redis: Number(REDIS_PID) }
const NAME = 'ox_bench'
const WAL_BYTES = 1 << 30

function databaseUrl(name) {
  const url = new URL(DATABASE_SOCKET_URL)
  url.pathname = `/${name}`
  return url.href
}

async function rows(client, text, values) {
  return (await client.query(text, values)).rows
}

export async function openServers() {
  if (!REDIS_PID) throw new Error('run me with: scripts/servers.sh tmp -- node bench/run.mjs')
  const admin = new pg.Client(DATABASE_URL)
  const redis = new Redis(REDIS_URL)
  await admin.connect()

  async function enter(name) {
    const url = databaseUrl(name)
    const client = new pg.Client(url)
    await client.connect()
    return {
      env: { DATABASE_URL: url, REDIS_URL: REDIS_SOCKET_URL },
      sql: (text, values) => rows(client, text, values),
      leave: () => client.end(),
      async destroy() {
        await client.end()
        await admin.query(`DROP DATABASE ${name} WITH (FORCE)`)
      }
    }
  }

  return {
    // prepareLog() fills log segments once: writing a new one stalls commits, a recycled one does not.
    async prepareLog() {
      const piece = 8 << 20
      for (let written = 0; written < WAL_BYTES; written += piece)
        await admin.query(`SELECT pg_logical_emit_message(false, '', repeat('x', ${piece}))`)
      await admin.query('CHECKPOINT')
    },

    async settings() {
      const names = ['server_version', 'fsync', 'synchronous_commit', 'shared_buffers']
      const found = await rows(
        admin,
        'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) name',
        [names]
      )
      const redisVersion = (await redis.info('server')).match(/redis_version:(\S+)/)[1]
      const [, appendonly] = await redis.config('GET', 'appendonly')
      const [, appendfsync] = await redis.config('GET', 'appendfsync')
      const postgres = Object.fromEntries(found.map((r) => [r.name, r.value]))
      return { postgres, redis: { version: redisVersion, appendonly, appendfsync } }
    },

    // redis() sends it a command.
    redis: (...command) => redis.call(...command),

    async createWorld(name = NAME) {
      await redis.flushall()
      await admin.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`)
      await admin.query(`CREATE DATABASE ${name}`)
      await admin.query('CHECKPOINT')
      return enter(name)
    },

    // findWorld() is undefined when there is none.
    async findWorld(name) {
      const found = await rows(admin, 'SELECT 1 FROM pg_database WHERE datname = $1', [name])
      return found.length ? enter(name) : undefined
    },

    async close() {
      redis.disconnect()
      await admin.end()
    }
  }
}
