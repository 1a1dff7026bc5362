// words.js - what is shown in words: times, durations, kinds of orders, decisions.
import { bpsToPercent, cut, fromUnits, group, plain } from './amount.js'
import { isOpen } from './store.js'

const UNITS = [
  ['d', 86400],
  ['h', 3600],
  ['m', 60]
]

// duration(1234) is '1.23 s', duration(3_700_000) is '1 h 1 m': never more than two parts.
export function duration(ms) {
  if (!Number.isFinite(ms)) return '–'
  if (ms < 1) return ms > 0 ? `${ms.toFixed(2)} ms` : '0 ms'
  if (ms < 1000) return `${ms < 10 && !Number.isInteger(ms) ? ms.toFixed(1) : Math.round(ms)} ms`
  if (ms < 60000) return `${(ms / 1000).toFixed(ms < 10000 ? 2 : 1)} s`
  let s = Math.round(ms / 1000)
  const parts = []
  for (const [name, size] of UNITS) {
    const n = Math.floor(s / size)
    s -= n * size
    if (n > 0 || parts.length > 0) parts.push(`${n} ${name}`)
  }
  if (parts.length < 2) parts.push(`${s} s`)
  return parts.slice(0, 2).join(' ')
}

// clock() is the time of day where the reader is, with milliseconds if asked for.
export function clock(time, withMs = false) {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return '–'
  const two = (n) => String(n).padStart(2, '0')
  const text = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return withMs ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text
}

// shortId() is an id by its end, where ids of the same minute differ.
export const shortId = (orderId) => `…${orderId.slice(-8)}`

// money() is base units of a token as people write them; units where its decimals are not known.
export function money(units, token, tokens, digits = 9) {
  if (units === undefined || units === null) return null
  const decimal = fromUnits(units, tokens.get(token))
  return decimal === null ? `${group(units)} units of ${token}` : `${group(cut(decimal, digits))} ${token}`
}

// subject() says what an order is about.
export function subject(order) {
  const amount = order.amount === undefined ? '' : group(plain(order.amount))
  switch (order.type) {
    case 'delivery':
      return `${order.item_ids.length} ${order.item_ids.length === 1 ? 'item' : 'items'} for ${order.user_id}`
    case 'record':
      return `${order.id} · ${amount}`
    default:
      return order.tokenIn ? `${amount} ${order.tokenIn} → ${order.tokenOut}` : order.type
  }
}

// failed() tells a failure from what an attempt before this one has left.
export const failed = (order) => Boolean(order.error) && !isOpen(order)

// result() says what came of it, or what it waits for.
export function result(order, tokens) {
  if (failed(order)) return order.error.code
  if (order.outAmount) return money(order.outAmount, order.tokenOut, tokens)
  if (order.shipment) return order.shipment.step.replaceAll('_', ' ')
  if (order.type === 'limit' && order.phase !== 'cancelled')
    return `from ${group(plain(order.limitPrice))} ${order.tokenOut}`
  if (order.type === 'sniper' && order.phase !== 'cancelled') return `first listing of ${order.launchToken}`
  return ''
}

// decision() tells a building event's routing as sentences.
export function decision({ route, reason, counterfactual }, order, tokens) {
  if (!route) return []
  const inAmount = (units) => money(units, order.tokenIn, tokens)
  const outAmount = (units) => money(units, order.tokenOut, tokens)
  const lines = []
  if (route.legs?.length > 1) {
    const legs = route.legs.map((leg) => `${inAmount(leg.inAmount)} over ${leg.venue}`)
    lines.push(`Split in one transaction: ${legs.join(' and ')}.`)
  } else {
    lines.push(`All of it over ${route.dex}.`)
  }
  if (reason) lines.push(`${reason[0].toUpperCase()}${reason.slice(1)}.`)
  if (counterfactual && counterfactual.gainAmount !== '0')
    lines.push(
      `${outAmount(counterfactual.gainAmount)} (${bpsToPercent(counterfactual.gainBps)} %) more than over` +
        ` ${counterfactual.dex}, which would have given ${outAmount(counterfactual.outAmount)}.`
    )
  lines.push(`Expected ${outAmount(route.outAmount)}, and never less than ${outAmount(route.minOutAmount)}.`)
  return lines
}

// problem() is an answer that went wrong, in a line.
export function problem(failure) {
  if (!failure.problem) return failure.message
  const { detail, title, code } = failure.problem
  return `${detail ?? title}${code ? ` (${code})` : ''}`
}
