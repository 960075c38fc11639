import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { spawn, spawnUnmarked } from '../native/spawn.ts'
import type { ChildProcess } from '../native/spawn.ts'
import { listen } from './listener.ts'
import type { AgentLine, OrderLine, OrderName, Orders, Ran } from './orders.ts'
import { attempt, enter, knock, release, shut, speak } from './reach.ts'

/** Milliseconds between SIGTERM and SIGKILL for a started program. */
const STOP_LIMIT_MS = 5_000
const OWNER_ONLY = 0o600
const FOLDER_OWNER_ONLY = 0o700

type Handlers = { readonly [Name in OrderName]: (ask: Orders[Name]['ask']) => Promise<Orders[Name]['answer']> }

const started = new Map<string, ChildProcess>()

const HANDLERS: Handlers = {
  run: async ({ argv, input }) => await run(argv, input, spawnUnmarked),
  async write({ path, text }) {
    mkdirSync(dirname(path), { recursive: true, mode: FOLDER_OWNER_ONLY })
    writeFileSync(path, text, { mode: OWNER_ONLY })
    return null
  },
  async start({ name, argv }) {
    start(name, argv)
    return null
  },
  async stop({ name }) {
    await stop(name)
    return null
  },
  async listen({ protocol, port }) {
    await listen(protocol, port)
    return null
  },
  async knock(ask) {
    await knock(ask)
    return null
  },
  attempt: async ({ endpoint, limitMs }) => await attempt(endpoint, limitMs),
  enter: async ({ endpoint, limitMs, ...knocks }) => await enter(knocks, endpoint, limitMs),
  speak: async ({ endpoint, limitMs }) => await speak(endpoint, limitMs),
  async release({ endpoint }) {
    release(endpoint)
    return null
  },
  shut: async ({ endpoint, limitMs }) => await shut(endpoint, limitMs),
}

/**
 * Carries out orders from standard input, each a line of JSON, several at once. When standard input ends, the process
 * that gave the orders is gone, and the whole namespace ends too.
 */
export async function serve(): Promise<void> {
  tell({ kind: 'ready' })
  for await (const line of createInterface({ input: process.stdin })) {
    void carryOut(JSON.parse(line) as OrderLine)
  }
}

async function carryOut({ id, order, ask }: OrderLine): Promise<void> {
  try {
    const handler = HANDLERS[order] as (ask: unknown) => Promise<unknown>
    tell({ kind: 'answer', id, answer: await handler(ask) })
  } catch (error) {
    tell({ kind: 'failure', id, message: (error as Error).message })
  }
}

function tell(line: AgentLine): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Runs a program to its end. The exit code of a missing program is `null`. */
export async function run(argv: readonly string[], input?: string, begin = spawn): Promise<Ran> {
  const [file = '', ...args] = argv
  return await new Promise((resolve) => {
    let stdout = ''
    let stderr = ''
    const child = begin(file, args, { stdio: 'pipe' })
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdin.on('error', () => undefined)
    child.once('error', (error) => resolve({ code: null, stdout, stderr: error.message }))
    child.once('close', (code) => resolve({ code, stdout, stderr }))
    child.stdin.end(input ?? '')
  })
}

function start(name: string, argv: readonly string[]): void {
  const [file = '', ...args] = argv
  const child = spawnUnmarked(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  started.set(name, child)
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => tell({ kind: 'line', name, line }))
  }
  child.once('error', (error) => tell({ kind: 'line', name, line: error.message }))
  child.once('close', (code) => {
    if (started.get(name) === child) started.delete(name)
    tell({ kind: 'ended', name, code })
  })
}

async function stop(name: string): Promise<void> {
  const child = started.get(name)
  if (child === undefined) return
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS)
  await new Promise<void>((resolve) => {
    child.once('close', () => resolve())
    child.kill('SIGTERM')
  })
  clearTimeout(timer)
}
