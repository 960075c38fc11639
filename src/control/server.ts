import { chmodSync, chownSync, mkdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { dirname } from 'node:path'
import { cannot } from '../file/file-error.ts'
import { askerAt, mayAsk } from './asker.ts'
import type { Asker } from './asker.ts'
import { groupId } from './group.ts'
import { Members } from './members.ts'
import { REQUEST_MAX_BYTES } from './message.ts'
import { parseRequest } from './parse-request.ts'
import type { Reply, Request } from './message.ts'
import type { Subscribers } from './subscribers.ts'

/** The most simultaneous connections of root. */
const OWNER_CLIENTS_MAX = 16
/** The most milliseconds that a client may send nothing or read nothing. */
const IDLE_MAX_MS = 10_000
/** The most milliseconds until a request is complete, and until a connection is closed. */
export const REQUEST_MAX_MS = 5_000
const CONNECTION_MAX_MS = 20_000
/** The mode of the socket: access for its owner, or also for its group. */
const OWNER_ONLY = 0o600
const GROUP_TOO = 0o660

/** The daemon's end of the control socket. A client sends one line of JSON and gets one, and the connection ends. */
export class ControlServer {
  readonly #path: string
  readonly #server: Server
  readonly #members = new Members()
  readonly #subscribers: Pick<Subscribers, 'add' | 'endMembers'>
  #owners = 0

  /**
   * @param answer answers permitted requests; never rejects
   * @param failed called when the socket fails; the daemon continues
   * @param subscribers the readers of events
   */
  constructor(
    path: string,
    answer: Answer,
    failed: (error: Error) => void,
    subscribers: Pick<Subscribers, 'add' | 'endMembers'>,
  ) {
    this.#path = path
    this.#subscribers = subscribers
    this.#server = createServer((client) => this.#enter(client, answer))
    this.#server.on('error', (error) => failed(cannot(`listen on the control socket ${path}`, error)))
  }

  /**
   * Listens, and replaces the socket of an earlier daemon. The caller holds the lock on the state.
   *
   * @throws Error with the reason, or if the group does not exist
   */
  listen(group: string | undefined): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 })
      rmSync(this.#path, { force: true })
    } catch (error) {
      throw cannot(`create the control socket ${this.#path}`, error)
    }
    // From the start, nobody else has access.
    const before = process.umask(0o777 & ~OWNER_ONLY)
    try {
      this.#server.listen(this.#path)
    } finally {
      process.umask(before)
    }
    this.admit(group)
  }

  /** Gives a group access besides root, or removes it. @throws Error with the reason, or if the group does not exist */
  admit(group: string | undefined): void {
    // A socket in the folder of a daemon that runs as its `User` has the folder's group already.
    const id = group === undefined ? (process.getegid?.() ?? 0) : groupId(group)
    if (id === undefined) throw new Error(`Control_Group: there is no group ${group}\n  groupadd --system ${group}`)
    this.#subscribers.endMembers()
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

  /** Members have separate limits, so that they cannot block root. */
  #enter(client: Socket, answer: Answer): void {
    const asker = askerAt(client)
    const member = asker.user ?? UNKNOWN_USER
    client.on('error', () => undefined)
    const free = asker.isOwner ? this.#owners < OWNER_CLIENTS_MAX : this.#members.enter(member, performance.now())
    if (!free) {
      client.end(lineOf({ error: 'too many connections', hint: 'close the others first' }), () => client.destroy())
      return
    }
    if (asker.isOwner) this.#owners++
    let isCounted = true
    const leave = (): void => {
      if (!isCounted) return
      isCounted = false
      if (asker.isOwner) this.#owners--
      else this.#members.leave(member)
    }
    client.once('close', leave)
    serve(client, async (request) => {
      if (!mayAsk(asker, request)) return { error: `only root may ${request.command}`, hint: 'use sudo' }
      if (!asker.isOwner && !this.#members.ask(member, performance.now())) {
        return { error: 'too many requests', hint: 'try again in a few seconds' }
      }
      if (request.command !== 'events') return await answer(request, asker)
      const refused = this.#subscribers.add(request, asker, client)
      // Readers of events have limits of their own, and take no place of those who ask.
      if (refused === undefined) leave()
      return refused
    })
  }
}

/** A request that has one reply. */
export type Question = Exclude<Request, { readonly command: 'events' }>

/** A function that answers a request. */
type Answer = (request: Question, asker: Asker) => Promise<Reply>

/** The user id that is used if the system does not tell the user. */
const UNKNOWN_USER = -1

function lineOf(message: Reply): string {
  return `${JSON.stringify(message)}\n`
}

/** @param answer returns `undefined` if the connection stays open for more than one reply */
function serve(client: Socket, answer: (request: Request) => Promise<Reply | undefined>): void {
  let text = ''
  const reply = (message: Reply): void => void client.end(lineOf(message))
  const late = setTimeout(() => client.destroy(), REQUEST_MAX_MS)
  const over = setTimeout(() => client.destroy(), CONNECTION_MAX_MS)
  client.once('close', () => {
    clearTimeout(late)
    clearTimeout(over)
  })
  const stay = (): void => {
    clearTimeout(over)
    client.setTimeout(0)
  }
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
    else {
      void answer(request).then((message) => {
        if (message === undefined) stay()
        else reply(message)
        return undefined
      })
    }
  })
}
