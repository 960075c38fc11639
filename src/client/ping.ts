import { randomBytes } from 'node:crypto'
import { HERE } from '../file/platform.ts'
import type { Platform } from '../file/platform.ts'
import { parseAddress } from '../packet/address.ts'
import type { ZonedAddress } from '../native/ping-socket.ts'
import type { Destination } from './destination.ts'
import { ClientError } from './fault.ts'
import { loadNative, systemName } from './native-part.ts'
import { isRefusal } from './refusal.ts'
import { internetChecksum } from './checksum.ts'

/** The types of echo requests (RFC 792, RFC 4443). */
const ECHO_REQUEST = { 4: 8, 6: 128 } as const
const HEADER_BYTES = 8
/** The systems whose socket addresses are known. */
const SYSTEMS: ReadonlySet<NodeJS.Platform> = new Set(['linux', 'darwin', 'freebsd', 'openbsd', 'netbsd'])

/**
 * Sends one echo request with so many bytes of payload. Its answer is not awaited.
 *
 * @throws ClientError if this machine does not let Postern send pings, or the system's error if it refuses this one
 */
export async function sendPing(size: number, { family, address, source }: Destination): Promise<void> {
  const sendIcmp = await pingSender()
  try {
    sendIcmp(echoRequest(family, size), zoned(address), source === undefined ? undefined : zoned(source))
  } catch (error) {
    if (!isRefusal(error) || !('syscall' in error) || error.syscall !== 'socket') throw error
    const hint = `run this as root, or let your group send pings: sysctl net.ipv4.ping_group_range="0 2147483647"; ${byHand(HERE)}`
    throw new ClientError(`cannot send pings: ${error.code}`, hint, error)
  }
}

/** Loads the function that sends. @throws ClientError if this system sends none, or koffi is missing */
export async function pingSender(
  platform: Platform = HERE,
): Promise<(typeof import('../native/ping-socket.ts'))['sendIcmp']> {
  const hint = byHand(platform)
  if (!SYSTEMS.has(platform.os)) throw new ClientError(`cannot send pings on ${systemName(platform.os)}`, hint)
  return (await loadNative(async () => import('../native/ping-socket.ts'), 'send pings', hint)).sendIcmp
}

function byHand({ os }: Platform): string {
  return `${os === 'win32' ? '`ping -n 1 -l SIZE HOST`' : '`ping -c 1 -s SIZE HOST`'} sends one, too`
}

/** Returns the message. Random identifier and sequence number tell it from the next one of the same size. */
function echoRequest(family: 4 | 6, size: number): Uint8Array {
  const message = new Uint8Array(HEADER_BYTES + size)
  const view = new DataView(message.buffer)
  view.setUint8(0, ECHO_REQUEST[family])
  message.set(randomBytes(4), 4)
  if (family === 4) view.setUint16(2, internetChecksum(view))
  return message
}

function zoned(text: string): ZonedAddress {
  const [address = '', zone] = text.split('%')
  return { address: parseAddress(address)!, zone }
}
