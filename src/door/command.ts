import type { Program, StartProgram } from '../native/program.ts'
import { startProgram } from '../native/start-program.ts'
import { within } from './time-limit.ts'

/** Most commands that run at the same time. */
export const COMMANDS_MAX = 64
/** Most further commands that close something. They let doors close even if start commands hang. */
export const COMMANDS_RESERVED = 64
/** Most commands that wait for their turn. Commands that close something are never refused. */
export const COMMANDS_WAITING_MAX = 4_096
/** Most bytes kept of a command's output. The rest is read and discarded. */
export const OUTPUT_MAX_BYTES = 4_096
/** Milliseconds to wait for output after the command has exited. Its children may keep the pipe open. */
const OUTPUT_GRACE_MS = 100
const SHELL = '/bin/sh'
const SETPRIV = '/usr/bin/setpriv'
/** A path and words without special meaning to a shell (POSIX, 2.2 and 2.6): no quotes, expansion or redirection. */
const PLAIN = /^[ \t]*\/[\w./+-]+(?:[ \t]+(?:!|[\w./:,@%+=-]+))*[ \t]*$/

/** A command to run. */
export interface CommandLine {
  /** The command line, as the shell gets it. */
  readonly text: string
  /** The variables added to the daemon's environment. */
  readonly environment: Readonly<Record<string, string>>
  /** The user and group that run it, as `1:1`; absent: those of this process. A process that is not root's ignores it. */
  readonly as?: string | undefined
  /** The text on standard input; absent: an empty one. */
  readonly input?: string
  /** Ends the command, and what it has started in its process group. */
  readonly ending?: AbortSignal
  /** True if the command closes something. It runs ahead of the others that wait, and is never refused. */
  readonly urgent: boolean
}

/** The end of a command. `output` is its output on both streams. */
export type Outcome =
  | { readonly kind: 'exited'; readonly status: number; readonly output: string }
  | { readonly kind: 'killed'; readonly signal: string; readonly output: string }
  | { readonly kind: 'failed'; readonly error: Error }
  | { readonly kind: 'refused' }

interface Waiting {
  readonly command: CommandLine
  readonly done: (outcome: Outcome) => void
}

/** Runs commands through the shell, many at once up to a limit, and never blocks on one. */
export class CommandRunner {
  readonly #max: number
  readonly #waitingMax: number
  readonly #reserved: number
  readonly #start: StartProgram
  readonly #urgent: Waiting[] = []
  readonly #waiting: Waiting[] = []
  #running = 0
  #idle: (() => void)[] = []

  constructor(
    max = COMMANDS_MAX,
    waitingMax = COMMANDS_WAITING_MAX,
    reserved = COMMANDS_RESERVED,
    start = startProgram,
  ) {
    this.#max = max
    this.#waitingMax = waitingMax
    this.#reserved = reserved
    this.#start = start
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

  /** Resolves when no command runs or waits. */
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
    const outcome = await runLine(command, this.#start).catch((error: unknown): Outcome => ({
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
 * Returns the words of a command that a shell would only split at its blanks; `undefined` for any other. Such a command
 * starts faster without a shell, with the same result.
 */
export function plainWords(text: string): readonly string[] | undefined {
  return PLAIN.test(text) ? text.trim().split(/[ \t]+/) : undefined
}

/** Runs a command, and waits for its end. @throws the system's error if it cannot be run */
async function runLine(command: CommandLine, start: StartProgram): Promise<Outcome> {
  const output = new Output()
  const program = await startLine(command, start, (bytes) => output.keep(bytes))
  const { ending } = command
  const end = (): void => endSession(program.pid, command, start)
  ending?.addEventListener('abort', end)
  if (ending?.aborted === true) end()
  const { status, signal } = await program.ended
  ending?.removeEventListener('abort', end)
  await within(program.read, OUTPUT_GRACE_MS)
  program.release()
  if (status !== undefined) return { kind: 'exited', status, output: output.text }
  return { kind: 'killed', signal: signal ?? 'a signal', output: output.text }
}

async function startLine(
  { text, as, environment, input }: CommandLine,
  start: StartProgram,
  keep: (bytes: Uint8Array) => void,
): Promise<Program> {
  const variables = { ...process.env, ...environment }
  if (as !== undefined && process.geteuid?.() === 0)
    return await start([...wordsAs(as), SHELL, '-c', text], variables, keep, input)
  const words = plainWords(text)
  try {
    if (words !== undefined) return await start(words, variables, keep, input)
  } catch {
    // The file is missing, or not a program: a script without `#!`, say. The shell runs it, or prints an error.
  }
  return await start([SHELL, '-c', text], variables, keep, input)
}

/** Kills the processes of a command that has not ended yet. Never throws. */
function endSession(pid: number, { as }: CommandLine, start: StartProgram): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // A service of root's without CAP_KILL may not end processes of another user, who may.
    const words = as === undefined ? undefined : [...wordsAs(as), SHELL, '-c', `kill -s KILL -- -${pid}`]
    if (words !== undefined) void start(words, process.env, () => undefined).catch(() => undefined)
  }
}

/**
 * Returns the words that run a program as a user in no group but one, with CAP_NET_ADMIN alone, and with no way to more:
 * the rights of the commands of a daemon that runs as that user (setpriv(1), util-linux).
 */
function wordsAs(as: string): readonly string[] {
  const [user = '', group = ''] = as.split(':')
  const alone = '-all,+net_admin'
  const rights = [`--inh-caps=${alone}`, `--ambient-caps=${alone}`, `--bounding-set=${alone}`, '--no-new-privs']
  return [SETPRIV, `--reuid=${user}`, `--regid=${group}`, '--clear-groups', ...rights, '--']
}

/** The beginning of a command's output. */
class Output {
  readonly #parts: Buffer[] = []
  #bytes = 0

  keep(part: Uint8Array): void {
    if (this.#bytes >= OUTPUT_MAX_BYTES) return
    this.#parts.push(Buffer.from(part.subarray(0, OUTPUT_MAX_BYTES - this.#bytes)))
    this.#bytes += part.length
  }

  get text(): string {
    return Buffer.concat(this.#parts).toString('utf8').trimEnd()
  }
}
