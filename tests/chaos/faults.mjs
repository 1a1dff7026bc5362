// What can go wrong. Each fault is applied, lasts, and heals itself; it gets the world, draws of its own, and what
// the spec says of it.

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

export const FAILPOINTS = {
  api: ['accept_committed', 'before_relay', 'after_relay', 'before_turn', 'history_read', 'in_doubt'],
  worker: [
    ...['claimed', 'owned', 'before_step', 'step_committed', 'before_relay', 'after_relay'],
    ...['before_intent', 'before_send', 'after_send', 'landed', 'in_doubt', 'before_turn']
  ]
}

const anySlot = (world, random) => random.pick(world.slots)

// ── processes ───────────────────────────────────────────────────────────────────────────────────

async function stopped(world, slot, ms) {
  slot.signal('SIGSTOP')
  await sleep(ms)
  slot.signal('SIGCONT')
}

// ── servers ─────────────────────────────────────────────────────────────────────────────────────

async function frozen(world, name, server, ms) {
  world.note('fault', `${name} stopped for ${ms} ms`)
  await server.freeze()
  await sleep(ms)
  server.thaw()
  world.note('fault', `${name} goes on`)
}

async function shimmed(world, name, server, state, ms) {
  world.note('fault', `${name}: ${JSON.stringify(state)} for ${ms} ms`)
  await server.setShim(state)
  await sleep(ms)
  await server.setShim({})
  world.note('fault', `${name}: as it was`)
}

// say() gives Redis a command, if it is there to hear it.
async function say(world, ...args) {
  world.note('fault', `Redis: ${args.join(' ')}`)
  await world.lane.redis.cli(...args).catch(() => {})
}

// ── links ───────────────────────────────────────────────────────────────────────────────────────

async function bent(world, link, what, ms) {
  world.note('fault', `${link.name}: ${JSON.stringify(what)} for ${ms} ms`)
  const { delayMs = 0, ...mode } = what
  link.delayMs = delayMs
  link.set(mode)
  await sleep(ms)
  link.heal()
  world.note('fault', `${link.name}: healed`)
}

const LABELS = ['ox journal', 'ox journal', 'ox journal', 'ox session', 'ox sweeper', 'ox sim ledger']

export const FAULTS = {
  async kill_api(world, random) {
    random.pick(world.apis).signal('SIGKILL')
  },
  async kill_worker(world, random) {
    random.pick(world.workers).signal('SIGKILL')
  },
  async stop_worker(world, random) {
    const ms = world.spec.leaseMs * (1.1 + random.next())
    await stopped(world, random.pick(world.workers), Math.round(ms))
  },
  async stop_api(world, random) {
    await stopped(world, random.pick(world.apis), random.int(300, 2500))
  },
  async term_worker(world, random) {
    random.pick(world.workers).signal('SIGTERM')
  },
  async term_api(world, random) {
    random.pick(world.apis).signal('SIGTERM')
  },
  async term_twice(world, random) {
    const { daemon } = anySlot(world, random) // not the one that is started after it
    daemon.signal('SIGTERM')
    await sleep(random.int(0, 1000))
    daemon.signal('SIGTERM')
  },

  async redis_restart(world, random) {
    const { redis } = world.lane
    if (!redis.alive) return
    world.note('fault', 'Redis killed')
    await redis.end('SIGKILL')
    await sleep(random.int(0, 1500))
    await redis.start()
    world.note('fault', 'Redis is back, empty')
  },
  async redis_flushall(world) {
    await say(world, 'flushall')
  },
  async redis_script_flush(world) {
    await say(world, 'script', 'flush')
  },
  async redis_stop(world, random) {
    await frozen(world, 'Redis', world.lane.redis, random.int(500, 4000))
  },
  async redis_full(world, random) {
    await say(world, 'config', 'set', 'maxmemory', '1')
    await sleep(random.int(300, 2000))
    await say(world, 'config', 'set', 'maxmemory', '0')
  },
  async redis_clock_back(world, random, { ms = random.int(500, 2500), offsetMs = -3600000 }) {
    await shimmed(world, 'Redis', world.lane.redis, { offsetMs }, ms)
  },
  async redis_clock_ahead(world, random, { ms = random.int(500, 2500), offsetMs = 3600000 }) {
    await shimmed(world, 'Redis', world.lane.redis, { offsetMs }, ms)
  },

  async pg_restart(world) {
    if (world.restarting) return
    world.restarting = true
    world.note('fault', 'PostgreSQL crashes')
    await world.lane.pg.restart().catch(() => {}) // its disk is full: it is started with the healing
    world.restarting = false
    world.note('fault', 'PostgreSQL is back')
  },
  async pg_stop(world, random) {
    await frozen(world, 'PostgreSQL', world.lane.pg, random.int(500, 4000))
  },
  async pg_full(world, random) {
    await shimmed(world, 'PostgreSQL', world.lane.pg, { full: true }, random.int(300, 2000))
    if (!world.lane.pg.alive && !world.restarting) await world.lane.pg.start()
  },
  async pg_connections(world, random) {
    world.note('fault', 'PostgreSQL: 2 connections for all')
    await world.lane.pg.setConnectionLimit('oxd', 2).catch(() => {})
    await sleep(random.int(300, 2500))
    await world.lane.pg.setConnectionLimit('oxd', -1).catch(() => {})
    world.note('fault', 'PostgreSQL: connections for all')
  },

  async lose_reply(world, random, { link: name, label = random.pick(LABELS) }) {
    const link = name ? world.link(name) : anySlot(world, random).pg
    world.note('fault', `${link.name}: the next answer to ${label} is lost`)
    link.loseReply(label)
  },
  async cut(world, random, { link: name }) {
    const link = name ? world.link(name) : random.pick(anySlot(world, random).links)
    world.note('fault', `${link.name}: cut`)
    link.cut()
  },
  async half_open(world, random) {
    const link = random.pick(anySlot(world, random).links)
    world.note('fault', `${link.name}: half open`)
    link.halfOpen()
    await sleep(random.int(300, 3000))
    link.heal()
  },
  async one_way(world, random) {
    const link = random.pick(anySlot(world, random).links)
    const direction = random.pick(['up', 'down'])
    await bent(world, link, { [direction]: 'hold' }, random.int(200, 3000))
  },
  async lossy(world, random) {
    const link = random.pick(anySlot(world, random).links)
    await bent(world, link, { [random.pick(['up', 'down'])]: 'drop' }, random.int(100, 600))
    link.cut()
  },
  async slow_link(world, random, { link: name, delayMs, ms }) {
    const link = name ? world.link(name) : random.pick(anySlot(world, random).links)
    const how = { delayMs: delayMs ?? random.int(20, 400) }
    await bent(world, link, how, ms ?? random.int(500, 3000))
  },
  async refused(world, random, { link: name, ms }) {
    const link = name ? world.link(name) : random.pick(anySlot(world, random).links)
    link.cut()
    await bent(world, link, { connect: 'refuse' }, ms ?? random.int(200, 2500))
  }
}

// wakeStopped() lets processes that a fail-point stopped go on once their lease is over.
export async function wakeStopped(world) {
  for (const slot of world.slots) {
    if (slot.waking || !(await slot.isStopped())) continue
    slot.waking = true
    world.note('fault', `${slot.name} stands still`)
    setTimeout(() => {
      slot.waking = false
      slot.signal('SIGCONT')
    }, world.spec.stoppedMs ?? world.spec.leaseMs * 1.3)
  }
}
