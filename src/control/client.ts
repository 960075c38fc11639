import { existsSync, readdirSync, statSync } from 'node:fs'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { fileErrorOf } from '../file/file-error.ts'
import { codePoint } from '../text/code-point.ts'
import { peerOf } from './asker.ts'
import { REPLY_MAX_BYTES } from './message.ts'
import type { Reply, Request } from './message.ts'
import { RUN_FOLDER, USERS_FOLDER, presentSocket, socketPath, socketPrefix } from './socket.ts'

/** The most milliseconds to wait for a whole answer. */
const ANSWER_MAX_MS = 10_000

/** A daemon that cannot be asked. */
export class ControlError extends Error {
  readonly hint: string
  /** True if there is no such daemon. */
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
    throw new ControlError(`knockd is not running with ${config}`, 'start it, or name its config: -c FILE')
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

/** Makes text safe for root's terminal: the daemon may run as a user whom root does not trust. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll(/[^\P{C}\n\t]/gu, codePoint) : value
}

/**
 * Returns the process that listens at a socket; `undefined`: it is unknown. Root signals this process, so the kernel names
 * it, and not the daemon, which may run as a user. A number that another user's process has by now does not count.
 */
function listenerOf(socket: Socket): number | undefined {
  const { pid = 0, uid } = peerOf(socket) ?? {}
  return pid > 0 && statSync(`/proc/${pid}`, { throwIfNoEntry: false })?.uid === uid ? pid : undefined
}

/** Sends a request to a daemon. @throws ControlError if the daemon does not answer within `limitMs` */
export async function ask(path: string, request: Request, limitMs = ANSWER_MAX_MS): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let text = ''
    const fail = (message: string, hint: string, isDown?: boolean): void => {
      socket.destroy()
      reject(new ControlError(message, hint, isDown))
    }
    let pid: number | undefined
    const socket = connect(path, () => {
      pid = listenerOf(socket)
      socket.write(`${JSON.stringify(request)}\n`)
    })
    // Not the time since the last byte: what sends a byte now and then would hold the caller for ever.
    const timer = setTimeout(() => fail('knockd does not answer', 'look at its log'), limitMs)
    socket.on('close', () => clearTimeout(timer))
    socket.setEncoding('utf8')
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') fail('permission denied', 'use sudo, or set Control_Group in [options]')
      else {
        const hint = error.code === 'ENOENT' ? 'start it' : `start it again: it left ${path} behind`
        fail('knockd is not running', hint, true)
      }
    })
    socket.on('data', (more: string) => {
      text += more
      if (text.length > REPLY_MAX_BYTES) fail('the reply of knockd is too long', 'look at its log')
    })
    socket.on('end', () => {
      try {
        const reply = JSON.parse(text, plain) as Reply
        resolve('status' in reply ? { status: { ...reply.status, pid } } : reply)
      } catch {
        fail('knockd closed the connection', 'look at its log')
      }
    })
  })
}
