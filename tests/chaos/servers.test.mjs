// The servers of the harness itself: what two faults at a time do to them.
import assert from 'node:assert'
import { chmodSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import test from 'node:test'
import { Redis, removeDirectory } from './servers.mjs'

// Of the children of this process those that are Redis, and run.
function serversRunning() {
  return readdirSync('/proc').filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return stat.includes('(redis-server)') && state !== 'Z' && Number(parent) === process.pid
    } catch {
      return false
    }
  }).length
}

test('two restarts at a time leave one server, which can be ended', async () => {
  const dir = mkdtempSync(path.join(os.tmpdir(), 'ox-servers.'))
  chmodSync(dir, 0o755)
  const redis = await Redis.create(dir, '')
  try {
    await Promise.all([redis.restart(), redis.restart()])
    assert.strictEqual(await redis.cli('ping'), 'PONG')
    assert.strictEqual(serversRunning(), 1)
  } finally {
    await redis.end('SIGKILL')
    const left = serversRunning()
    await removeDirectory(dir)
    assert.strictEqual(left, 0)
  }
})
