import type { Knock } from '../config/config.ts'
import { ICMP } from '../packet/packet.ts'
import type { Request } from './arguments.ts'
import type { Destination } from './destination.ts'
import { ClientError } from './fault.ts'
import { protocolName } from '../config/service.ts'
import { isRefusal, reasonFor, type Refusal } from './refusal.ts'
import type { Rounds } from './rounds.ts'
import type { Send } from './sender.ts'
import { spacingOf } from './spacing.ts'
import type { Spacing } from './spacing.ts'

/** The dependencies of knocking. */
export interface Outside {
  /** Returns the addresses to knock at, in order. Throws if there are none. */
  readonly resolve: (request: Request) => Promise<readonly Destination[]>
  /** Throws a ClientError if this machine cannot send one of the knocks. Nothing is sent. */
  readonly prepare: (knocks: readonly Knock[]) => Promise<void>
  readonly send: Send
  /** Returns true if the port is open at any of the destinations. */
  readonly isOpen: (port: number, destinations: readonly Destination[]) => Promise<boolean>
  readonly pause: (ms: number) => Promise<void>
  /** Writes a line to standard output. */
  readonly print: (line: string) => void
}

/**
 * Performs a request. Each round sends the whole sequence to one address after another; one-time secrets go to one
 * address only. Each knock waits until the kernel has accepted the previous one. With `--verify`, it then checks the
 * port, and knocks again if needed.
 *
 * @throws ClientError if the host cannot be resolved, nothing can be knocked or sent, or the port stays closed
 */
export async function knock(request: Request, rounds: Rounds, outside: Outside): Promise<void> {
  await outside.prepare(request.knocks)
  const destinations = await outside.resolve(request)
  for (let round = 0; round <= request.retry; round++) {
    const order = request.knockSource.kind === 'ports' ? destinations : turned(destinations, round)
    const knocks = await rounds(round)
    await outside.prepare(knocks)
    const reached = await knockAll(request, knocks, order, round, outside)
    if (request.verify === undefined || (await outside.isOpen(request.verify, reached))) return
  }
  const times = request.retry === 0 ? '' : ` after ${request.retry + 1} rounds of knocks`
  throw new ClientError(`tcp ${request.host}:${request.verify} is not open${times}`)
}

/** Each round begins with another family. */
function turned(destinations: readonly Destination[], round: number): readonly Destination[] {
  const first = round % destinations.length
  return [...destinations.slice(first), ...destinations.slice(0, first)]
}

/**
 * Knocks at every destination. One-time secrets go only to the first destination that can be sent to.
 *
 * @returns the destinations that the sequence was sent to; throws if there are none
 */
async function knockAll(
  request: Request,
  knocks: readonly Knock[],
  destinations: readonly Destination[],
  round: number,
  outside: Outside,
): Promise<readonly Destination[]> {
  const reached: Destination[] = []
  let refusal: Refusal | undefined
  for (const destination of destinations) {
    try {
      await knockOne(request, knocks, destination, spacingOf(round, request.delayMs, knocks.length), outside)
      reached.push(destination)
      if (request.knockSource.kind !== 'ports') break
    } catch (error) {
      if (!isRefusal(error)) throw error
      // A name often has an address of a family without a route from this machine.
      refusal ??= error
    }
  }
  if (refusal !== undefined && reached.length === 0) {
    throw new ClientError(`cannot send to ${request.host}: ${reasonFor(refusal)}`, undefined, refusal)
  }
  return reached
}

async function knockOne(
  request: Request,
  knocks: readonly Knock[],
  destination: Destination,
  { pauseMs, heldMs }: Spacing,
  outside: Outside,
): Promise<void> {
  for (const [index, one] of knocks.entries()) {
    if (index > 0 && pauseMs > 0) await outside.pause(pauseMs)
    await outside.send(one, destination, heldMs)
    if (request.verbose) outside.print(hitting(one, destination))
  }
}

/**
 * Formats the line that knockd's knock prints for each knock with -v, with an IPv6 address without brackets. A size
 * follows where the knock has one.
 */
function hitting({ protocol, port, size }: Knock, { address }: Destination): string {
  const at = protocol === ICMP ? address : `${address}:${port}`
  return `hitting ${protocolName(protocol)} ${at}${size === undefined ? '' : ` with ${size} bytes`}`
}
