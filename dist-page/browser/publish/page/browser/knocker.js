import { TCP } from '../../../packet/packet.js'
import { isBlocked } from './blocked-ports.js'
import { Fault } from './fault.js'
/**
 * Milliseconds each knock has before the next. One that is not answered is given up then; a shorter time could overtake
 * a slow network.
 */
export const KNOCK_MS = 300
/** Why a browser cannot send a sequence, for people. `undefined`: it can. */
export function whyNot(sequence) {
  if (sequence.some(({ protocol }) => protocol !== TCP)) {
    return 'This sequence has UDP in it, which browsers do not send. Knock by hand.'
  }
  const blocked = sequence.find(({ port }) => isBlocked(port))
  return blocked === undefined
    ? undefined
    : `Browsers refuse to open port ${blocked.port}, whatever a page asks. Knock by hand.`
}
/**
 * Opens the ports in order, one after the other. `onKnock` is called with the place of each before it is sent.
 * Throws {@link Fault} if the browser says that it sent nothing. It does not say whether a knock arrived.
 *
 * @param urlHost as in a URL
 */
export async function knock(urlHost, sequence, onKnock) {
  if (!navigator.onLine) throw new Fault('This device is offline.', 'Nothing was sent.')
  const refused = []
  const note = (event) => void refused.push(event.effectiveDirective)
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
/** The first packet is the same for http and https; from an https page, a browser sends none for http. */
async function knockAt(urlHost, port) {
  const scheme = location.protocol === 'https:' ? 'https' : 'http'
  const signal = AbortSignal.timeout(KNOCK_MS)
  const pause = new Promise((resolve) => {
    setTimeout(resolve, KNOCK_MS)
  })
  try {
    await fetch(`${scheme}://${urlHost}:${port}/`, {
      mode: 'no-cors',
      cache: 'no-store',
      credentials: 'omit',
      referrerPolicy: 'no-referrer',
      signal,
    })
  } catch {
    // Closed, silent, or something that speaks no HTTP: the knock is the packet, not the answer.
  }
  await pause
}
