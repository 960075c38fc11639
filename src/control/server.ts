import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname } from 'node:path'
import { cannot } from '../file/file-error.ts'
import { askerAt, mayAsk } from './asker.ts'
import type { Asker } from './asker.ts'
import { groupId } from './group.ts'
import { Members } from './members.ts'
import { REQUEST_MAX_BYTES, parseRequest } from './message.ts'
import type { Reply, Request } from './message.ts'

/** Most connections of root that are served at a time. */
const OWNER_CLIENTS_MAX = 16
/** Milliseconds an operator may be silent, or not read. */
const IDLE_MAX_MS = 10_000
/** Milliseconds a request may take to come, and a connection may last. */
export const REQUEST_MAX_MS = 5_000
const CONNECTION_MAX_MS = 20_000
/** Who may use the socket: its owner, or its group as well. */
const OWNER_ONLY = 0o600
const GROUP_TOO = 0o660

/** The daemon's end of the control socket. One line of JSON is asked, one is answered, and the connection ends. */
export class ControlServer {
  readonly #path: string
  readonly #server: Server
  readonly #members = new Members()
  #owners = 0

  /**
   * @param answer never rejects; asked only what whoever asks may ask
   * @param failed told when the socket cannot be had: the daemon goes on without
   */
  constructor(path: string, answer: Answer, failed: (error: Error) => void) {
    this.#path = path
    this.#server = createServer((client) => this.#enter(client, answer))
    this.#server.on('error', (error) => failed(cannot(`listen on the control socket ${path}`, error)))
  }

  /**
   * Listens. What is left of an earlier daemon's socket gives way: whoever calls this holds the lock of the state.
   *
   * @throws Error that says why it cannot, or that there is no such group
   */
  listen(group: string | undefined): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 })
      rmSync(this.#path, { force: true })
    } catch (error) {
      throw cannot(`create the control socket ${this.#path}`, error)
    }
    // From the first moment on for nobody else.
    const before = process.umask(0o777 & ~OWNER_ONLY)
    try {
      this.#server.listen(this.#path)
    } finally {
      process.umask(before)
    }
    this.admit(group)
  }

  /** Lets a group in beside root, or no longer. @throws Error that says why it cannot, or that there is no such group */
  admit(group: string | undefined): void {
    const id = group === undefined ? 0 : groupId(group)
    if (id === undefined) throw new Error(`Control_Group: there is no group ${group}\n  groupadd --system ${group}`)
    try {
      chownSync(this.#path, process.geteuid?.() ?? 0, id)
      chmodSync(this.#path, group === undefined ? OWNER_ONLY : GROUP_TOO)
    } catch (error) {
      throw cannot(`set the group of the control socket ${this.#path}`, error)
    }
  }

  close(): void {
    this.#server.close()
    rmSync(this.#path, { force: true })
  }

  /** Members have shares of their own, so that none of them keeps root out. */
  #enter(client: Socket, answer: Answer): void {
    const asker = askerAt(client)
    const member = asker.user ?? UNKNOWN_USER
    client.on('error', () => undefined)
    const free = asker.isOwner ? this.#owners < OWNER_CLIENTS_MAX : this.#members.enter(member, performance.now())
    if (!free) {
      client.end(lineOf({ error: 'too many connections', hint: 'end the others first' }), () => client.destroy())
      return
    }
    if (asker.isOwner) this.#owners++
    client.once('close', () => {
      if (asker.isOwner) this.#owners--
      else this.#members.leave(member)
    })
    serve(client, async (request) => {
      if (!mayAsk(asker, request)) return { error: `only root may ${request.command}`, hint: 'use sudo' }
      if (asker.isOwner || this.#members.ask(member, performance.now())) return await answer(request, asker)
      return { error: 'too many requests', hint: 'try again in a few seconds' }
    })
  }
}

/** Answers what somebody asks. */
type Answer = (request: Request, asker: Asker) => Promise<Reply>

/** Stands for a user that the system does not name. */
const UNKNOWN_USER = -1

function lineOf(message: Reply): string {
  return `${JSON.stringify(message)}\n`
}

function serve(client: Socket, answer: (request: Request) => Promise<Reply>): void {
  let text = ''
  const reply = (message: Reply): void => void client.end(lineOf(message))
  const late = setTimeout(() => client.destroy(), REQUEST_MAX_MS)
  const over = setTimeout(() => client.destroy(), CONNECTION_MAX_MS)
  client.once('close', () => {
    clearTimeout(late)
    clearTimeout(over)
  })
  client.setEncoding('utf8')
  client.setTimeout(IDLE_MAX_MS, () => client.destroy())
  client.on('data', (more: string) => {
    text += more
    const end = text.indexOf('\n')
    if (end < 0 && text.length <= REQUEST_MAX_BYTES) return
    clearTimeout(late)
    client.removeAllListeners('data').resume()
    const request = end < 0 ? undefined : parseRequest(text.slice(0, end))
    if (request === undefined) reply({ error: 'no such request' })
    else void answer(request).then(reply)
  })
}
