// Running oxctl: with pipes, or on a terminal of its own.
import { spawn } from 'node:child_process'
import path from 'node:path'
import { OXD, SLOW, within } from './lib.mjs'

export const OXCTL = path.join(path.dirname(OXD), 'oxctl')
const HOME = '/nonexistent' // none of the user's own credentials

const environment = (url, env) => ({ PATH: process.env.PATH, HOME, OX_URL: url, ...sanitizers(), ...env })
const sanitizers = () => Object.fromEntries(Object.entries(process.env).filter(([n]) => /SAN_OPTIONS$/.test(n)))

// lines() are those of NDJSON; one that is still being written is none yet.
export const lines = (text) => text.split('\n').slice(0, -1).map((line) => JSON.parse(line))

// Ctl is one run. ended gives {code, signal, stdout, stderr}; it must come by itself.
export class Ctl {
  constructor(args, { url, env = {}, stdin, command = [OXCTL, ...args], ms = 30000 } = {}) {
    this.stdout = this.stderr = ''
    this.process = spawn(command[0], command.slice(1), { env: environment(url, env) })
    for (const name of ['stdout', 'stderr']) this.process[name].on('data', (data) => (this[name] += data))
    this.process.stdin.on('error', () => {})
    if (stdin !== 'open') this.process.stdin.end(stdin ?? '')
    const closed = new Promise((resolve, reject) => {
      this.process.on('error', reject)
      this.process.on('close', (code, signal) =>
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
      )
    })
    this.ended = within(`oxctl ${args.join(' ')}`, ms, closed).catch((error) => {
      this.process.kill('SIGKILL')
      throw error
    })
  }
}

// terminal() runs oxctl on a terminal; what it shows is stdout, what is typed is stdin.
export const terminal = (args, options = {}) =>
  new Ctl(args, {
    ...options,
    env: { TERM: 'xterm', ...options.env },
    command: ['script', '-qec', [OXCTL, ...args].map((a) => `'${a}'`).join(' '), '/dev/null'],
    ms: 30000 * SLOW
  })

export const inTerminal = async (args, options) =>
  (await terminal(args, options).ended).stdout.replaceAll('\r\n', '\n')
