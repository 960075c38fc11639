import { existsSync, readdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { fileErrorOf } from '../file/file-error.ts'
import { codePoint } from '../text/code-point.ts'
import { peerOf } from './asker.ts'
import { REPLY_MAX_BYTES, REQUEST_MAX_BYTES } from './message.ts'
import type { EventsRequest, Reply, Request } from './message.ts'
import { RUN_FOLDER, USERS_FOLDER, presentSocket, socketPath, socketPrefix } from './socket.ts'

/** The most milliseconds to wait for a whole answer. */
const ANSWER_MAX_MS = 10_000

/** The longest line with an event. The texts of an event are cut in the daemon (LOG_LINE_MAX_CHARS). */
const LINE_MAX_CHARS = 1_048_576

/** A daemon that cannot be asked. */
export class ControlError extends Error {
  readonly hint: string
  /** True if the daemon does not run. Otherwise that is unknown. */
  readonly isDown: boolean

  constructor(message: string, hint: string, isDown = false) {
    super(message)
    this.name = 'ControlError'
    this.hint = hint
    this.isDown = isDown
  }
}

/**
 * Returns the control socket of the daemon with this config. Without interfaces, it is the only socket of that config.
 *
 * @throws ControlError if no socket fits, or more than one
 */
export function findSocket(config: string, interfaces: readonly string[]): string {
  const [path, another] = findSockets(config, interfaces)
  if (path === undefined) {
    throw new ControlError(`knockd is not running with ${config}`, 'start it, or name its config: -c FILE', true)
  }
  if (another !== undefined) {
    throw new ControlError(
      `several knockds are running with ${config}`,
      'name the interfaces of one, as it was started: -i NAME',
    )
  }
  return path
}

/**
 * Returns the control sockets of all daemons with this config, or of the one with these interfaces. A daemon that was
 * killed leaves its socket behind.
 *
 * @throws ControlError if the config or the folder cannot be read
 */
export function findSockets(config: string, interfaces: readonly string[]): readonly string[] {
  try {
    if (interfaces.length > 0) return [presentSocket(socketPath(config, interfaces))]
    const prefix = socketPrefix(config)
    const names = socketsIn(RUN_FOLDER).filter((name) => name.startsWith(prefix))
    return names.map((name) => join(RUN_FOLDER, name))
  } catch (error) {
    const { fault, reason } = fileErrorOf(config, error)
    const hint = reason === 'missing' ? 'name the config of knockd: -c FILE' : 'run this as root, with sudo'
    throw new ControlError(`${config}: ${fault}`, hint)
  }
}

/** Returns the sockets of a folder, those of daemons that run as their `User` included. */
function socketsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).flatMap((name) => {
      if (!name.endsWith(USERS_FOLDER)) return name.endsWith('.sock') ? [name] : []
      const inside = join(name, 'control.sock')
      return existsSync(join(folder, inside)) ? [inside] : []
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Characters that a terminal may obey. */
const CONTROL = /[^\P{C}\n\t]/gu

/**
 * Parses JSON of a daemon, with all text and names made safe for root's terminal: the daemon may run as a user whom root
 * does not trust. The error of a text that is not JSON has none of that text.
 *
 * @throws ControlError
 */
function parsePlain(text: string): unknown {
  try {
    return JSON.parse(text, (_, value: unknown) => {
      if (typeof value === 'string') return plain(value)
      if (typeof value !== 'object' || value === null || Object.keys(value).every((name) => plain(name) === name)) {
        return value
      }
      return Object.fromEntries(Object.entries(value).map(([name, each]) => [plain(name), each as unknown]))
    })
  } catch {
    throw new ControlError('knockd closed the connection', 'look at its log')
  }
}

function plain(text: string): string {
  return text.replaceAll(CONTROL, codePoint)
}

/** Returns the record in a line of a daemon. @throws ControlError if it is something else */
function recordIn(line: string): Readonly<Record<string, unknown>> {
  const event = parsePlain(line)
  if (typeof event === 'object' && event !== null) return event as Readonly<Record<string, unknown>>
  throw new ControlError('knockd gave another answer', 'look at its log')
}

/**
 * Returns the process that listens at a socket; `undefined`: it is unknown. Root signals this process, so the kernel names
 * it, and not the daemon, which may run as a user. A number that another user's process has by now does not count.
 */
function listenerOf(socket: Socket): number | undefined {
  const { pid = 0, uid } = peerOf(socket) ?? {}
  return pid > 0 && statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid ? pid : undefined
}

/**
 * Sends a request to a daemon. @throws ControlError if the daemon does not answer within `limitMs`, or the signal aborts
 */
export async function ask(
  path: string,
  request: Request,
  limitMs = ANSWER_MAX_MS,
  signal?: AbortSignal,
): Promise<Reply> {
  let text = ''
  const pid = await talkTo(path, request, { wholeMs: limitMs, signal }, (more) => {
    text += more
    if (text.length > REPLY_MAX_BYTES) throw new ControlError('the reply of knockd is too long', 'look at its log')
  })
  const reply = recordIn(text) as unknown as Reply
  return 'status' in reply ? { ...reply, status: { ...reply.status, pid } } : reply
}

/**
 * Asks a daemon for events, and calls back with each line of the reply. Returns when the daemon ends it.
 *
 * @throws ControlError if the daemon does not answer, or the signal aborts
 */
export async function askForEvents(
  path: string,
  request: EventsRequest,
  each: (line: Readonly<Record<string, unknown>>, text: string) => void,
  signal?: AbortSignal,
): Promise<void> {
  let rest = ''
  await talkTo(path, request, { signal, ...(request.follow === true ? {} : { idleMs: ANSWER_MAX_MS }) }, (more) => {
    const lines = (rest + more).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_MAX_CHARS) throw new ControlError('a line of knockd is too long', 'look at its log')
    for (const line of lines) {
      const event = recordIn(line)
      each(event, JSON.stringify(event))
    }
  })
}

/** The most milliseconds for the whole answer, and between two parts of it; and what ends the wait early. */
interface Limits {
  readonly wholeMs?: number
  readonly idleMs?: number
  readonly signal?: AbortSignal | undefined
}

/** Sends a request, and takes the answer in parts. @returns the process that listens, see {@link listenerOf} */
async function talkTo(
  path: string,
  request: Request,
  { wholeMs, idleMs, signal }: Limits,
  take: (text: string) => void,
): Promise<number | undefined> {
  const asked = `${JSON.stringify(request)}\n`
  if (Buffer.byteLength(asked) > REQUEST_MAX_BYTES)
    throw new ControlError('the request is too long', 'name fewer things')
  return await new Promise((resolve, reject) => {
    let pid: number | undefined
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    const socket = connect(path, () => {
      pid = listenerOf(socket)
      socket.write(asked)
    })
    socket.setEncoding('utf8')
    const giveUp = (): void => fail(new ControlError('knockd does not answer', 'look at its log'))
    if (idleMs !== undefined) socket.setTimeout(idleMs, giveUp)
    // Not the time since the last byte: what sends a byte now and then would hold the caller for ever.
    const timer = wholeMs === undefined ? undefined : setTimeout(giveUp, wholeMs)
    const abort = (): void => fail(new ControlError('no longer waiting for knockd', 'ask again'))
    if (signal?.aborted === true) abort()
    signal?.addEventListener('abort', abort)
    socket.on('close', () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', abort)
    })
    socket.on('error', ({ code }: NodeJS.ErrnoException) => {
      const hint = code === 'ENOENT' ? 'start it' : `start it again: it left ${path} behind`
      fail(
        code === 'EACCES'
          ? new ControlError('permission denied', 'use sudo, or set Control_Group in [options]')
          : new ControlError('knockd is not running', hint, true),
      )
    })
    socket.on('data', (more: string) => {
      try {
        take(more)
      } catch (error) {
        fail(error as Error)
      }
    })
    socket.on('end', () => resolve(pid))
  })
}
