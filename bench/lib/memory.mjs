// What a process holds of the machine's memory.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const SETTLED_KIB = 64
const SETTLED_MS = 1000
const SETTLE_TRIES = 15

function kibOf(text, name) {
  return Number(text.match(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm'))[1])
}

// memoryOf() gives KiB: pss, with its share of what it shares; anonymous, what it has allocated.
export function memoryOf(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')
  return { pssKib: kibOf(text, 'Pss'), anonymousKib: kibOf(text, 'Anonymous') }
}

// settled() is memoryOf() when it has stopped changing.
export async function settled(pid) {
  let last = memoryOf(pid)
  for (let i = 0; i < SETTLE_TRIES; i++) {
    await sleep(SETTLED_MS)
    const now = memoryOf(pid)
    if (Math.abs(now.anonymousKib - last.anonymousKib) <= SETTLED_KIB) return now
    last = now
  }
  return last
}
