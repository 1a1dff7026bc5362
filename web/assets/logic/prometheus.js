// prometheus.js - what of Prometheus' text format the plots need: samples, and quantiles of histograms.

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \S+)?$/
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g
const ESCAPES = { n: '\n', '\\': '\\', '"': '"' }

// parse() gives a Map from a name to its samples, each {labels, value}.
export function parse(text) {
  const samples = new Map()
  for (const line of text.split('\n')) {
    if (line === '' || line[0] === '#') continue
    const [, name, labels = '', value] = SAMPLE.exec(line) ?? []
    if (!name || Number.isNaN(toNumber(value))) continue
    if (!samples.has(name)) samples.set(name, [])
    samples.get(name).push({ labels: parseLabels(labels), value: toNumber(value) })
  }
  return samples
}

function parseLabels(text) {
  const labels = {}
  for (const [, name, value] of text.matchAll(LABEL))
    labels[name] = value.replace(/\\(.)/g, (_, c) => ESCAPES[c] ?? c)
  return labels
}

const toNumber = (text) => (/^\+?Inf$/.test(text) ? Infinity : text === '-Inf' ? -Infinity : Number(text))

// histogram() adds up the buckets of those series that have these labels: [[upper bound, count of all up
// to it], …] by bound.
export function histogram(samples, name, where = {}) {
  const counts = new Map()
  for (const { labels, value } of samples.get(`${name}_bucket`) ?? []) {
    if (!Object.entries(where).every(([key, wanted]) => labels[key] === wanted)) continue
    const bound = toNumber(labels.le)
    counts.set(bound, (counts.get(bound) ?? 0) + value)
  }
  return [...counts].sort(([a], [b]) => a - b)
}

// since() is what came between two looks at a histogram; all of the later one if the process began anew.
export function since(earlier, later) {
  const before = new Map(earlier)
  const total = (buckets) => buckets.at(-1)?.[1] ?? 0
  if (total(later) < total(earlier)) return later
  return later.map(([bound, count]) => [bound, Math.max(0, count - (before.get(bound) ?? 0))])
}

// quantile() is the value below which the share q of what was observed lies, as histogram_quantile has it:
// between a bucket's bounds in proportion. null when nothing was observed; beyond the last bound it is that.
export function quantile(q, buckets) {
  const total = buckets.at(-1)?.[1] ?? 0
  if (total === 0) return null
  const rank = q * total
  const i = buckets.findIndex(([, count]) => count >= rank)
  const [bound, count] = buckets[i]
  if (bound === Infinity) return i > 0 ? buckets[i - 1][0] : null
  const [lower, below] = i > 0 ? buckets[i - 1] : [0, 0]
  return count === below ? bound : lower + (bound - lower) * ((rank - below) / (count - below))
}
