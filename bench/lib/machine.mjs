// What the figures were taken on.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { OXD, ROOT } from './service.mjs'

const version = (dir, name) =>
  JSON.parse(readFileSync(`${ROOT}bench/${dir}node_modules/${name}/package.json`)).version

function output(command, ...args) {
  try {
    return execFileSync(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }).toString()
  } catch (err) {
    return `${err.stdout ?? ''}${err.stderr ?? ''}` // wrk -v ends with 1
  }
}
const firstLine = (...command) => output(...command).split('\n', 1)[0].trim()

function commit() {
  const hash = firstLine('git', 'rev-parse', '--short', 'HEAD')
  const changed = output('git', 'status', '--porcelain', '--untracked-files=no', '--', ':!bench')
  return changed ? `${hash} with changes` : hash
}

export function describeMachine() {
  const release = readFileSync('/etc/os-release', 'utf8').match(/^PRETTY_NAME="?(.*?)"?$/m)[1]
  const [cpu] = os.cpus()
  const memory = `${(os.totalmem() / 2 ** 30).toFixed(0)} GB`
  return `${os.cpus().length} × ${cpu.model}, ${memory}, Linux ${os.release()}, ${release}`
}

export function describeVersions({ postgres, redis }) {
  const packages = ['fastify', 'bullmq', 'ioredis', 'pg', '@fastify/websocket']
  return {
    ox: `${firstLine(OXD, '--version')}, ${commit()}`,
    peer: `Node ${process.versions.node}, ${packages.map((p) => `${p} ${version('peer/', p)}`).join(', ')}`,
    servers:
      `PostgreSQL ${postgres.server_version.split(' ')[0]} (fsync ${postgres.fsync}, ` +
      `synchronous_commit ${postgres.synchronous_commit}, shared_buffers ${postgres.shared_buffers}), ` +
      `Redis ${redis.version} (appendonly ${redis.appendonly}, appendfsync ${redis.appendfsync})`,
    load: `${firstLine('wrk', '-v').split(' ').slice(0, 2).join(' ')}, ${firstLine('h2load', '--version')}, ws ${version('', 'ws')}`
  }
}
