// The load generators: wrk for a time, h2load for a number of requests.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ROOT } from './service.mjs'

const run = promisify(execFile)
const CONNECTIONS = 64
const BODY = `${ROOT}bench/order.json`

async function wrk(url, seconds, args, connections = CONNECTIONS) {
  const { stdout } = await run('wrk', [
    ...['-t1', `-c${connections}`, `-d${seconds}s`, '-s', `${ROOT}bench/wrk.lua`, url, ...args]
  ])
  const result = JSON.parse(stdout.match(/^RESULT (.*)$/m)[1])
  return { ...result, perS: result.requests / result.seconds }
}

export const postFor = (origin, seconds, connections) =>
  wrk(`http://${origin}/api/orders/execute`, seconds, ['--', BODY], connections)

export const getFor = (origin, path, seconds) => wrk(`http://${origin}${path}`, seconds, [])

// getEachFor() asks for the paths in a file, one on each line, over and over.
export const getEachFor = (origin, file, seconds, connections) =>
  wrk(`http://${origin}/`, seconds, ['--', '', file], connections)

// postCount() posts exactly n orders, and wants a 2xx for each.
export async function postCount(origin, n) {
  const { stdout } = await run('h2load', [
    ...['--h1', '-t', '1', '-c', String(Math.min(CONNECTIONS, n)), '-n', String(n)],
    ...['-d', BODY, '-H', 'content-type: application/json'],
    `http://${origin}/api/orders/execute`
  ])
  const accepted = Number(stdout.match(/status codes: (\d+) 2xx/)[1])
  if (accepted !== n) throw new Error(`${accepted} of ${n} orders were accepted:\n${stdout}`)
}
