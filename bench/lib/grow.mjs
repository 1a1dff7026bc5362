// A database that has grown: orders that ended, or that wait, written by COPY. Awk makes the rows; indexes
// are made anew behind them. Nothing else is written by anybody but oxd.
const NEWEST_AGE_MS = 60_000
export const STEP_MS = 3000 // between two orders: 10 M of them are most of a year
const FAILED_EVERY = 50
const CANCELLED_EVERY = 100
export const RARE_TOKEN = 'BONK'
const RARE_EVERY = 100

// An id begins with its order's time in ms, as every ULID does; the rest of it is as good as random.
const AWK = String.raw`
function id(i) {
  ms = first + i * ${STEP_MS}
  return sprintf("%08x-%04x-7%03x-8%03x-%06x%06x",
    int(ms / 65536), ms % 65536, i % 4096, i * 7919 % 4096, i * 7001 % 16777216, i)
}
function at(i, later) {
  ms = first + i * ${STEP_MS} + later
  return strftime("%Y-%m-%d %H:%M:%S", int(ms / 1000), 1) sprintf(".%03d+00", ms % 1000)
}
function phase(i) { return i % ${FAILED_EVERY} == 1 ? 3 : i % ${CANCELLED_EVERY} == 2 ? 4 : 2 }
function payload(i) {
  return "{\"tokenIn\":\"" (i % ${RARE_EVERY} == 3 ? "${RARE_TOKEN}" : "SOL") \
    "\",\"tokenOut\":\"USDC\",\"amount\":1.5,\"slippage\":0.01}"
}
function result(i) {
  return "{\"dex\":\"raydium\",\"executedPrice\":\"153.199820\",\"inAmount\":\"1500000000\"," \
    "\"outAmount\":\"229799730\",\"minOutAmount\":\"226409984\"," \
    "\"txHash\":\"GDVJJdmd7Pheq3D8tK2n4jGedTKd3jq5q" sprintf("%010d", i) "\"}"
}
function failure() { return "{\"code\":\"SLIPPAGE_EXCEEDED\",\"message\":\"the price moved\",\"outcome\":\"none\"}" }
BEGIN { OFS = "\t"; status[2] = "confirmed"; status[3] = "failed"; status[4] = "cancelled"; null = "\\N" }
`

const ACCEPTED_TOGETHER = 100
const ACCEPTS = {
  columns: 'order_ids',
  rows: `
      ids = ids (ids ? "," : "") id(i)
      if (i % ${ACCEPTED_TOGETHER} == ${ACCEPTED_TOGETHER - 1} || i == n - 1) { print "{" ids "}"; ids = "" }`
}

// Named: one in ten orders, by its caller.
const ENDED = {
  orders: {
    columns: `order_id, tenant, client_order_id, type, status, phase, ver, step, fence, payload, state, result,
      error, created_at, updated_at, completed_at, accepted_as`,
    rows: String.raw`
      p = phase(i)
      print id(i), "default", i % 10 ? null : "h-" i, "market", status[p], p, 2, 3, 1, payload(i),
        p == 2 ? "\\\\x010000000000000000be7e0d00000000" : null, p == 2 ? result(i) : null,
        p == 3 ? failure() : null, at(i, 0), at(i, 900), at(i, 900), "pending"`
  },
  accepts: ACCEPTS,
  steps: {
    columns: 'order_id, step, seq, status, phase, attempt, at, data',
    rows: `
      p = phase(i)
      print id(i), 3, 2, status[p], p, 1, at(i, 900), p == 2 ? result(i) : p == 3 ? failure() : null`
  }
}

const WAITING = {
  orders: {
    columns: 'order_id, tenant, type, status, payload, created_at, updated_at, accepted_as',
    rows: 'print id(i), "default", "market", "pending", payload(i), at(i, 0), at(i, 0), "pending"'
  },
  accepts: ACCEPTS
}

const INDEXES = `
  SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition,
         k.conname AS key, pg_get_constraintdef(k.oid) AS key_definition
  FROM pg_index i LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid
  WHERE i.indrelid = $1::regclass`

async function dropIndexes(sql, table) {
  const indexes = await sql(INDEXES, [table])
  for (const { name, key } of indexes)
    await sql(key ? `ALTER TABLE ${table} DROP CONSTRAINT ${key}` : `DROP INDEX ${name}`)
  return indexes.map(({ definition, key, key_definition }) =>
    key ? `ALTER TABLE ${table} ADD CONSTRAINT ${key} ${key_definition}` : definition
  )
}

// copy() leaves the rows frozen, so that nobody has to visit them again. PostgreSQL runs awk itself.
async function copy(sql, table, { columns, rows }, n, firstMs) {
  const program = `${AWK} BEGIN { first = ${firstMs}; n = ${n}; for (i = 0; i < n; i++) { ${rows} } }`
  await sql('BEGIN')
  await sql(`TRUNCATE ${table}`)
  const indexes = await dropIndexes(sql, table)
  await sql(`COPY ${table} (${columns}) FROM PROGRAM $command$awk '${program}'$command$ WITH (FREEZE)`)
  await sql('COMMIT')
  for (const definition of indexes) await sql(definition)
}

async function grow({ sql }, tables, n) {
  const firstMs = Date.now() - NEWEST_AGE_MS - n * STEP_MS
  await sql("SET maintenance_work_mem = '1GB'")
  for (const [table, shape] of Object.entries(tables)) await copy(sql, table, shape, n, firstMs)
  await sql('VACUUM ANALYZE')
  await sql('CHECKPOINT')
  return firstMs
}

// growHistory() gives n orders that ended, with their first event and their last, in an empty database;
// growQueue() n orders that wait. They give the time of the first.
export async function growHistory(world, n) {
  const firstMs = await grow(world, ENDED, n)
  await world.sql('SELECT totals_recount(pg_snapshot_xmin(pg_current_snapshot()))') // as when oxd writes them
  return firstMs
}
export const growQueue = (world, n) => grow(world, WAITING, n)

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

// orderId() is what awk's id() is, as clients see it.
export function orderId(firstMs, i) {
  const hex = (n, width) => Math.floor(n).toString(16).padStart(width, '0')
  const time = hex(firstMs + i * STEP_MS, 12)
  const rest = `7${hex(i % 4096, 3)}8${hex((i * 7919) % 4096, 3)}${hex((i * 7001) % 16777216, 6)}`
  let n = BigInt(`0x${time}${rest}${hex(i, 6)}`)
  let text = ''
  for (let k = 0; k < 26; k++, n /= 32n) text = CROCKFORD[Number(n % 32n)] + text
  return `ord_${text}`
}
