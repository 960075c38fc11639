import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { fileErrorOf } from '../file/file-error.ts'
import { REPLY_MAX_BYTES, REQUEST_MAX_BYTES } from './message.ts'
import type { EventsRequest, Reply, Request } from './message.ts'
import { RUN_FOLDER, socketPath, socketPrefix } from './socket.ts'

/** The most milliseconds to wait for an answer. */
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
  let names: readonly string[]
  try {
    if (interfaces.length > 0) return socketPath(config, interfaces)
    const prefix = socketPrefix(config)
    names = socketsIn(RUN_FOLDER).filter((name) => name.startsWith(prefix) && name.endsWith('.sock'))
  } catch (error) {
    const { fault, reason } = fileErrorOf(config, error)
    const hint = reason === 'missing' ? 'name the config of knockd: -c FILE' : 'run this as root, with sudo'
    throw new ControlError(`${config}: ${fault}`, hint)
  }
  const [name, another] = names
  if (name === undefined) {
    throw new ControlError(`knockd is not running with ${config}`, 'start it, or name its config: -c FILE', true)
  }
  if (another !== undefined) {
    throw new ControlError(
      `several knockds are running with ${config}`,
      'name the interfaces of one, as it was started: -i NAME',
    )
  }
  return join(RUN_FOLDER, name)
}

function socketsIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

/** Sends a request to a daemon. @throws ControlError if the daemon does not answer */
export async function ask(path: string, request: Request): Promise<Reply> {
  let text = ''
  await talkTo(path, request, ANSWER_MAX_MS, (more) => {
    text += more
    if (text.length > REPLY_MAX_BYTES) throw new ControlError('the reply of knockd is too long', 'look at its log')
  })
  try {
    return JSON.parse(text) as Reply
  } catch {
    throw new ControlError('knockd closed the connection', 'look at its log')
  }
}

/**
 * Asks a daemon for events, and calls back with each line of the reply. Returns when the daemon ends it.
 *
 * @throws ControlError if the daemon does not answer
 */
export async function askForEvents(
  path: string,
  request: EventsRequest,
  each: (line: Readonly<Record<string, unknown>>, text: string) => void,
): Promise<void> {
  let rest = ''
  await talkTo(path, request, request.follow === true ? 0 : ANSWER_MAX_MS, (more) => {
    const lines = (rest + more).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_MAX_CHARS) throw new ControlError('a line of knockd is too long', 'look at its log')
    for (const line of lines) each(JSON.parse(line) as Readonly<Record<string, unknown>>, line)
  })
}

/** @param idleMaxMs the longest time without an answer; 0: any */
async function talkTo(path: string, request: Request, idleMaxMs: number, take: (text: string) => void): Promise<void> {
  const asked = `${JSON.stringify(request)}\n`
  if (Buffer.byteLength(asked) > REQUEST_MAX_BYTES)
    throw new ControlError('the request is too long', 'name fewer things')
  await new Promise<void>((resolve, reject) => {
    const fail = (error: Error): void => {
      socket.destroy()
      reject(error)
    }
    const socket = connect(path, () => socket.write(asked))
    socket.setEncoding('utf8')
    socket.setTimeout(idleMaxMs, () => fail(new ControlError('knockd does not answer', 'look at its log')))
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
    socket.on('end', () => resolve())
  })
}
