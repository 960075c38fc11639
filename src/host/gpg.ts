import { devNull } from 'node:os'
import type { Readable } from 'node:stream'
import type { spawn as spawnChild } from '../native/spawn.ts'

const LINE_FEED = 0x0a

/** Options for gpg(1): the first line of standard input is the passphrase, and the rest is the message. */
export const PASSPHRASE_FIRST = ['--pinentry-mode', 'loopback', '--passphrase-fd', '0'] as const
/**
 * Options for gpg(1): status lines go to standard error. gpg's log is discarded: text in it, such as a name from
 * the message, could pass for a status line.
 */
export const STATUS_ON_ERROR = ['--status-fd', '2', '--logger-file', devNull] as const

/**
 * Returns the standard input of a gpg with {@link PASSPHRASE_FIRST}. gpg reads only the first line of a passphrase.
 * Without a passphrase, that line is empty.
 */
export function gpgInput(passphrase: Uint8Array | undefined, message: Uint8Array): Uint8Array {
  const bytes = Buffer.from(passphrase ?? [])
  const end = bytes.indexOf(LINE_FEED)
  return Buffer.concat([end < 0 ? bytes : bytes.subarray(0, end), Uint8Array.of(LINE_FEED), message])
}

/** The most bytes that gpg may write to standard error. If there are more, it is ended. */
const MESSAGES_MAX_BYTES = 65_536

/** The limits of a run of gpg. */
export interface GpgLimits {
  readonly timeMs: number
  /** The most bytes of its output. If there are more, gpg is ended. */
  readonly outputBytes: number
}

/** The result of a run of gpg. */
export interface GpgRun {
  /** The exit code; `null` if gpg was ended by a signal, or exceeded a limit. */
  readonly code: number | null
  readonly output: Buffer
  /** The text that it wrote to standard error. */
  readonly messages: string
  /** The limit for which gpg was ended. */
  readonly exceeded: 'time' | 'output' | 'messages' | undefined
}

/** Runs a gpg within limits. @throws NodeJS.ErrnoException if it cannot be run: `ENOENT` if it is not installed */
export async function runGpg(
  words: readonly string[],
  input: Uint8Array | string,
  limits: GpgLimits,
  program = 'gpg',
): Promise<GpgRun> {
  // This is loaded late, because the client also runs without native code.
  const { spawn } = await import('../native/spawn.ts')
  return await runGpgBy(spawn, words, input, limits, program)
}

/** Like {@link runGpg}, for a process that has loaded native code. */
export async function runGpgBy(
  spawn: typeof spawnChild,
  words: readonly string[],
  input: Uint8Array | string,
  limits: GpgLimits,
  program = 'gpg',
): Promise<GpgRun> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  let exceeded: GpgRun['exceeded']
  const end = (why: GpgRun['exceeded']): void => {
    exceeded ??= why
    child.kill('SIGKILL')
    // Processes that gpg has started may keep the streams open.
    for (const stream of child.stdio) stream?.destroy()
  }
  const timer = setTimeout(() => end('time'), limits.timeMs)
  const output = collect(child.stdout, limits.outputBytes, () => end('output'))
  const messages = collect(child.stderr, MESSAGES_MAX_BYTES, () => end('messages'))
  // gpg may end before it has read everything. Its exit code and messages tell why.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    return {
      code: exceeded === undefined ? code : null,
      output: Buffer.concat(output),
      messages: Buffer.concat(messages).toString(),
      exceeded,
    }
  } finally {
    clearTimeout(timer)
  }
}

/** Collects the first bytes of a stream. `onMore` is called if there are more. */
function collect(stream: Readable, maxBytes: number, onMore: () => void): readonly Buffer[] {
  const chunks: Buffer[] = []
  let left = maxBytes
  stream.on('data', (chunk: Buffer) => {
    if (left > 0) chunks.push(chunk.subarray(0, left))
    left -= chunk.length
    if (left < 0) onMore()
  })
  stream.on('error', () => undefined)
  return chunks
}
