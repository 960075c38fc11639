import type { LogEvent } from '../log/event.ts'
import type { Kept } from '../log/event-lane.ts'
import { sourceOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { contains, parseNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import type { EventsRequest } from './message.ts'

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

/** The fields that filters look at. */
type Fields = Readonly<Partial<Record<'door' | 'user', string>>>

/**
 * Returns a function that is true for the events of a request, or the first text that is not a network.
 *
 * @param now milliseconds since 1970
 */
export function filterOf(
  { doors, users, sources, sinceMs }: EventsRequest,
  isOwner: boolean,
  now: number,
): ((kept: Kept) => boolean) | string {
  const networks: Network[] = []
  for (const text of sources ?? []) {
    const network = parseNetwork(text)
    if (network === undefined) return text
    networks.push(network)
  }
  const since = sinceMs === undefined ? -Infinity : now - sinceMs
  return ({ time, event }) => {
    if (time < since || (!isOwner && !MEMBER_KINDS.has(event.kind))) return false
    const { door, user } = event as Fields
    if (doors !== undefined && (door === undefined || !doors.includes(door))) return false
    if (users !== undefined && (user === undefined || !users.includes(user))) return false
    return sources === undefined || isFrom(event, networks)
  }
}

function isFrom(event: LogEvent, networks: readonly Network[]): boolean {
  const { source } = event as { readonly source?: unknown }
  if (source === undefined) return false
  const address = parseAddress(sourceOf(event) ?? '')
  return address !== undefined && networks.some((network) => contains(network, address))
}
