import type { Config, Door } from '../config/config.ts'
import type { Asker } from '../control/asker.ts'
import { ATTEMPTS_LISTED_MAX, IGNORED_LISTED_MAX } from '../control/message.ts'
import type { IgnoredStatus, Reply, Request, Status } from '../control/message.ts'
import type { Interfaces } from '../capture/interfaces.ts'
import { steadyNow } from '../capture/interfaces.ts'
import { formatService } from '../config/service.ts'
import { BY_HAND } from '../door/held.ts'
import type { Openings } from '../door/openings.ts'
import type { Gate } from '../gate/gate.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Store } from '../state/store.ts'
import { VERSION } from '../version.ts'
import type { Authenticators } from '../secret/authenticators.ts'
import type { Faults } from './faults.ts'
import { lossText } from '../secret/since-loss.ts'
import type { Guarding } from './guarding.ts'
import type { Log } from './log/log.ts'
import { refusalOf, statusForMember } from './member.ts'
import type { MemberOpenings } from './member.ts'

/** The parts of the daemon that an operator can inspect and control. */
export interface Controlled {
  readonly config: Config
  readonly gate: Gate
  readonly authenticators: Authenticators
  readonly interfaces: Interfaces
  readonly guarding: Guarding
  readonly openings: Openings
  readonly log: Log
  /** The openings that members of Control_Group made. */
  readonly memberOpenings: MemberOpenings
  readonly faults: Faults
  readonly store: Store
  /** The path of the journal. */
  readonly state: string
}

/** Answers a permitted request of an operator. Never rejects. */
export async function answer(request: Request, asker: Asker, of: Controlled): Promise<Reply> {
  try {
    switch (request.command) {
      case 'status':
        return { status: asker.isOwner ? statusOf(of) : statusForMember(statusOf(of)) }
      case 'open':
        return await openByHand(request, asker, of)
      case 'close':
        return await closeByHand(request, asker, of)
      case 'forgive':
        return forgive(request, of)
      case 'rotate':
        return await rotateList(request, of)
      case 'accept-loss':
        return await acceptLoss(request, of)
      default:
        return request satisfies never
    }
  } catch (error) {
    return { error: (error as Error).message }
  }
}

async function openByHand(
  { door: name, source, forMs }: Request & { command: 'open' },
  asker: Asker,
  of: Controlled,
): Promise<Reply> {
  const { authenticators, guarding, openings, log } = of
  const door = authenticators.find(name)
  const address = parseAddress(source)
  if (door === undefined) return unknownDoor(name, of.config)
  if (address === undefined) return { error: `${source} is not an address`, hint: 'as in 192.0.2.7 or 2001:db8::7' }
  const ms = forMs ?? door.cmdTimeoutMs
  const text = formatAddress(address)
  if (!asker.isOwner) {
    const refused = refusalOf(door, address, ms)
    if (refused !== undefined) return refused
    if (!of.memberOpenings.add(asker.user ?? -1, name, text, { ms, now: steadyNow() })) {
      return { error: 'you have too many openings', hint: 'close some, or wait' }
    }
  }
  log.notice('notice', `${text}: ${name}: opened by hand${byWhom(asker)}`)
  if (door.opens.length > 0 && !guarding.open(door, address, { ms, holder: BY_HAND })) {
    return { error: `${name} stays shut`, hint: 'the log says why' }
  }
  if (hasCommands(door)) {
    // These would be the protocol and port of the last knock, but there was no knock.
    await openings.open({ ...door, cmdTimeoutMs: ms }, { source: address, protocol: TCP, port: 0, holder: BY_HAND })
  }
  const lasts = closes(door, address.family) ? ` for ${Math.round(ms / 1000)} s` : ', until something else closes it'
  return { done: `${name} is open to ${text}${lasts}`, count: 1 }
}

function forgive({ source }: Request & { command: 'forgive' }, { gate, log }: Controlled): Reply {
  const address = parseAddress(source)
  if (address === undefined) return { error: `${source} is not an address`, hint: 'as in 192.0.2.7 or 2001:db8::7' }
  const text = formatAddress(address)
  if (!gate.forgive(address, steadyNow())) return { done: `${text} was not ignored`, count: 0 }
  log.notice('notice', `${text}: forgiven by hand`)
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
function byWhom({ user, isOwner }: Asker): string {
  return isOwner ? '' : `, by user ${user ?? 'unknown'}`
}

async function closeByHand(
  { door, source }: Request & { command: 'close' },
  asker: Asker,
  of: Controlled,
): Promise<Reply> {
  const { guarding, openings, log } = of
  if (door !== undefined && of.authenticators.find(door) === undefined) return unknownDoor(door, of.config)
  const address = source === undefined ? undefined : parseAddress(source)
  if (source !== undefined && address === undefined) {
    return { error: `${source} is not an address`, hint: 'as in 192.0.2.7 or 2001:db8::7' }
  }
  const text = address === undefined ? undefined : formatAddress(address)
  log.notice('notice', `${text ?? 'everybody'}: ${door ?? 'every door'}: closed by hand${byWhom(asker)}`)
  const count = guarding.close(door, address) + (await openings.close(door, text))
  of.memberOpenings.closed(door, text)
  return { done: count === 0 ? 'nothing was open' : `${count} closed`, count }
}

function unknownDoor(name: string, { doors }: Config): Reply {
  const known = doors.slice(0, 20).map((door) => door.name)
  return { error: `there is no door ${name}`, hint: `doors are: ${known.join(', ')}${doors.length > 20 ? ', …' : ''}` }
}

function statusOf(of: Controlled): Status {
  const { config, gate, authenticators, interfaces, guarding, openings, store, state } = of
  const now = steadyNow()
  interfaces.checkHearing()
  return {
    version: VERSION,
    pid: process.pid,
    program: process.argv[1] ?? '',
    config: config.file,
    upMs: Math.round(performance.now()),
    interfaces: interfaces.states,
    guard: guarding.status,
    exposed: guarding.exposed,
    doors: config.doors.map((door) => ({
      name: door.name,
      secret: door.secret.kind,
      left: authenticators.status(door.name).left,
      users: authenticators.status(door.name).users,
      opens: door.opens.map(formatService),
      commands: hasCommands(door),
      openForMs: door.cmdTimeoutMs,
      shut: lossText(door, store),
    })),
    openings: [
      ...guarding.list,
      ...openings.list().map(({ door, source, user, claimedUser, leftMs }) => {
        return { door, source, user, claimedUser, services: [], leftMs }
      }),
    ],
    attempts: {
      count: gate.attempts,
      sources: gate.sources,
      listed: [...gate.underWay(ATTEMPTS_LISTED_MAX)].map(({ source, doors: names, stage, until }) => ({
        source: formatAddress(source),
        doors: names,
        stage,
        leftMs: Math.max(0, Math.round(until - now)),
      })),
    },
    ignored: ignoredIn(config, gate, now),
    faults: of.faults.status,
    journal: store.failure?.message,
    state,
  }
}

function ignoredIn({ doors }: Config, gate: Gate, now: number): readonly IgnoredStatus[] {
  const { scannableDoors } = gate
  const coded = (behind: boolean): readonly string[] =>
    doors.flatMap(({ name, secret }) =>
      (secret.kind === 'totp' || secret.kind === 'users') && secret.code.before.length > 0 === behind ? [name] : [],
    )
  const by = { scan: scannableDoors, codes: coded(false), 'codes behind': coded(true) }
  return [...gate.ignored(now, IGNORED_LISTED_MAX)].map(({ source, why, until }) => ({
    source: formatAddress(source),
    why,
    doors: by[why],
    leftMs: Math.max(0, Math.round(until - now)),
  }))
}

/** Returns true if opening the door runs a command for either address family. */
export function hasCommands({ commands4, commands6 }: Door): boolean {
  return commands4.start !== undefined || commands6.start !== undefined
}

function closes({ opens, commands4, commands6 }: Door, family: 4 | 6): boolean {
  return opens.length > 0 || (family === 4 ? commands4 : commands6).stop !== undefined
}
