// What a claim costs when few orders wait, and when many do.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { meter } from './cpu.mjs'
import { explained, otherPlans, prepareExplain } from './explain.mjs'
import { growQueue } from './grow.mjs'
import { postCount } from './load.mjs'
import { settled } from './memory.mjs'
import { ROOT, SIDES, startService } from './service.mjs'
import { undisturbed } from './undisturbed.mjs'
import { SERVERS } from './world.mjs'

const FILL_MS = 300_000
const NO_DELAYS = { QUOTE_DELAY_MS: '0', SWAP_DELAY_MS: '0', QUEUE_CONCURRENCY: '10' }
const SLOWLOG_MAX = 200_000
const CLAIM_STATEMENT = /^WITH now AS .*, m AS \(UPDATE orders o SET fence = o\.fence \+ 1,.*owner = \$3/s

const lua = (name) => readFileSync(`${ROOT}src/queue/lua/${name}.lua`)
const CLAIM_SCRIPT = createHash('sha1')
  .update(Buffer.concat([lua('prelude'), Buffer.from('\n'), lua('claim')]))
  .digest('hex')

async function call(origin, path, method = 'GET') {
  const answer = await fetch(`http://${origin}${path}`, { method })
  if (!answer.ok) throw new Error(`${method} ${path}: ${await answer.text()}`)
  return answer.json()
}

async function until(origin, what, done) {
  for (const end = Date.now() + FILL_MS; ; await sleep(20)) {
    const queue = await call(origin, '/queue/stats')
    if (done(queue)) return queue
    if (Date.now() > end) throw new Error(`not ${what}: ${JSON.stringify(queue)}`)
  }
}

// run() lets about n orders go, and waits until those that began have ended.
async function run(origin, n) {
  const { completed } = await call(origin, '/queue/stats')
  await call(origin, '/queue/resume', 'POST')
  await until(origin, 'run', (queue) => queue.completed >= completed + n)
  await call(origin, '/queue/pause', 'POST')
  await until(origin, 'at rest', (queue) => queue.active === 0)
}

// scriptUs() gives the time of all claims, as Redis measured it.
async function scriptUs(redis) {
  const entries = await redis('SLOWLOG', 'GET', SLOWLOG_MAX)
  const claims = entries.filter(([, , , [, sha]]) => sha === CLAIM_SCRIPT)
  if (claims.length === 0) throw new Error('no claim was seen in Redis')
  return claims.reduce((sum, [, , us]) => sum + us, 0)
}

const LIFE = `
  SELECT count(*) FILTER (WHERE status = 'confirmed')::int AS confirmed,
         count(*) FILTER (WHERE status = 'routing')::int AS claimed,
         extract(epoch FROM max(at) - min(at))::float8 AS seconds
  FROM order_events WHERE seq > 1 AND at > $1::timestamptz`

async function lifeOf(world, since) {
  const [life] = await world.sql(LIFE, [since])
  if (life.confirmed !== life.claimed) throw new Error(`unfinished: ${JSON.stringify(life)}`)
  return life
}

const now = async (world) => (await world.sql('SELECT clock_timestamp()::text AS at'))[0].at

async function measureRun(servers, world, { origin, pids }, orders) {
  const since = await now(world)
  await servers.redis('SLOWLOG', 'RESET')
  const stop = meter({ ...pids, ...SERVERS })
  await run(origin, orders)
  const { used, foreignPct } = stop()
  const { claimed, seconds } = await lifeOf(world, since)
  const cpu = used.all + used.postgres + used.redis
  return {
    orders: claimed,
    perS: claimed / seconds,
    cpuUs: (1e6 * cpu) / claimed,
    scriptUs: (await scriptUs(servers.redis)) / claimed,
    foreignPct
  }
}

// explainRun() gives the statements of a run, and what of their time was the claims', for each order.
async function explainRun(world, { origin }, orders) {
  const since = await now(world)
  const statements = await explained(world, () => run(origin, orders))
  const { claimed } = await lifeOf(world, since)
  const claims = [...statements].filter(([query]) => CLAIM_STATEMENT.test(query))
  if (claims.length !== 1) throw new Error(`${claims.length} statements claim`)
  return { statements, statementUs: (1000 * claims[0][1].ms) / claimed }
}

async function measureDepth(servers, world, depth, { rounds, orders }) {
  const setUp = await startService(SIDES.ox, world, ['api'], NO_DELAYS)
  await setUp.stop()
  await growQueue(world, depth)
  await world.sql('UPDATE queue_pause SET paused = true, version = version + 1')
  await prepareExplain(world)
  const service = await startService(SIDES.ox, world, ['all'], NO_DELAYS)
  // Who was claimed in the moment of the pause waits with a delay.
  const all = ({ waiting, delayed }) => waiting + delayed === depth
  const full = () => until(service.origin, 'full', all)
  try {
    const begun = performance.now()
    await full()
    const restoredS = (performance.now() - begun) / 1000
    await world.sql('CHECKPOINT')
    await servers.redis('CONFIG', 'SET', 'slowlog-max-len', SLOWLOG_MAX)
    await servers.redis('CONFIG', 'SET', 'slowlog-log-slower-than', 0)
    const once = async () => {
      const figures = await measureRun(servers, world, service, orders)
      await postCount(service.origin, figures.orders)
      await full()
      return figures
    }
    await once() // the warm-up
    const memory = await settled(service.pids.all)
    const runs = []
    for (let round = 0; round < rounds; round++) runs.push(await undisturbed(once))
    const { statements, statementUs } = await explainRun(world, service, orders)
    return { depth, restoredS, memory, runs, statementUs, statements }
  } finally {
    await servers.redis('CONFIG', 'SET', 'slowlog-log-slower-than', 10_000)
    await service.stop()
  }
}

// measureWaiting() ends with the depth it began with: what changed on the machine meanwhile is seen.
export async function measureWaiting(servers, { waiting, ...options }) {
  const depths = []
  for (const depth of [...waiting, waiting[0]]) {
    const world = await servers.createWorld()
    try {
      depths.push(await measureDepth(servers, world, depth, options))
    } finally {
      await world.destroy()
    }
    console.error(`  ${depth}: ${JSON.stringify(depths.at(-1).runs)}`)
  }
  const large = depths[waiting.length - 1].statements
  const changed = otherPlans([depths[0].statements, depths.at(-1).statements], large)
  for (const one of depths) delete one.statements
  return { depths, changed }
}
