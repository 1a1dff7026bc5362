import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  bpsToPercent,
  cut,
  fromUnits,
  group,
  isDecimal,
  percentToBps,
  plain,
  share,
  trim
} from '../../web/assets/logic/amount.js'

test('base units as decimals, to the last digit', () => {
  assert.equal(fromUnits('1500000000', 9), '1.5')
  assert.equal(fromUnits('1', 9), '0.000000001')
  assert.equal(fromUnits('0', 6), '0')
  assert.equal(fromUnits('100', 0), '100')
  assert.equal(fromUnits('9007199254740993', 3), '9007199254740.993') // beyond what a float holds
  assert.equal(fromUnits('18446744073709551615', 9), '18446744073.709551615')
})

test('what is no amount of base units, or of a token that is not known', () => {
  for (const units of ['', '-1', '1.5', '1e3', 'x', undefined, null]) assert.equal(fromUnits(units, 9), null)
  assert.equal(fromUnits('15', undefined), null)
})

test('trimmed, cut without rounding up, grouped', () => {
  assert.deepEqual(['1.500', '10', '0.0', '007', '1.'].map(trim), ['1.5', '10', '0', '7', '1'])
  assert.equal(cut('151.302114', 7), '151.3021')
  assert.equal(cut('0.99999', 2), '0.99')
  assert.equal(cut('0.000012345', 3), '0.0000123')
  assert.equal(cut('1234567.89', 3), '1234567')
  assert.equal(cut('soon', 3), 'soon')
  assert.deepEqual(['1', '1234', '1234567.8912', '123456'].map(group), [
    '1',
    '1,234',
    '1,234,567.8912',
    '123,456'
  ])
})

test('numbers of JSON are shown without an exponent', () => {
  assert.deepEqual([1.5, 1e-7, 1.25e-9, 1e21, 1.5e22, '0.10'].map(plain), [
    '1.5',
    '0.0000001',
    '0.00000000125',
    '1000000000000000000000',
    '15000000000000000000000',
    '0.10'
  ])
})

test('percentages are basis points, and nothing else is', () => {
  assert.deepEqual(['1', '0.5', '0.05', '50', ' 2.25 '].map(percentToBps), [100, 50, 5, 5000, 225])
  for (const text of ['', '0.005', '-1', '1e2', '.5', '1,5', '1000'])
    assert.equal(percentToBps(text), null, text)
  assert.equal(bpsToPercent(232), '2.32')
})

test('decimals that may be sent', () => {
  assert(['1', '1.5', '0.000000001'].every(isDecimal))
  assert(!['', '.5', '1.', '+1', '1e9', '1 000'].some(isDecimal))
})

test('a share of a whole, for drawing', () => {
  assert.equal(share(1n, 4n), 0.25)
  assert.equal(share(10n ** 30n, 3n * 10n ** 30n), 0.3333)
  assert.equal(share(5n, 0n), 0)
  assert.equal(share(-5n, 10n), 0)
  assert.equal(share(50n, 10n), 1)
})
