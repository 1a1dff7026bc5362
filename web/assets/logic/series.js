// series.js - figures over time, for plots: as many points as MAX, the oldest go first.

const MAX = 450

// Series has a column of times (seconds) and one for each name; what is not known is null.
export class Series {
  constructor(names, max = MAX) {
    this.names = names
    this.max = max
    this.columns = [[], ...names.map(() => [])]
  }

  add(at, values) {
    this.columns[0].push(at / 1000)
    this.names.forEach((name, i) => this.columns[i + 1].push(values[name] ?? null))
    if (this.columns[0].length > this.max) for (const column of this.columns) column.shift()
  }

  get length() {
    return this.columns[0].length
  }
}

// Rate turns a count that only grows into so many a second; null for the first look, and where the count
// went back because it is counted anew.
export class Rate {
  #at = null
  #count = null

  read(count, at) {
    const [then, before] = [this.#at, this.#count]
    this.#at = at
    this.#count = count
    if (then === null || at <= then || count < before) return null
    return ((count - before) * 1000) / (at - then)
  }
}
