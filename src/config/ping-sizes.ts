import { ICMP } from '../packet/packet.ts'
import type { Knock } from './config.ts'

/**
 * The payloads that programs send in pings unless they are told otherwise, in bytes, with their senders: ping(8) of
 * iputils, BusyBox, macOS and the BSDs; ping of Windows; ping of RouterOS, whose 56 bytes include the headers; nmap -PE.
 */
export const OWN_PING_BYTES: ReadonlyMap<number, string> = new Map([
  [56, 'Linux, macOS, the BSDs'],
  [32, 'Windows'],
  [28, 'RouterOS'],
  [0, 'nmap'],
])

/** The MTU of most networks, and the most bytes of payload that fit, for each family: less the headers of IP and ICMP. */
export const USUAL_MTU_BYTES = 1_500
export const UNFRAGMENTED_MAX_BYTES = { 4: USUAL_MTU_BYTES - 20 - 8, 6: USUAL_MTU_BYTES - 40 - 8 } as const

/** Returns the programs whose pings are this knock; `undefined`: it is no ping, or one of another size. */
export function ownPingOf({ protocol, size }: Knock): string | undefined {
  return protocol === ICMP ? OWN_PING_BYTES.get(size) : undefined
}
