// amount.js - amounts as what they are: strings of digits. Nothing here goes through a binary float.

const DECIMAL = /^(\d+)(?:\.(\d+))?$/

// fromUnits('1500000000', 9) is '1.5': base units as a decimal. Without decimals: null.
export function fromUnits(units, decimals) {
  if (!/^\d+$/.test(units ?? '') || !Number.isInteger(decimals)) return null
  const text = units.padStart(decimals + 1, '0')
  const point = text.length - decimals
  return trim(`${text.slice(0, point)}.${text.slice(point)}`)
}

// trim('1.500') is '1.5', trim('007.') is '7'.
export function trim(decimal) {
  const text = decimal.includes('.') ? decimal.replace(/\.?0*$/, '') : decimal
  return text.replace(/^0+(?=\d)/, '')
}

// cut('151.302114', 7) is '151.3021': at most so many digits, the rest is left off, never rounded up.
// The whole part is always whole.
export function cut(decimal, digits) {
  const [, whole, fraction = ''] = DECIMAL.exec(decimal) ?? []
  if (whole === undefined) return decimal
  const zeros = whole === '0' ? /^0*/.exec(fraction)[0].length : 0
  const room = whole === '0' ? zeros + digits : Math.max(0, digits - whole.length)
  return trim(`${whole}.${fraction.slice(0, room)}`)
}

// group('1234567.5') is '1,234,567.5'.
export function group(decimal) {
  const [whole, fraction] = String(decimal).split('.')
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',')
  return fraction === undefined ? grouped : `${grouped}.${fraction}`
}

// plain(1e-7) is '0.0000001': a number from JSON, which was short enough to be read exactly, as text.
export function plain(value) {
  const [mantissa, exponent] = String(value).split('e')
  if (exponent === undefined) return mantissa
  const [whole, fraction = ''] = mantissa.split('.')
  const shift = Number(exponent)
  if (shift < 0) return `0.${'0'.repeat(-shift - whole.length)}${whole}${fraction}`
  return whole + fraction.padEnd(shift, '0')
}

// isDecimal() tells what may be sent as an amount; what else is wrong with it the server says.
export const isDecimal = (text) => DECIMAL.test(text)

// percentToBps('0.5') is 50; null for what is no percentage of at most two decimals.
export function percentToBps(text) {
  const [, whole, fraction = ''] = DECIMAL.exec(text.trim()) ?? []
  if (whole === undefined || whole.length > 3 || fraction.length > 2) return null
  return Number(whole) * 100 + Number(fraction.padEnd(2, '0'))
}

// bpsToPercent(232) is '2.32'.
export const bpsToPercent = (bps) => fromUnits(String(bps), 2)

// share(part, whole) is where part lies on the way to whole, 0 to 1, in steps of a ten-thousandth:
// for drawing, not for reckoning.
export function share(part, whole) {
  if (whole <= 0n) return 0
  const n = Number((part * 10000n) / whole) / 10000
  return Math.min(1, Math.max(0, n))
}
