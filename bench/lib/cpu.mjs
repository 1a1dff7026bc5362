// CPU time from /proc: who used how much between two moments, and how much went to strangers.
import { readFileSync, readdirSync } from 'node:fs'
import { cpus } from 'node:os'

const TICKS_PER_S = 100 // USER_HZ

// A run in which others had so much of the CPU says little.
export const DISTURBED_PCT = 10

// statOf() gives the fields of /proc/PID/stat from the parent's pid on.
function statOf(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return text.slice(text.lastIndexOf(')') + 4).split(' ').map(Number)
}
const ownTicks = (stat) => stat[10] + stat[11]
const waitedTicks = (stat) => stat[12] + stat[13] // of children that are gone

// secondsOf() counts a process with its children, those that are gone too.
function secondsOf(pid) {
  const stat = statOf(pid)
  let ticks = ownTicks(stat) + waitedTicks(stat)
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const child = statOf(name)
      if (child[0] === pid) ticks += ownTicks(child)
    } catch {
      continue // it has just ended
    }
  }
  return ticks / TICKS_PER_S
}

function machine() {
  const line = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]
  const [user, nice, system, , , irq, softirq, steal] = line.split(/\s+/).slice(1).map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_S
}

// The load is this process and the generators it has waited for: its live children are the services.
function loadSeconds() {
  const stat = statOf(process.pid)
  return (ownTicks(stat) + waitedTicks(stat)) / TICKS_PER_S
}

function snapshot(pids) {
  const used = {}
  for (const [name, pid] of Object.entries(pids)) used[name] = secondsOf(pid)
  return { at: performance.now() / 1000, machine: machine(), load: loadSeconds(), used }
}

// meter() starts measuring the processes in pids, a map by name. The function it returns gives their CPU
// seconds since, and foreignPct: the share of the machine that neither they nor the load had, but others
// (or the hypervisor).
export function meter(pids) {
  const from = snapshot(pids)
  return () => {
    const to = snapshot(pids)
    const used = {}
    for (const name of Object.keys(pids)) used[name] = to.used[name] - from.used[name]
    const ours = Object.values(used).reduce((a, b) => a + b, to.load - from.load)
    const capacity = (to.at - from.at) * cpus().length
    const foreign = to.machine - from.machine - ours
    return { used, foreignPct: Math.max(0, (100 * foreign) / capacity) }
  }
}
