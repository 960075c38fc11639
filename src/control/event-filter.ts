import type { LogEvent } from '../log/event.ts'
import type { Kept } from '../log/event-lane.ts'
import { sourceOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { contains, parseNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import type { Choice, EventsRequest } from './message.ts'

/**
 * The kinds of events that members of Control_Group get. Those of knocks would reveal a sequence port by port, and
 * commands and messages are for root.
 */
const MEMBER_KINDS: ReadonlySet<LogEvent['kind']> = new Set([
  'open',
  'opened',
  'closed',
  'extended',
  'revoked',
  'by-hand',
  'starting',
  'shutting-down',
  're-reading',
])

/** The fields that a choice looks at. An event's source may be in another form than text. */
interface Fields {
  readonly door?: string | undefined
  readonly user?: string | undefined
  readonly users?: readonly string[] | undefined
  readonly source?: unknown
}

/** Returns the error of a choice with a text that is not a network. */
export function notANetwork(text: string): { readonly error: string; readonly hint: string } {
  return { error: `${text} is not an address or a network`, hint: 'as in 192.0.2.7 or 2001:db8::/32' }
}

/** Returns a function that is true for what a choice matches, or the first text that is not a network. */
export function matcherOf<Of extends Fields>(
  { doors, users, sources }: Choice,
  sourceText: (of: Of) => string | undefined,
): ((of: Of) => boolean) | string {
  const networks: Network[] = []
  for (const text of sources ?? []) {
    const network = parseNetwork(text)
    if (network === undefined) return text
    networks.push(network)
  }
  return (of) => {
    const { door, user } = of
    if (doors !== undefined && (door === undefined || !doors.includes(door))) return false
    const named = of.users ?? (user === undefined ? [] : [user])
    if (users !== undefined && !named.some((each) => users.includes(each))) return false
    return sources === undefined || (of.source !== undefined && isWithin(sourceText(of) ?? '', networks))
  }
}

/**
 * Returns a function that is true for the events of a request, or the first text that is not a network.
 *
 * @param now milliseconds since 1970
 */
export function filterOf(
  { sinceMs, ...choice }: EventsRequest,
  isOwner: boolean,
  now: number,
): ((kept: Kept) => boolean) | string {
  const matches = matcherOf<LogEvent & Fields>(choice, sourceOf)
  if (typeof matches === 'string') return matches
  const since = sinceMs === undefined ? -Infinity : now - sinceMs
  return ({ time, event }) => {
    if (time < since || (!isOwner && !MEMBER_KINDS.has(event.kind))) return false
    return matches(event)
  }
}

function isWithin(text: string, networks: readonly Network[]): boolean {
  const address = parseAddress(text)
  return address !== undefined && networks.some((network) => contains(network, address))
}
