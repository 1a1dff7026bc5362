// quotes.js - what the venues offered, as a picture: a dot for each on one axis, the least that is taken as
// a line, the chosen one filled.
import { share } from '../logic/amount.js'
import { money } from '../logic/words.js'
import { h, svg } from './dom.js'

const PERCENT = (x) => `${(4 + x * 92).toFixed(2)}%`

// The axis has a margin, and begins at the smallest amount there is to show: differences are small.
function axisOf(quotes, floor) {
  const all = [...quotes.filter((q) => q.outAmount).map((q) => BigInt(q.outAmount)), floor].filter(
    (a) => a !== null
  )
  const [low, high] = [all.reduce((a, b) => (a < b ? a : b)), all.reduce((a, b) => (a > b ? a : b))]
  return (amount) => (high === low ? 1 : share(amount - low, high - low))
}

function track(quote, at, floor, chosen) {
  const x = PERCENT(at(BigInt(quote.outAmount)))
  return svg(
    'svg',
    { class: 'track', 'aria-hidden': 'true', width: '100%', height: 20 },
    svg('line', { x1: '0', x2: '100%', y1: 10, y2: 10, class: 'axis' }),
    floor === null
      ? null
      : svg('line', { x1: PERCENT(at(floor)), x2: PERCENT(at(floor)), y1: 1, y2: 19, class: 'floor' }),
    svg('line', { x1: '0', x2: x, y1: 10, y2: 10, class: chosen ? 'reach chosen' : 'reach' }),
    svg('circle', { cx: x, cy: 10, r: chosen ? 5 : 4, class: chosen ? 'dot chosen' : 'dot' })
  )
}

const REFUSALS = { NO_SPLIT: 'no gain from splitting' }

function rowOf(quote, at, floor, dex, tokenOut, tokens) {
  const chosen = quote.venue === dex
  const name = h('span', { class: 'venue' }, quote.venue, chosen ? h('span', { class: 'tag' }, 'chosen') : null)
  if (!quote.outAmount) {
    const why = REFUSALS[quote.error] ?? quote.error.toLowerCase().replaceAll('_', ' ')
    return h('li', { class: 'none' }, name, h('span', { class: 'why' }, why))
  }
  const impact = quote.priceImpactBps ? `impact ${quote.priceImpactBps} bps` : ''
  return h(
    'li',
    {},
    name,
    h('span', { class: 'num strong' }, money(quote.outAmount, tokenOut, tokens)),
    track(quote, at, floor, chosen),
    h('span', { class: 'num faint' }, impact)
  )
}

// quotesPicture() of an answer of GET /api/quote, or the data of a building event.
export function quotesPicture({ quotes, route }, tokenOut, tokens) {
  const floor = route ? BigInt(route.minOutAmount) : null
  const at = quotes.some((q) => q.outAmount) ? axisOf(quotes, floor) : null
  const rows = quotes.map((q) => rowOf(q, at, floor, route?.dex, tokenOut, tokens))
  const least =
    route &&
    h(
      'p',
      { class: 'legend' },
      h('span', { class: 'floor-key' }),
      `least that is taken: ${money(route.minOutAmount, tokenOut, tokens)}`
    )
  return h('div', { class: 'quotes' }, h('ul', {}, rows), least)
}
