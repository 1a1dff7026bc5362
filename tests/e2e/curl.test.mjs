// Every curl in README.md, docs/api.md and docs/access.md, run as it stands: a page's examples are one shell session, as
// a reader would paste them, and what comes back is held against what the page shows.
//
// An example ends with the comment that shows its answer: `# 201 {…}`, with the status of its last curl and JSON, or
// lines which its output must have in this order. `…` stands for any text in a string or a line, for any value, and
// for further members or elements. An example without an answer must do well.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { OXD, ROOT, SLOW, createWorld } from './lib.mjs'

const MARK = '\x1e' // between the outputs of two examples
const ANY = '\x00any'
const MORE = '\x00more'
const TIMED_OUT = 28 // a stream is left with --max-time
let world, daemons, home

before(async () => {
  world = await createWorld({ QUEUE_BACKOFF_MS: '20', BREAKER_FAILURES: '100', DELIVERY_DELAY_MS: '800' })
  const closed = { AUTH: 'required', JWT_SECRET: 'x'.repeat(32) }
  const [off, required] = await Promise.all([world.start(), world.start({ role: 'api', env: closed })])
  daemons = { off, required }
  home = await mkdtemp(path.join(tmpdir(), 'ox-curl-'))
})
after(async () => {
  await rm(home, { recursive: true })
  await world.destroy()
})

// ── reading a page ───────────────────────────────────────────────────────────────────────────────

// examplesOf() gives {commands, shown} of all blocks that have a curl; shown is {status, json or lines}, or undefined.
function examplesOf(page) {
  const examples = []
  for (const [, block] of page.matchAll(/^```(?:sh)?\n([\s\S]*?)^```$/gm)) {
    if (!/\bcurl\b/.test(block)) continue
    for (const [, commands, comment] of block.matchAll(/((?:^(?!#).*\n)+)((?:^#.*\n)*)/gm)) {
      const text = comment.replaceAll(/^# ?/gm, '')
      const [, status, json, lines] = /^(\d{3})(?: ([^]+)|\n([^]*))$/.exec(text) ?? []
      examples.push({ commands, shown: status && { status, json, lines } })
    }
  }
  return examples
}

// readShown() parses JSON that may have `…` in the place of a value, or of further members or elements.
function readShown(text) {
  const open = []
  const json = text.replaceAll(/"(?:\\.|[^"\\])*"|[[{\]}]|…/g, (token, at) => {
    if (token === '[' || token === '{') open.push(token)
    if (token === ']' || token === '}') open.pop()
    if (token !== '…') return token
    if (open.at(-1) === '[') return JSON.stringify(MORE)
    return text[at - 1] === ':' ? JSON.stringify(ANY) : `${JSON.stringify(MORE)}:0`
  })
  return JSON.parse(json)
}

const asPattern = (text) =>
  new RegExp(`^${text.split('…').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`, 's')

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value)

// differs() says where value is not as shown, or nothing.
function differs(shown, value, at = '') {
  if (shown === ANY) return value === undefined ? `${at} is missing` : ''
  if (Array.isArray(shown) && Array.isArray(value)) return listDiffers(shown, value, at)
  if (isObject(shown) && isObject(value)) {
    const names = Object.keys(shown).filter((name) => name !== MORE)
    const extra = Object.keys(value).find((name) => !names.includes(name))
    if (extra && !(MORE in shown)) return `${at}/${extra} is not shown`
    return names.map((name) => differs(shown[name], value[name], `${at}/${name}`)).find(Boolean) ?? ''
  }
  const same = typeof shown === 'string' && typeof value === 'string' ? asPattern(shown).test(value) : shown === value
  return same ? '' : `${at} is ${JSON.stringify(value)}, not ${JSON.stringify(shown)}`
}

// What stands before MORE is at the beginning, what stands behind it at the end.
function listDiffers(shown, value, at) {
  const gap = shown.indexOf(MORE)
  const head = gap < 0 ? shown : shown.slice(0, gap)
  const tail = gap < 0 ? [] : shown.slice(gap + 1)
  const least = head.length + tail.length
  if (value.length < least || (gap < 0 && value.length > least)) return `${at} has ${value.length} elements`
  const ends = [...head.map((s, i) => [s, i]), ...tail.map((s, i) => [s, value.length - tail.length + i])]
  return ends.map(([s, i]) => differs(s, value[i], `${at}/${i}`)).find(Boolean) ?? ''
}

function jsonDiffers(shown, output) {
  try {
    return differs(readShown(shown), JSON.parse(output))
  } catch (error) {
    return error.message
  }
}

function linesDiffer(shown, output) {
  const lines = output.split(/\r?\n/)
  let from = 0
  for (const line of shown.split('\n').filter(Boolean)) {
    const found = lines.findIndex((l, i) => i >= from && asPattern(line).test(l))
    if (found < 0) return `no line ${line}`
    from = found + 1
  }
  return ''
}

// ── running it ───────────────────────────────────────────────────────────────────────────────────

// session() runs the commands in one shell and gives, for each, {output, calls: [[status, exit code]], code}. What is
// typed goes to the daemon, and each curl says how it went.
async function session(commands, daemon) {
  await writeFile(
    path.join(home, '.curlrc'),
    `connect-to = "localhost:3000:127.0.0.1:${daemon.portNumber}"
     write-out = "%{stderr}%{http_code} %{exitcode}\\n"`
  )
  const script = commands.map((c) => `${c}\nprintf '${MARK}%d${MARK}' $?; printf '${MARK}' >&2\n`).join('')
  const env = { ...world.env, PATH: `${path.dirname(OXD)}:${process.env.PATH}`, HOME: home }
  const shell = spawn('timeout', [`${60 * SLOW}`, 'bash', '-s'], { cwd: home, env }) // it ends the shell's children, too
  const streams = [shell.stdout, shell.stderr].map(async (stream) => {
    let text = ''
    for await (const data of stream.setEncoding('utf8')) text += data
    return text.split(MARK)
  })
  shell.stdin.end(script)
  const [outputs, errors] = await Promise.all(streams)
  return commands.map((_, i) => ({
    output: outputs[2 * i],
    code: Number(outputs[2 * i + 1]),
    said: errors[i],
    calls: [...(errors[i] ?? '').matchAll(/^(\d{3}) (\d+)$/gm)].map(([, ...numbers]) => numbers)
  }))
}

// wrongWith() says what is wrong with an example that was run, or nothing.
function wrongWith({ commands, shown }, { output, code, said, calls }) {
  const differ = () => {
    const ended = [code, ...calls.map(([, exit]) => Number(exit))].find((exit) => ![0, TIMED_OUT].includes(exit))
    if (ended !== undefined) return `ends with ${ended}`
    if (!shown) return calls.some(([status]) => status >= '400') ? 'was refused' : ''
    if (calls.at(-1)?.[0] !== shown.status) return `is not ${shown.status}`
    return shown.json ? jsonDiffers(shown.json, output) : linesDiffer(shown.lines, output)
  }
  const wrong = differ()
  return wrong && `${wrong}: ${commands}${output}\n${said}`
}

const PAGES = [
  ['README.md', 'off', 3],
  ['docs/api.md', 'off', 40],
  ['docs/access.md', 'required', 5]
]
for (const [file, auth, least] of PAGES)
  test(file, async () => {
    const examples = examplesOf(await readFile(path.join(ROOT, file), 'utf8'))
    const results = await session(examples.map(({ commands }) => commands), daemons[auth])
    const wrong = examples.map((example, i) => wrongWith(example, results[i])).filter(Boolean)
    assert.equal(wrong.length, 0, wrong.join('\n\n'))
    const answers = results.flatMap(({ calls }) => calls)
    assert(answers.length >= least, `${answers.length} curls were run`)
  })

test('what is shown can be wrong', () => {
  for (const [shown, value] of [
    ['{"a":"x…"}', '{"a":"xyz"}'],
    ['{"a":…,…}', '{"a":[1],"b":2}'],
    ['[{"a":1},…,3]', '[{"a":1},2,2,3]'],
    ['[…]', '[]'],
    ['{"a":"{…"}', '{"a":"{"}']
  ])
    assert.equal(jsonDiffers(shown, value), '', `${shown} ${value}`)
  for (const [shown, value] of [
    ['{"a":"x…"}', '{"a":"y"}'],
    ['{"a":"…"}', '{"a":1}'],
    ['{"a":…}', '{}'],
    ['{"a":1}', '{"a":1,"b":2}'],
    ['{"a":null}', '{"a":"null"}'],
    ['[1,…,3]', '[1]'],
    ['[1]', '[1,2]'],
    ['{}', '[]']
  ])
    assert.notEqual(jsonDiffers(shown, value), '', `${shown} ${value}`)
  assert.equal(linesDiffer('a…\nb', 'x\nabc\r\nb\n'), '')
  assert.notEqual(linesDiffer('b\na', 'a\nb'), '')
})
