import { spawn } from '../native/spawn.ts'
import type { ChildProcess } from '../native/spawn.ts'

/** Commands that run at the same time at most. */
export const COMMANDS_MAX = 64
/** Commands that close something and may run beside those: openings that hang must not keep doors from closing. */
export const COMMANDS_RESERVED = 64
/** Commands that wait for their turn at most; those that close something are never refused. */
export const COMMANDS_WAITING_MAX = 4_096
/** Bytes kept of what a command prints; the rest is read and thrown away. */
export const OUTPUT_MAX_BYTES = 4_096
/** Milliseconds that output is waited for once the command itself has ended: what it started may keep the pipe open. */
const OUTPUT_GRACE_MS = 100
const SHELL = '/bin/sh'
/** A path and words that mean themselves to a shell (POSIX, 2.2 and 2.6): no quotes, no expansion, no redirection. */
const PLAIN = /^[ \t]*\/[\w./+-]+(?:[ \t]+(?:!|[\w./:,@%+=-]+))*[ \t]*$/

/** A command to run. */
export interface CommandLine {
  /** As the shell gets it. */
  readonly text: string
  /** In its environment beside the daemon's own. */
  readonly environment: Readonly<Record<string, string>>
  /** Goes ahead of the others that wait, and is never refused: it closes something. */
  readonly urgent: boolean
}

/** How a command ended. `output` is what it printed, on both streams. */
export type Outcome =
  | { readonly kind: 'exited'; readonly status: number; readonly output: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly output: string }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'refused' }

interface Waiting {
  readonly command: CommandLine
  readonly done: (outcome: Outcome) => void
}

/** Runs commands through the shell, many at once up to a bound, and never waits for one. */
export class CommandRunner {
  readonly #max: number
  readonly #waitingMax: number
  readonly #reserved: number
  readonly #urgent: Waiting[] = []
  readonly #waiting: Waiting[] = []
  #running = 0
  #idle: (() => void)[] = []

  constructor(max = COMMANDS_MAX, waitingMax = COMMANDS_WAITING_MAX, reserved = COMMANDS_RESERVED) {
    this.#max = max
    this.#waitingMax = waitingMax
    this.#reserved = reserved
  }

  /** Runs a command when its turn comes. Never throws. */
  async run(command: CommandLine): Promise<Outcome> {
    if (!command.urgent && this.#waiting.length >= this.#waitingMax) return { kind: 'refused' }
    return await new Promise((done) => {
      const queue = command.urgent ? this.#urgent : this.#waiting
      queue.push({ command, done })
      this.#next()
    })
  }

  /** Settles when no command runs or waits. */
  async idle(): Promise<void> {
    if (this.#running === 0) return
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve)
    })
  }

  #next(): void {
    while (this.#running < this.#max + this.#reserved) {
      const next = this.#urgent.shift() ?? (this.#running < this.#max ? this.#waiting.shift() : undefined)
      if (next === undefined) return
      this.#running++
      void this.#runOne(next)
    }
  }

  async #runOne({ command, done }: Waiting): Promise<void> {
    const outcome = await runLine(command).catch((error: unknown): Outcome => ({
      kind: 'failed',
      error: error as Error,
    }))
    this.#running--
    done(outcome)
    this.#next()
    if (this.#running > 0) return
    for (const resolve of this.#idle.splice(0)) resolve()
  }
}

/**
 * The words of a command that a shell would do nothing with but take it apart at its blanks; `undefined` for any other.
 * Without the shell in between it runs sooner, and does the same.
 */
export function plainWords(text: string): readonly string[] | undefined {
  return PLAIN.test(text) ? text.trim().split(/[ \t]+/) : undefined
}

async function runLine(command: CommandLine): Promise<Outcome> {
  const words = plainWords(command.text)
  if (words !== undefined) {
    const outcome = await runProgram(words, command)
    // Not there, or no program: a script without `#!`, say. The shell knows what to do, or what to print.
    if (outcome.kind !== 'failed') return outcome
  }
  return await runProgram([SHELL, '-c', command.text], command)
}

async function runProgram([file = '', ...args]: readonly string[], { environment }: CommandLine): Promise<Outcome> {
  let child: ChildProcess
  try {
    child = spawn(file, args, {
      // A session of its own: an interrupt typed at the daemon's terminal is not meant for it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    })
  } catch (error) {
    return { kind: 'failed', error: error as Error }
  }
  return await new Promise((done) => {
    const chunks: Buffer[] = []
    let kept = 0
    const keep = (chunk: Buffer): void => {
      if (kept >= OUTPUT_MAX_BYTES) return
      chunks.push(chunk.subarray(0, OUTPUT_MAX_BYTES - kept))
      kept += chunk.length
    }
    const output = (): string => Buffer.concat(chunks).toString('utf8').trimEnd()
    child.stdout?.on('data', keep)
    child.stderr?.on('data', keep)
    child.once('error', (error) => done({ kind: 'failed', error }))
    child.once('exit', (status, signal) => {
      const finish = (): void => {
        clearTimeout(grace)
        child.stdout?.destroy()
        child.stderr?.destroy()
        done(
          status === null
            ? { kind: 'killed', signal: signal ?? 'a signal', output: output() }
            : { kind: 'exited', status, output: output() },
        )
      }
      const grace = setTimeout(finish, OUTPUT_GRACE_MS)
      child.once('close', finish)
    })
  })
}
