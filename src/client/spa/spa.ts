import { setTimeout as pause } from 'node:timers/promises'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Destination } from '../destination.ts'
import { resolve } from '../destination.ts'
import { ClientError } from '../fault.ts'
import type { Outside } from '../knock.ts'
import { isRefusal, reasonFor } from '../refusal.ts'
import type { Refusal } from '../refusal.ts'
import { isOpen } from '../verify.ts'
import { judge, localAddressFor } from './own-address.ts'
import type { Plan } from './plan.ts'
import type { SpaRequest } from './request.ts'

/** The outputs of the client, a line at a time. */
export interface Say {
  /** Prints a step. */
  readonly print: (line: string) => void
  /** Prints a notice that is not an error. */
  readonly notice: (line: string) => void
}

/**
 * Performs a request: it sends one packet to each address of the host. With `--verify`, it then checks the port, and
 * sends more packets if needed.
 *
 * @param look checks the port; by default with a connection that is closed at once
 * @throws ClientError if the request fails
 */
export async function sendSpa(request: SpaRequest, say: Say, look: Outside['isOpen'] = isOpen): Promise<void> {
  const plan = await planFor(request)
  if (request.verbose) {
    for (const line of plan.sources) say.print(line)
    say.print(`this machine's clock: ${new Date().toISOString()}`)
  }
  const destinations = await resolve(plan.host, plan.family, request.source)
  for (let round = 0; round <= request.retry; round++) {
    const reached = await sendAll(plan, destinations, say)
    if (request.verify === undefined || (await look(request.verify, reached))) return
  }
  const times = request.retry === 0 ? '' : ` after ${request.retry + 1} packets`
  throw new ClientError(`tcp ${plan.host}:${request.verify} is not open${times}`)
}

async function planFor(request: SpaRequest): Promise<Plan> {
  if (request.protocol === 'fwknop') return (await import('./fwknop.ts')).planFwknop(request)
  if (request.protocol === 'knockknock') return (await import('./knockknock.ts')).planKnockknock(request)
  return (await import('./postern.ts')).planPostern(request)
}

async function sendAll(plan: Plan, destinations: readonly Destination[], say: Say): Promise<readonly Destination[]> {
  const reached: Destination[] = []
  let refusal: Refusal | undefined
  for (const [index, destination] of destinations.entries()) {
    if (index > 0 && plan.pauseMs > 0) await pause(plan.pauseMs)
    try {
      const claimed = await claimFor(plan, destination, say)
      await plan.deliver(destination, claimed)
      const whom = claimed === undefined ? 'the address that it seems to come from' : formatAddress(claimed)
      say.print(`asked ${destination.address} (${plan.way}) for ${plan.wants}, for ${whom}`)
      reached.push(destination)
    } catch (error) {
      if (!isRefusal(error)) throw error
      // A name often has an address of a family without a route from this machine.
      refusal ??= error
    }
  }
  if (refusal !== undefined && reached.length === 0) {
    throw new ClientError(`cannot send to ${plan.host}: ${reasonFor(refusal)}`, undefined, refusal)
  }
  return reached
}

/** Returns the address for the packet, or `undefined` for the packet's source address. */
async function claimFor(plan: Plan, destination: Destination, say: Say): Promise<Address | undefined> {
  const { claim } = plan
  if (claim.kind === 'source') return undefined
  if (claim.kind === 'address') return claim.address
  const own = judge(
    await localAddressFor(destination),
    // The address is resolved. Its zone is removed.
    parseAddress(destination.address.replace(/%.*$/, ''))!,
  )
  if (own.kind === 'known') return own.address
  say.notice(
    `${formatAddress(own.address)} is a private address: the server sees another one\n` +
      '  the server will use the source address that it sees; to name another: --claim ADDRESS',
  )
  return undefined
}
