// Random draws that a seed repeats.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0
  }

  // fork() is another sequence, so that one part's draws do not shift another's.
  fork(name) {
    let h = this.state
    for (const c of name) h = Math.imul(h ^ c.charCodeAt(0), 0x01000193) >>> 0
    return new Random(h)
  }

  // mulberry32 (T. Ettinger), from 0 to below 1.
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let t = this.state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }

  int(min, max) {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(p) {
    return this.next() < p
  }

  pick(list) {
    return list[this.int(0, list.length - 1)]
  }
}
