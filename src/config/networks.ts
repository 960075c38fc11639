import { ADDRESS_BITS, formatNetwork, networkOf, parseNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { parseAddress } from '../packet/address.ts'
import type { Widths } from './config.ts'
import { quote } from '../text/fault.ts'
import { COMMENT_HINT, listOf } from '../text/read.ts'
import type { Reader } from '../text/read.ts'

/** Most networks in one directive. */
export const NETWORKS_MAX = 256
/** Default of Widen_Limit: shortest prefixes to which doors may widen their openings. */
export const WIDEN_LIMIT_DEFAULT: Widths = { 4: 24, 6: 64 }
/** The prefix lengths of a single address, in each family. */
export const NOT_WIDENED: Widths = ADDRESS_BITS

/** Reads `192.0.2.0/24, 2001:db8::/32`. */
export const readNetworks: Reader<readonly Network[]> = listOf(
  (word) => {
    const value = parseNetwork(word)
    if (value !== undefined) return { value }
    return { message: word === '' ? 'a network is missing' : `${quote(word)} is not a network`, hint: hintFor(word) }
  },
  NETWORKS_MAX,
  { message: 'too many networks', hint: `at most ${NETWORKS_MAX} in one directive` },
)

function hintFor(word: string): string {
  const [before = '', after = ''] = word.split('/')
  const address = parseAddress(before)
  if (address !== undefined && /^[0-9]{1,3}$/.test(after) && Number(after) <= ADDRESS_BITS[address.family]) {
    return `write \`${formatNetwork(networkOf(address, Number(after)))}\`, or \`${before}\` for the one address`
  }
  if (/\s#/.test(word)) return COMMENT_HINT
  return 'as in `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.7`'
}

/** Reads `/24, /64`: a prefix length for IPv4, or for IPv4 and IPv6 in this order. */
export const readWidths: Reader<Widths> = (text) => {
  const match = /^\/([0-9]{1,3})(?:\s*,\s*\/([0-9]{1,3}))?$/.exec(text)
  const four = Number(match?.[1])
  const six = match?.[2] === undefined ? ADDRESS_BITS[6] : Number(match[2])
  if (match === null || four > ADDRESS_BITS[4] || six > ADDRESS_BITS[6]) {
    const hint = 'IPv4 first, then IPv6, as in `/24, /64`'
    return { message: `${quote(text)} is not a pair of prefix lengths`, hint }
  }
  return { value: { 4: four, 6: six } }
}
