import { ICMP, TCP } from '../../../packet/packet.ts'
import type { Knock } from '../../../config/config.ts'
import { isBlocked } from '../../blocked-ports.ts'
import { Fault } from './fault.ts'

/**
 * Milliseconds from one knock to the next. A knock without an answer is then given up. After a shorter time, the next
 * knock could overtake it in a slow network.
 */
export const KNOCK_MS = 300

/** Returns the reason, for people, why a browser cannot send a sequence; `undefined` if it can. */
export function whyNot(sequence: readonly Knock[]): string | undefined {
  if (sequence.some(({ protocol }) => protocol === ICMP)) {
    return 'This sequence contains a ping, which browsers cannot send. Knock by hand.'
  }
  if (sequence.some(({ protocol }) => protocol !== TCP)) {
    return 'This sequence contains UDP, which browsers cannot send. Knock by hand.'
  }
  const blocked = sequence.find(({ port }) => isBlocked(port))
  return blocked === undefined ? undefined : `Browsers refuse to connect to port ${blocked.port}. Knock by hand.`
}

/**
 * Opens the ports in order. It cannot tell if a knock arrived.
 *
 * @param urlHost the host as in a URL
 * @param onKnock is called with the position of each knock before it is sent
 * @throws {@link Fault} if the browser reports that it sent nothing
 */
export async function knock(
  urlHost: string,
  sequence: readonly Knock[],
  onKnock: (place: number) => void,
): Promise<void> {
  if (!navigator.onLine) throw new Fault('This device is offline.', 'Nothing was sent.')
  const refused: string[] = []
  const note = (event: SecurityPolicyViolationEvent): void => void refused.push(event.effectiveDirective)
  document.addEventListener('securitypolicyviolation', note)
  try {
    for (const [place, { port }] of sequence.entries()) {
      onKnock(place)
      await knockAt(urlHost, port)
      if (refused.length > 0) {
        throw new Fault('The browser refused to knock.', 'It does not let this page reach that host. Knock by hand.')
      }
    }
  } finally {
    document.removeEventListener('securitypolicyviolation', note)
  }
}

/** The first packet is the same for http and https, and an https page must not use http. */
async function knockAt(urlHost: string, port: number): Promise<void> {
  const over = pause(KNOCK_MS)
  try {
    await request(urlHost, port, AbortSignal.timeout(KNOCK_MS))
  } catch {
    // The port is closed, silent, or does not speak HTTP. The packet is the knock, and its answer does not matter.
  }
  await over
}

/** Asks a port of the host, whose answer the page may not read. Rejects unless HTTP answers. */
export async function request(urlHost: string, port: number, signal: AbortSignal): Promise<void> {
  const scheme = location.protocol === 'https:' ? 'https' : 'http'
  await fetch(`${scheme}://${urlHost}:${port}/`, {
    mode: 'no-cors',
    cache: 'no-store',
    credentials: 'omit',
    referrerPolicy: 'no-referrer',
    signal,
  })
}

export async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** Returns the reason, for people, why no policy lets a page knock at its host. @param host as in commands */
export function reasonUnreachable(host: string | undefined): string {
  return host === undefined
    ? 'This page does not know the host. Knock by hand.'
    : 'Browsers do not let a page knock at an IPv6 address. Knock by hand.'
}
