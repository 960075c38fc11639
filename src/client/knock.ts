import type { Knock } from '../config/config.ts'
import type { Request } from './arguments.ts'
import type { Destination } from './destination.ts'
import { ClientError } from './fault.ts'
import { protocolName } from './port.ts'
import { isRefusal, reasonFor, type Refusal } from './refusal.ts'
import type { Rounds } from './rounds.ts'
import type { Send } from './sender.ts'
import { spacingOf } from './spacing.ts'
import type { Spacing } from './spacing.ts'

/** What knocking needs of the outside. */
export interface Outside {
  /** The addresses to knock at, in order; throws when there is none. */
  readonly resolve: (request: Request) => Promise<readonly Destination[]>
  readonly send: Send
  /** Whether the port is open at any of the destinations. */
  readonly isOpen: (port: number, destinations: readonly Destination[]) => Promise<boolean>
  readonly pause: (ms: number) => Promise<void>
  /** Writes a line to standard output. */
  readonly print: (line: string) => void
}

/**
 * Does what was asked: the whole sequence of the round at one address after the other (what opens once at one only), each knock only when the one before
 * is the kernel's; then, if wanted, looks whether the door is open and knocks again. Throws a ClientError when the host
 * cannot be resolved, there is nothing to knock, no family can be sent to, or the port is not open in the end.
 */
export async function knock(request: Request, rounds: Rounds, outside: Outside): Promise<void> {
  const destinations = await outside.resolve(request)
  for (let round = 0; round <= request.retry; round++) {
    const order = request.secret.kind === 'ports' ? destinations : turned(destinations, round)
    const reached = await knockAll(request, await rounds(round), order, round, outside)
    if (request.verify === undefined || (await outside.isOpen(request.verify, reached))) return
  }
  const times = request.retry === 0 ? '' : ` after ${request.retry + 1} rounds of knocks`
  throw new ClientError(`tcp ${request.host}:${request.verify} is not open${times}`)
}

/** In another round another family comes first. */
function turned(destinations: readonly Destination[], round: number): readonly Destination[] {
  const first = round % destinations.length
  return [...destinations.slice(first), ...destinations.slice(0, first)]
}

/**
 * Knocks at every destination; what opens only once, at the first that it can be sent to. Returns those the sequence went
 * out to, and throws when it went to none.
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
      if (request.secret.kind !== 'ports') break
    } catch (error) {
      if (!isRefusal(error)) throw error
      // A name often has an address of a family this machine has no route for.
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

/** The line knockd's knock prints for each knock with -v, an IPv6 address without brackets. */
function hitting({ protocol, port }: Knock, { address }: Destination): string {
  return `hitting ${protocolName(protocol)} ${address}:${port}`
}
