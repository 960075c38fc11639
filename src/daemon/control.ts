import type { Config } from '../config/config.ts'
import { shutsItself } from '../config/door-commands.ts'
import { steadyNow } from '../capture/steady-clock.ts'
import type { Asker } from '../control/asker.ts'
import type { Reply, Request, Status } from '../control/message.ts'
import type { Question } from '../control/server.ts'
import { BY_HAND } from '../door/held.ts'
import { within } from '../door/time-limit.ts'
import type { Opener } from '../door/opener.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Log } from '../log/log.ts'
import { openMetrics } from '../metrics/families.ts'
import { refusalOf, statusForMember } from './member.ts'
import type { MemberOpenings } from './member.ts'
import type { Reconciler } from './reconcile.ts'
import { lossText } from '../secret/since-loss.ts'
import { statusOf } from './status.ts'
import type { Inspected } from './status.ts'

/** The most milliseconds to wait for the stop commands of revoked openings. The client waits for ten seconds. */
const CLOSING_MAX_MS = 5_000

/** The parts of the daemon that an operator can inspect and control. */
export interface Controlled extends Inspected {
  readonly opener: Opener
  readonly reconciler: Pick<Reconciler, 'now' | 'closed'>
  readonly log: Log
  /** The openings that members of Control_Group made. */
  readonly memberOpenings: MemberOpenings
}

/** Answers a permitted request of an operator. Never rejects. */
export async function answer(request: Question, asker: Asker, of: Controlled): Promise<Reply> {
  try {
    switch (request.command) {
      case 'status':
        return { status: statusFor(asker, of) }
      case 'metrics':
        return { metrics: openMetrics(statusFor(asker, of)) }
      case 'open':
        return await openByHand(request, asker, of)
      case 'close':
        return await closeByHand(request, asker, of)
      case 'forgive':
        return forgive(request, of)
      case 'rotate':
        return await rotateList(request, of)
      case 'users':
        return await readUsers(request, of)
      case 'accept-loss':
        return await acceptLoss(request, of)
      default:
        return request satisfies never
    }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

function statusFor({ isOwner }: Asker, of: Controlled): Status {
  return isOwner ? statusOf(of) : statusForMember(statusOf(of))
}

async function openByHand(
  { door: name, source, forMs }: Request & { command: 'open' },
  asker: Asker,
  of: Controlled,
): Promise<Reply> {
  const { authenticators, opener, log } = of
  const door = authenticators.find(name)
  const address = parseAddress(source)
  if (door === undefined) return unknownDoor(name, of.config)
  if (address === undefined) return notAnAddress(source)
  const ms = forMs ?? door.cmdTimeoutMs
  const text = formatAddress(address)
  if (!asker.isOwner) {
    const refused = refusalOf(door, address, ms)
    if (refused !== undefined) return refused
    if (!of.memberOpenings.add(asker.user ?? -1, name, text, { ms, now: steadyNow() })) {
      return { error: 'you have too many openings', hint: 'close some, or wait' }
    }
  }
  log.event({ kind: 'by-hand', action: 'opened', source: text, door: name, by: byWhom(asker) })
  // These would be the protocol and port of the last knock, but there was no knock.
  const operator = byWhom(asker) ?? 'root'
  const grant = { door, source: address, ms, holder: BY_HAND, operator, protocol: TCP, port: 0 } as const
  if (!(await opener.open(grant, () => undefined))) return { error: `${name} stays shut`, hint: 'the log says why' }
  const ends = shutsItself(door, address.family)
  const lasts = ends ? ` for ${Math.round(ms / 1000)} s` : ', until something else closes it'
  return { done: `${name} is open to ${text}${lasts}`, count: 1 }
}

function forgive({ source }: Request & { command: 'forgive' }, { gate, log }: Controlled): Reply {
  const address = parseAddress(source)
  if (address === undefined) return notAnAddress(source)
  const text = formatAddress(address)
  if (!gate.forgive(address, steadyNow())) return { done: `${text} was not ignored`, count: 0 }
  log.event({ kind: 'by-hand', action: 'forgiven', source: text })
  return { done: `${text} is no longer ignored`, count: 1 }
}

async function rotateList({ door }: Request & { command: 'rotate' }, of: Controlled): Promise<Reply> {
  if (of.authenticators.find(door) === undefined) return unknownDoor(door, of.config)
  const left = await of.authenticators.rotate(door)
  if (left !== undefined) return { done: `${door} has a new list of ${left} sequences`, count: left }
  return {
    error: `${door} has no list that the daemon makes`,
    hint: 'set `One_Time_Sequences = generate` in its section',
  }
}

async function readUsers({ door: name }: Request & { command: 'users' }, of: Controlled): Promise<Reply> {
  const { authenticators, reconciler, opener } = of
  if (authenticators.find(name) === undefined) return unknownDoor(name, of.config)
  const users = authenticators.readUsers(name)
  if (users === undefined)
    return { error: `${name} has no users by name`, hint: 'reload knockd if its config has changed' }
  reconciler.now()
  await within(reconciler.closed(), CLOSING_MAX_MS)
  return { users: { ...users, openings: opener.list().filter(({ door }) => door === name) } }
}

async function acceptLoss({ door: name, id }: Request & { command: 'accept-loss' }, of: Controlled): Promise<Reply> {
  const { config, store, log } = of
  const door = config.doors.find((each) => each.name === name)
  if (door === undefined) return unknownDoor(name, config)
  if (!store.isJournal(id)) return { error: 'only users who can read the state can do this', hint: 'run it as root' }
  if (lossText(door, store) === undefined) return { error: `${name} is not shut because of a loss` }
  await store.acceptLoss(name)
  log.notice('warning', `${name}: accepts packets again, by hand: a packet from before the loss could be replayed`)
  return { done: `${name} accepts packets again`, count: 1 }
}

/** Omits the user for root, because `sudo` has its own log. */
function byWhom({ user, isOwner }: Asker): string | undefined {
  return isOwner ? undefined : `${user ?? 'unknown'}`
}

async function closeByHand(
  { door, source }: Request & { command: 'close' },
  asker: Asker,
  of: Controlled,
): Promise<Reply> {
  const { opener, log } = of
  if (door !== undefined && of.authenticators.find(door) === undefined) return unknownDoor(door, of.config)
  const address = source === undefined ? undefined : parseAddress(source)
  if (source !== undefined && address === undefined) return notAnAddress(source)
  const text = address === undefined ? undefined : formatAddress(address)
  log.event({ kind: 'by-hand', action: 'closed', source: text, door, by: byWhom(asker) })
  const count = await opener.close(door, address)
  of.memberOpenings.closed(door, text)
  return { done: count === 0 ? 'nothing was open' : `${count} closed`, count }
}

function notAnAddress(text: string): Reply {
  return { error: `${text} is not an address`, hint: 'as in 192.0.2.7 or 2001:db8::7' }
}

function unknownDoor(name: string, { doors }: Config): Reply {
  const known = doors.slice(0, 20).map((door) => door.name)
  return { error: `there is no door ${name}`, hint: `doors are: ${known.join(', ')}${doors.length > 20 ? ', …' : ''}` }
}
