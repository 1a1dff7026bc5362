// node src/index.js [--role api|worker]: both roles in one process by default. Like oxd it says on
// stderr, as a line of JSON, when it listens, or works.
import pino from 'pino'
import { startApi } from './api.js'
import { config, role } from './config.js'
import { openStore } from './store.js'
import { startWorker } from './worker.js'

const log = pino({ level: config.logLevel }, pino.destination(2))
const store = openStore(log)
const say = (line) => process.stderr.write(`${JSON.stringify(line)}\n`)

const worker = role !== 'api' && startWorker(log, store)
const api = role !== 'worker' && (await startApi(log, store))
if (worker) await worker.ready
say(api ? { msg: 'listening', port: api.port } : { msg: 'working' })

async function stop() {
  if (api) await api.close()
  if (worker) await worker.close()
  await store.close()
  process.exit(0)
}
process.once('SIGINT', stop)
process.once('SIGTERM', stop)
