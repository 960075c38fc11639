import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { REPLY_MAX_BYTES } from './message.ts'
import type { Reply, Request } from './message.ts'
import { RUN_FOLDER, socketPath, socketPrefix } from './socket.ts'

/** Milliseconds that an answer is waited for. */
const ANSWER_MAX_MS = 10_000

/** No daemon could be asked. */
export class ControlError extends Error {
  readonly hint: string

  constructor(message: string, hint: string) {
    super(message)
    this.name = 'ControlError'
    this.hint = hint
  }
}

/**
 * The control socket of the daemon with this config. Without interfaces: the only one there is.
 *
 * @throws ControlError if there is none, or more than one
 */
export function findSocket(config: string, interfaces: readonly string[]): string {
  if (interfaces.length > 0) return socketPath(config, interfaces)
  let names: readonly string[]
  try {
    const prefix = socketPrefix(config)
    names = readdirSync(RUN_FOLDER).filter((name) => name.startsWith(prefix) && name.endsWith('.sock'))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'ENOENT') throw error
    names = []
  }
  const [name, another] = names
  if (name === undefined) {
    throw new ControlError(`no knockd runs with ${config}`, 'start it, or name its config: -c FILE')
  }
  if (another !== undefined) {
    throw new ControlError(`several knockds run with ${config}`, 'say which by the interfaces it was given: -i NAME')
  }
  return join(RUN_FOLDER, name)
}

/** Asks a daemon. @throws ControlError if it does not answer */
export async function ask(path: string, request: Request): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let text = ''
    const fail = (message: string, hint: string): void => {
      socket.destroy()
      reject(new ControlError(message, hint))
    }
    const socket = connect(path, () => socket.write(`${JSON.stringify(request)}\n`))
    socket.setEncoding('utf8')
    socket.setTimeout(ANSWER_MAX_MS, () => fail('knockd does not answer', 'look at its log'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES') fail('only root may do this', 'sudo, or Control_Group in [options]')
      else fail('knockd does not run', `it left ${path} behind: start it again`)
    })
    socket.on('data', (more: string) => {
      text += more
      if (text.length > REPLY_MAX_BYTES) fail('knockd answers too much', 'look at its log')
    })
    socket.on('end', () => {
      try {
        resolve(JSON.parse(text) as Reply)
      } catch {
        fail('knockd broke off', 'look at its log')
      }
    })
  })
}
