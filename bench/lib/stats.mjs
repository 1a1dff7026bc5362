// The little statistics there is.
export function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}

export const median = (values) => quantile(values, 0.5)

export const spread = (values) => ({
  median: median(values),
  min: Math.min(...values),
  max: Math.max(...values)
})

// spreadOf() is the spread of a figure over runs.
export const spreadOf = (runs, key) => spread(runs.map((run) => run[key]))
