// What the checker makes of its records.
import assert from 'node:assert'
import test from 'node:test'
import { writerOf } from './checker.mjs'

test('a port belongs to whoever had it at the time', () => {
  const writer = writerOf([
    { port: 7, since: 100, process: 1 },
    { port: 7, since: 200, process: 2 },
    { port: 8, since: 150, process: 1 }
  ])
  assert.strictEqual(writer({ port: 7, stamped: 199.9 }), 1)
  assert.strictEqual(writer({ port: 7, stamped: 200 }), 2)
  assert.strictEqual(writer({ port: 8, stamped: 900 }), 1)
  assert.strictEqual(writer({ port: 9, stamped: 900 }), undefined)
  assert.strictEqual(writer({ port: 7, stamped: 99 }), undefined)
})
