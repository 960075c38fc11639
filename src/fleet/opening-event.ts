import { createHash, createHmac } from 'node:crypto'
import { DOOR_NAME_MAX_CHARS, GROUPS_MAX } from '../config/config.ts'
import type { Service } from '../config/config.ts'
import { formatService, readServices } from '../config/service.ts'
import { readFleetName } from '../config/value.ts'
import { BY_HAND } from '../door/held.ts'
import type { Grant, Port } from '../door/grant.ts'
import { formatForward, parseForward, parseServices, servicesText } from '../door/part.ts'
import { formatAddress, parseAddress } from '../packet/address.ts'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import type { KnockProtocol } from '../packet/packet.ts'
import type { Vouched } from '../secret/vouched.ts'
import { valueOf } from '../text/read.ts'
import { isRecord } from '../text/record.ts'

/** Largest signed event, in UTF-16 units. One with more groups and ports is not told. */
export const EVENT_MAX_CHARS = 8_192
/** Longest time from a proof to the deadline, in milliseconds: 30 days. A longer opening is told with this. */
export const TOLD_MAX_MS = 30 * 86_400_000
/** Characters of an opening's id: 132 bits of a hash. */
const ID_CHARS = 22

/**
 * An event of an opening, for the other hosts. `open`: a proof or an operator opened it, or made it longer. `extend`:
 * a connection of its source made it longer. `close`: it ended before its deadline.
 */
export interface OpeningEvent {
  readonly id: string
  readonly action: 'open' | 'extend' | 'close'
  /** It rises with each event of an id: milliseconds since 1970, or one more than before. */
  readonly number: number
  /** The time of the proof or the extension, and the deadline: milliseconds since 1970 by the clock of the host. */
  readonly at: number
  readonly until: number
  /** The groups whose hosts it is for. */
  readonly groups: readonly string[]
  readonly door: string
  readonly source: string
  /** The mark of the secret on the host that took the knock. It means nothing to the others. */
  readonly holder: string
  readonly user?: string
  readonly claimedUser?: string
  /** The MAC of {@link Grant.print}. */
  readonly key?: string
  /** Ports, and the target of a forward, as the journal has them. */
  readonly services?: string
  readonly asked?: string
  readonly forward?: string
  /**
   * The protocol and port of the last knock or of the packet. The port is masked by the fleet's key, as it may be part of a
   * sequence that nobody else who reads etcd should see.
   */
  readonly protocol: KnockProtocol
  readonly port: number
  /** The operator who opened it by hand. */
  readonly operator?: string
}

/** Returns the facts of an opening that stay the same while it lasts. */
export function factsOf(grant: Grant, groups: readonly string[], fleetKey: Buffer): OpeningFacts {
  const { door, user, claimedUser, print, holder, operator, protocol, port } = grant
  const [services, asked] = [servicesText({ services: grant.services }), servicesText({ asked: grant.asked })]
  const [source, forward] = [formatAddress(grant.source), formatForward(grant.forward)]
  // Other groups have another id, so that the last event of each opening is there for all whom it concerns.
  const parts = [door.name, source, services, asked, forward, holder, groups]
  const id = createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, ID_CHARS)
  const perhaps = {
    user,
    claimedUser,
    key: print === undefined ? undefined : macOf(fleetKey, print),
    services,
    asked,
    forward,
    operator: operator?.replaceAll(/[^\w.@-]/g, '_').slice(0, OPERATOR_MAX_CHARS),
  }
  const known = Object.fromEntries(Object.entries(perhaps).filter(([, value]) => value !== undefined))
  return { id, groups, door: door.name, source, holder, ...known, protocol, port: port ^ portMask(fleetKey, id) }
}

/** An event without its time. */
export type OpeningFacts = Omit<OpeningEvent, 'action' | 'number' | 'at' | 'until'>

/** Returns what another host vouches for, as this one judges it. */
export function vouchedOf(event: OpeningEvent, fleetKey: Buffer): Vouched {
  const { at, until, door, user, claimedUser, key, services, asked, forward, protocol, port } = event
  return {
    door,
    source: parseAddress(event.source)!,
    ms: until - at,
    user,
    claimedUser,
    isKey: (print) => key === macOf(fleetKey, print),
    services: services === undefined ? undefined : parseServices(services),
    asked: asked === undefined ? undefined : parseServices(asked).map(portOf),
    forward: parseForward(forward),
    protocol,
    port: port ^ portMask(fleetKey, event.id),
  }
}

/** Returns true if an operator made the opening by hand. */
export function isByHand({ holder }: OpeningEvent): boolean {
  return holder === BY_HAND
}

/** Reads the content of an event; `undefined`: not an event. */
export function readEvent(body: unknown): OpeningEvent | undefined {
  if (!isRecord(body)) return undefined
  const fields = Object.entries(FIELDS)
  const isWhole = fields.every(([name, { is, isOptional }]) => {
    const value = body[name]
    return value === undefined ? isOptional === true : is(value)
  })
  if (!isWhole || Number(body['until']) - Number(body['at']) > TOLD_MAX_MS) return undefined
  return Object.fromEntries(
    fields.flatMap(([name]) => (body[name] === undefined ? [] : [[name, body[name]]])),
  ) as unknown as OpeningEvent
}

const OPERATOR_MAX_CHARS = 64
/** Longest name of a user, and of a mark, in characters. */
const NAME_MAX_CHARS = 256

interface Field {
  readonly is: (value: unknown) => boolean
  readonly isOptional?: true
}

/** The fields of an event. Texts go to logs and the environment of commands, so that none has a control character. */
const FIELDS: Readonly<Record<keyof OpeningEvent, Field>> = {
  id: text(/^[\w-]{22}$/),
  action: text(/^(?:open|extend|close)$/),
  number: { is: isTime },
  at: { is: isTime },
  until: { is: isTime },
  groups: { is: isGroups },
  door: text(/^[^\p{Cc}]+$/u, DOOR_NAME_MAX_CHARS),
  source: { is: isAddress },
  holder: text(/^[^\p{Cc}]+$/u, NAME_MAX_CHARS),
  user: optional(text(/^[^\p{Cc}]+$/u, NAME_MAX_CHARS)),
  claimedUser: optional(text(/^[A-Za-z0-9._@][A-Za-z0-9._@-]{0,62}$/)),
  key: optional(text(/^[\w-]{43}$/)),
  services: optional({ is: isServices }),
  asked: optional({ is: isPorts }),
  forward: optional({ is: isForward }),
  protocol: { is: (value) => value === TCP || value === UDP || value === ICMP },
  port: { is: (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 65_536 },
  operator: optional(text(/^[\w.@-]+$/, OPERATOR_MAX_CHARS)),
}

function text(pattern: RegExp, maxChars = NAME_MAX_CHARS): Field {
  return { is: (value) => typeof value === 'string' && value.length <= maxChars && pattern.test(value) }
}

function optional({ is }: Field): Field {
  return { is, isOptional: true }
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0
}

function isGroups(value: unknown): boolean {
  if (!Array.isArray(value) || value.length === 0 || value.length > GROUPS_MAX) return false
  return value.every((group) => typeof group === 'string' && valueOf(readFleetName(group)) !== undefined)
}

/** Returns true for an address as it is formatted, so that one opening has one text. */
function isAddress(value: unknown): boolean {
  const address = typeof value === 'string' ? parseAddress(value) : undefined
  return address !== undefined && formatAddress(address) === value
}

function isServices(value: unknown): boolean {
  const services = typeof value === 'string' ? valueOf(readServices(value)) : undefined
  return services !== undefined && services.map(formatService).join() === value
}

function isPorts(value: unknown): boolean {
  return isServices(value) && parseServices(value as string).every(({ first, last, host }) => first === last && !host)
}

function isForward(value: unknown): boolean {
  const forward = typeof value === 'string' ? parseForward(value) : undefined
  return forward !== undefined && formatForward(forward) === value && forward.port > 0 && forward.port < 65_536
}

function portOf({ protocol, first }: Service): Port {
  return { protocol, port: first }
}

function macOf(fleetKey: Buffer, print: string): string {
  return createHmac('sha256', fleetKey).update('postern opening 1\n').update(print).digest('base64url')
}

/** Returns the bits that hide the port of an opening. */
function portMask(fleetKey: Buffer, id: string): number {
  return createHmac('sha256', fleetKey).update('postern opening port 1\n').update(id).digest().readUInt16BE()
}
