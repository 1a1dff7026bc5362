// ticket.js - from what stands in the order form to the order that is sent.
import { isDecimal, percentToBps } from './amount.js'

export const SWAPS = ['market', 'limit', 'sniper']
export const isSwap = (type) => SWAPS.includes(type)

const given = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''))

function swap(form) {
  const bps = percentToBps(form.slippage)
  return {
    tokenIn: form.tokenIn,
    tokenOut: form.tokenOut,
    amount: form.amount,
    slippageBps: bps === null ? form.slippage : bps
  }
}

const expiry = (form, now) => (form.expires ? new Date(now + Number(form.expires) * 1000).toISOString() : '')

// orderOf() is the body of POST /api/orders. What is wrong with it the server says, field by field.
export function orderOf(form, now) {
  const common = { clientOrderId: form.clientOrderId, groupId: form.groupId }
  switch (form.type) {
    case 'limit':
      return given({
        type: 'limit',
        ...swap(form),
        limitPrice: form.limitPrice,
        expiresAt: expiry(form, now),
        ...common
      })
    case 'sniper':
      return given({
        type: 'sniper',
        ...swap(form),
        launchToken: form.launchToken,
        expiresAt: expiry(form, now),
        ...common
      })
    case 'delivery': {
      const item_ids = form.items.split(/[\s,]+/).filter(Boolean)
      const goods = { user_id: form.user, total_amount: form.total, address: form.address }
      return { ...given({ type: 'delivery', ...goods, ...common }), item_ids }
    }
    case 'record':
      return given({ type: 'record', id: form.record, amount: form.recordAmount })
    default:
      return given({ type: 'market', ...swap(form), ...common })
  }
}

// quoteQuery() is what to ask the venues for, or null while the form says too little.
export function quoteQuery(form) {
  const bps = percentToBps(form.slippage)
  if (!isSwap(form.type) || !isDecimal(form.amount) || !/[1-9]/.test(form.amount) || bps === null) return null
  if (!form.tokenIn || !form.tokenOut || form.tokenIn === form.tokenOut) return null
  const { tokenIn, tokenOut, amount } = form
  return new URLSearchParams({ tokenIn, tokenOut, amount, slippageBps: String(bps) }).toString()
}

// newKey() is an Idempotency-Key. It works without a secure context, where there is no randomUUID().
export function newKey(random = globalThis.crypto) {
  const bytes = random.getRandomValues(new Uint8Array(16))
  return [...bytes].map((b) => b.toString(16).padStart(2, '0')).join('')
}
