import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { LINE_LIMIT_MS, Lines } from './lines.ts'

/** Milliseconds a command that is run to completion may take. */
export const RUN_LIMIT_MS = 30_000
/** Milliseconds a process has between SIGTERM and SIGKILL. */
export const STOP_LIMIT_MS = 5_000
/** Milliseconds between two looks at a condition that no event announces: at first, by how much they grow, and at most. */
const LOOK_FIRST_MS = 10
const LOOK_GROWTH = 1.5
const LOOK_MOST_MS = 200
/** The pause after a look that takes long: so many times as long, and at most so many milliseconds. */
const DEAR_LOOKS = 2
const DEAR_MOST_MS = 1_000

/** How a process ended: one of the two is set. */
export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** What a command that ran to completion left behind. */
export interface Output extends Exit {
  readonly stdout: string
  readonly stderr: string
}

/** How to start a process. */
export interface Start {
  /** Network namespace to run in; the test's own without it. */
  readonly ns?: string
  /** Added to the test's own environment. */
  readonly env?: Readonly<Record<string, string>>
  /** Folder to run in. */
  readonly cwd?: string
  /** Written to its standard input, which is then closed. Empty without it. */
  readonly input?: string
}

/** How to run a command to completion. */
export interface Run extends Start {
  /** Exit codes other than 0 are for the caller to look at, not an error. */
  readonly mayFail?: boolean
  readonly limitMs?: number
}

/** Programs that fetch packages, and may need the certificates that the environment names. */
const FETCHES = /^npm$|\/script\/(?:package|install)$/

const live = new Set<Process>()

/**
 * A running process whose lines are those of its standard output and standard error. Every one that is still running when the test file ends, or
 * the test process does, is killed with its process group.
 */
export class Process extends Lines {
  readonly pid: number
  /** Settles when the process has ended and all its output is read. */
  readonly ended: Promise<Exit>
  stdout = ''
  stderr = ''
  readonly #child: ChildProcess
  #exit: Exit | undefined

  /** Rejects (through `ended`) and throws when the command cannot be started at all. */
  constructor(argv: readonly string[], start: Start = {}) {
    super(argv.join(' '))
    const [file, ...rest] = start.ns === undefined ? argv : ['ip', 'netns', 'exec', start.ns, ...argv]
    // A process group of its own, so that what it leaves running can be killed with it.
    this.#child = spawn(file!, rest, {
      detached: true,
      stdio: 'pipe',
      env: { ...environment(argv), ...start.env },
      ...(start.cwd === undefined ? {} : { cwd: start.cwd }),
    })
    this.ended = this.#follow()
    // Whoever waits sees the error; a process that nobody waits for must not end the test run.
    this.ended.catch(() => undefined)
    if (this.#child.pid === undefined) throw new Error(`cannot start: ${argv.join(' ')}`)
    this.pid = this.#child.pid
    this.#child.stdin?.on('error', () => undefined)
    this.#child.stdin?.end(start.input ?? '')
    live.add(this)
  }

  /** Whether it has ended, and how. */
  get exit(): Exit | undefined {
    return this.#exit
  }

  /** Sends a signal to the process alone, not to its group. */
  kill(signal: NodeJS.Signals): void {
    if (this.#exit === undefined) this.#child.kill(signal)
  }

  /** Ends it: SIGTERM, and SIGKILL to the whole group when that did not do within the limit. */
  async stop(limitMs = STOP_LIMIT_MS): Promise<Exit> {
    this.kill('SIGTERM')
    const timer = setTimeout(() => this.destroy(), limitMs)
    try {
      return await this.ended
    } finally {
      clearTimeout(timer)
    }
  }

  /** Kills the group at once, without waiting. */
  destroy(): void {
    try {
      process.kill(-this.pid, 'SIGKILL')
    } catch {
      // The group is gone already.
    }
  }

  async #follow(): Promise<Exit> {
    this.#read(this.#child.stdout!, (text) => (this.stdout += text))
    this.#read(this.#child.stderr!, (text) => (this.stderr += text))
    return new Promise((resolve, reject) => {
      this.#child.once('error', reject)
      this.#child.once('close', (code, signal) => {
        this.#exit = { code, signal }
        live.delete(this)
        this.end(signal ?? `exit code ${code}`)
        resolve(this.#exit)
      })
    })
  }

  #read(stream: NodeJS.ReadableStream, keep: (text: string) => void): void {
    let rest = ''
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => {
      keep(text)
      const parts = (rest + text).split('\n')
      rest = parts.pop()!
      this.add(...parts)
    })
    stream.on('end', () => {
      if (rest !== '') this.lines.push(rest)
    })
  }
}

/** Runs a command to completion. Throws with its output when it exits non-zero (unless `mayFail`) or takes too long. */
export async function run(argv: readonly string[], how: Run = {}): Promise<Output> {
  const child = new Process(argv, how)
  const limitMs = how.limitMs ?? RUN_LIMIT_MS
  let late = false
  const timer = setTimeout(() => {
    late = true
    child.destroy()
  }, limitMs)
  const exit = await child.ended.finally(() => clearTimeout(timer))
  if (late) throw new Error(`${argv.join(' ')}: not done within ${limitMs} ms; it printed:\n${child.lines.join('\n')}`)
  if (exit.code !== 0 && how.mayFail !== true) {
    throw new Error(`${argv.join(' ')}: ${exit.signal ?? `exit code ${exit.code}`}\n${child.lines.join('\n')}`)
  }
  return { ...exit, stdout: child.stdout, stderr: child.stderr }
}

/** Stops every process that is still running. */
export async function stopAll(): Promise<void> {
  await Promise.all([...live].map((process) => process.stop()))
}

/** Kills every process that is still running, without waiting: for the moment the test process ends. */
export function destroyAll(): void {
  for (const process of live) process.destroy()
}

/**
 * Looks at a condition until it holds. Only for what no event, line or exit announces.
 * Throws with the description when the limit passes first.
 *
 * @param firstMs the pause after the first look; a look that starts a program is dear, and gets long ones
 */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  limitMs = LINE_LIMIT_MS,
  firstMs = LOOK_FIRST_MS,
): Promise<void> {
  const end = performance.now() + limitMs
  const most = Math.max(firstMs, LOOK_MOST_MS)
  for (let pauseMs = firstMs; ; pauseMs = Math.min(pauseMs * LOOK_GROWTH, most)) {
    const began = performance.now()
    if (await condition()) return
    const now = performance.now()
    if (now > end) throw new Error(`still not so after ${limitMs} ms: ${what}`)
    // A look that starts a program is dear, and is repeated less often.
    await pause(Math.max(pauseMs, Math.min(DEAR_LOOKS * (now - began), DEAR_MOST_MS)))
  }
}

/** Whether a process runs; one that has ended and that its parent has not asked about does not. Linux only. */
export function runs(pid: number): boolean {
  try {
    // The state is the first word behind the name in brackets (proc(5)).
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** The test's environment without what the test runner put there for itself, and with the system's own folders. */
function environment(argv: readonly string[]): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, NODE_ENV: _env, VITEST: _vitest, ...rest } = process.env
  // Node.js reads these certificates at each start, which takes longer than the start itself.
  if (!argv.some((word) => FETCHES.test(word))) delete rest['NODE_EXTRA_CA_CERTS']
  return { ...rest, LC_ALL: 'C.UTF-8', PATH: `${rest['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` }
}
