// Orders and their events in PostgreSQL. Statements have names: each connection parses and plans them
// once. An order and its event go into one statement: one round trip and one commit for each state.
import pg from 'pg'
import { config } from './config.js'

const INSERT = `
  WITH o AS (INSERT INTO orders (order_id, token_in, token_out, amount, slippage)
             VALUES ($1, $2, $3, $4, $5) RETURNING order_id, created_at)
  INSERT INTO order_events (order_id, status, at) SELECT order_id, 'pending', created_at FROM o
  RETURNING at`

const ADVANCE = `
  WITH o AS (UPDATE orders SET status = $2, dex = coalesce($3, dex),
                    executed_price = coalesce($4, executed_price),
                    tx_hash = coalesce($5, tx_hash), error = $6, updated_at = clock_timestamp()
             WHERE order_id = $1 AND status <> 'confirmed' RETURNING order_id)
  INSERT INTO order_events (order_id, status, data) SELECT order_id, $2, $7 FROM o
  RETURNING seq, at`

export function openStore(log) {
  const pool = new pg.Pool({ connectionString: config.databaseUrl, max: config.pgPool })
  pool.on('error', (err) => log.error({ err }, 'an idle connection to PostgreSQL broke'))
  const query = async (name, text, values) => (await pool.query({ name, text, values })).rows

  return {
    async insert(id, { tokenIn, tokenOut, amount, slippage }) {
      const [event] = await query('insert', INSERT, [id, tokenIn, tokenOut, amount, slippage])
      return event.at
    },

    // advance() moves an order to a status; undefined when it was confirmed already.
    async advance(id, status, data = {}) {
      const { dex, executedPrice, txHash, error } = data
      const values = [id, status, dex, executedPrice, txHash, error, data]
      const [event] = await query('advance', ADVANCE, values)
      return event && { orderId: id, status, seq: Number(event.seq), at: event.at, ...data }
    },

    async get(id) {
      return (await query('get', 'SELECT * FROM orders WHERE order_id = $1', [id]))[0]
    },

    async events(id) {
      const text = 'SELECT seq, status, data, at FROM order_events WHERE order_id = $1 ORDER BY seq'
      const rows = await query('events', text, [id])
      return rows.map(({ seq, status, data, at }) => ({
        orderId: id,
        status,
        seq: Number(seq),
        at,
        ...data
      }))
    },

    close: () => pool.end()
  }
}
