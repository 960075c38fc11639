import type { Door } from '../../config/config.ts'
import { secretPath } from '../../config/secret.ts'
import { ControlError, ask, findSockets } from '../../control/client.ts'
import type { DoorUsers, OpeningStatus, Reply, Request } from '../../control/message.ts'

/** The most milliseconds to ask about all doors. */
const ASK_MAX_MS = 20_000

/** The most milliseconds to ask what is open before a change: a daemon that hangs must not hold a revocation up. */
const BEFORE_MAX_MS = 2_000

/** Asks all daemons with a config, within `limitMs`, and returns their replies. There are none if no daemon runs. */
export type AskAll = (request: Request, limitMs?: number) => Promise<readonly Reply[]>
/** A daemon's answer about the users of a door. */
export type DoorReply = DoorUsers | { readonly error: string }
/** The replies by door. */
export type Replies = ReadonlyMap<Door, readonly DoorReply[]>

/** Returns the way to ask the daemons with a config; without interfaces, all of them. */
export function asksAll(config: string, interfaces: readonly string[]): AskAll {
  return async (request, limitMs) => {
    try {
      const sockets = findSockets(config, interfaces)
      const replies = await Promise.all(sockets.map(async (path) => await askAt(path, request, limitMs)))
      return replies.filter((reply) => reply !== undefined)
    } catch (error) {
      return [refusalOf(error)]
    }
  }
}

/** Asks one daemon. Returns `undefined` if it does not run any more. */
async function askAt(path: string, request: Request, limitMs?: number): Promise<Reply | undefined> {
  try {
    return await ask(path, request, limitMs)
  } catch (error) {
    return error instanceof ControlError && error.isDown ? undefined : refusalOf(error)
  }
}

function refusalOf(error: unknown): Reply {
  if (error instanceof ControlError) return { error: error.message, hint: error.hint }
  throw error
}

/** Has the daemons read the users of doors again, one door after the other. */
export async function repliesOf(doors: readonly Door[], askAll: AskAll): Promise<Replies> {
  const end = performance.now() + ASK_MAX_MS
  const replies = new Map<Door, readonly DoorReply[]>()
  for (const door of doors) {
    const isLate = performance.now() > end
    const all = isLate
      ? [{ error: 'knockd does not answer in time' }]
      : await askAll({ command: 'users', door: door.name })
    replies.set(door, all.map(doorReplyOf))
  }
  return replies
}

function doorReplyOf(reply: Reply): DoorReply {
  if (isObject(reply) && 'users' in reply && isDoorUsers(reply.users)) return reply.users
  if (!isObject(reply) || !('error' in reply)) return { error: 'knockd gave another answer' }
  const { error, hint } = reply
  // The answer of a daemon that does not know the request.
  if (error === 'no such request') return { error: 'an earlier version of knockd runs: restart it' }
  return { error: hint === undefined ? error : `${error}: ${hint}` }
}

// The daemon may run as a user whom root does not trust. Whatever it answers, a revocation is carried out and reported.

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function isDoorUsers(value: unknown): value is DoorUsers {
  if (!isObject(value)) return false
  const { file, fault, users, openings } = value as Partial<DoorUsers>
  const isText = typeof file === 'string' && ['string', 'undefined'].includes(typeof fault)
  return isText && Array.isArray(users) && users.every(isObject) && Array.isArray(openings) && openings.every(isOpening)
}

function isOpening(value: unknown): value is OpeningStatus {
  if (!isObject(value)) return false
  const { services, users } = value as Partial<OpeningStatus>
  return Array.isArray(services) && (users === undefined || Array.isArray(users))
}

/** The effect of a change on the running daemons. */
export interface Effect {
  /** `none`: no daemon runs. */
  readonly state: 'in force' | 'not in force' | 'none'
  /** The reasons why the change is not in force. */
  readonly problems: readonly string[]
}

/** Judges by the daemons' replies whether a change of a user is in force: the user is known to them, or not. */
export function effectOf(replies: Replies, name: string, isThere: boolean): Effect {
  const problems: string[] = []
  let count = 0
  for (const [door, all] of replies) {
    for (const reply of all) {
      count++
      const problem = problemOf(door, reply, name, isThere)
      if (problem !== undefined) problems.push(`${door.name}: ${problem}`)
    }
  }
  return { state: problems.length > 0 ? 'not in force' : count > 0 ? 'in force' : 'none', problems }
}

function problemOf({ secret }: Door, reply: DoorReply, name: string, isThere: boolean): string | undefined {
  if ('error' in reply) return reply.error
  const { file, fault, users } = reply
  if (file !== secretPath(secret)) return `knockd has another config in force, with ${file}: reload it`
  if (fault !== undefined) return fault.replaceAll('\n', '\n  ')
  if (users.some((user) => user.name === name) === isThere) return undefined
  return `${name} is ${isThere ? 'not yet' : 'still'} known to knockd: its log says why`
}

/** The openings of a user before a change, and what became of them. */
export interface Closings {
  readonly closed: readonly OpeningStatus[]
  /** Openings that other users hold as well. */
  readonly kept: readonly OpeningStatus[]
  /** Openings that are still being closed, by a stop command that takes long. */
  readonly closing: readonly OpeningStatus[]
  /** Openings of doors about which a daemon does not answer. */
  readonly unknown: readonly OpeningStatus[]
}

/** Compares the openings of a user before and after a change of doors. */
export function closingsOf(before: readonly OpeningStatus[], after: Replies, name: string): Closings {
  const replies = new Map(Array.from(after, ([door, all]) => [door.name, all]))
  const left = openingsIn(after)
  const closed: OpeningStatus[] = []
  const kept: OpeningStatus[] = []
  const closing: OpeningStatus[] = []
  const unknown: OpeningStatus[] = []
  for (const opening of before) {
    const answers = replies.get(opening.door)
    if (answers === undefined || !holds(opening, name)) continue
    const now = left.find((each) => keyOf(each) === keyOf(opening))
    if (now !== undefined) (holds(now, name) ? closing : kept).push(now)
    else (answers.every((answer) => 'openings' in answer) ? closed : unknown).push(opening)
  }
  return { closed, kept, closing, unknown }
}

/** Returns true if the user is one of those who hold an opening. */
export function holds({ user, users }: OpeningStatus, name: string): boolean {
  return users?.includes(name) ?? user === name
}

/** Returns what is open now. Daemons that do not answer soon are left out. */
export async function openingsNow(askAll: AskAll): Promise<readonly OpeningStatus[]> {
  const replies = await askAll({ command: 'status' }, BEFORE_MAX_MS)
  return replies.flatMap((reply) => {
    const status = isObject(reply) && 'status' in reply && isObject(reply.status) ? reply.status : undefined
    return Array.isArray(status?.openings) ? status.openings.filter(isOpening) : []
  })
}

/** Returns the openings in replies. */
export function openingsIn(replies: Replies): readonly OpeningStatus[] {
  return [...replies.values()].flat().flatMap((reply) => ('openings' in reply ? reply.openings : []))
}

/** Formats an opening: `ssh for 192.0.2.2 (tcp/22)`. */
export function openingText({ door, source, services, forward }: OpeningStatus): string {
  const what = services.join(', ') || 'commands'
  return `${door} for ${source} (${what}${forward === undefined ? '' : `, sent on to ${forward}`})`
}

function keyOf({ door, source, services, forward }: OpeningStatus): string {
  return [door, source, services.join(), forward ?? ''].join('\n')
}
