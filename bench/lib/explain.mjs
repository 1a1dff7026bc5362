// What PostgreSQL says of the statements it runs: how long each took, and by which plan (auto_explain).
import { readFileSync } from 'node:fs'

const LOG = `${process.env.SERVERS_DIR}/pg/log`
const ENTRY = /LOG: {2}duration: ([\d.]+) ms {2}plan:\n(\t\{\n(?:\t.*\n)+)/g

// prepareExplain() is for the sessions that begin after it; they explain nothing yet.
export async function prepareExplain(world) {
  const [{ name }] = await world.sql('SELECT current_database() AS name')
  for (const setting of [
    "session_preload_libraries = 'auto_explain'",
    "auto_explain.log_format = 'json'"
  ])
    await world.sql(`ALTER DATABASE ${name} SET ${setting}`)
}

async function set(world, setting) {
  await world.sql("LOAD 'auto_explain'")
  await world.sql(`ALTER SYSTEM ${setting}`)
  await world.sql('SELECT pg_reload_conf()')
}

// shape() is a plan without its guesses: which nodes, on what, by which index.
function shape(node) {
  const of = [node['Node Type'], node['Relation Name'], node['Index Name']].filter(Boolean).join(' ')
  return node.Plans ? `${of}(${node.Plans.map(shape).join(', ')})` : of
}

function parse(text) {
  const statements = new Map()
  for (const [, ms, json] of text.matchAll(ENTRY)) {
    const { 'Query Text': query, Plan } = JSON.parse(json)
    if (!statements.has(query)) statements.set(query, { calls: 0, ms: 0, shapes: new Set() })
    const statement = statements.get(query)
    statement.calls++
    statement.ms += Number(ms)
    statement.shapes.add(shape(Plan))
  }
  return statements
}

// explained() gives, for what was run meanwhile, a map from a statement's text to calls, ms and shapes.
export async function explained(world, run) {
  const from = readFileSync(LOG).length
  await set(world, 'SET auto_explain.log_min_duration = 0')
  try {
    await run()
  } finally {
    await set(world, 'RESET auto_explain.log_min_duration')
  }
  return parse(readFileSync(LOG).subarray(from).toString())
}

// otherPlans() names the statements of later that none of the earlier runs had run by that plan.
export function otherPlans(earlier, later) {
  const others = []
  for (const [query, { shapes }] of later) {
    const known = earlier.filter((run) => run.has(query)).flatMap((run) => [...run.get(query).shapes])
    if (known.length && [...shapes].some((s) => !known.includes(s))) others.push(query)
  }
  return others
}
