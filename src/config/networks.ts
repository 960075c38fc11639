import { ADDRESS_BITS, formatNetwork, networkOf, parseNetwork } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { parseAddress } from '../packet/address.ts'
import type { Widths } from './config.ts'
import { quote } from '../text/fault.ts'
import type { Read } from './value.ts'

/** Most networks in one directive. */
export const NETWORKS_MAX = 256
/** Default of Widen_Limit: shortest prefixes to which doors may widen their openings. */
export const WIDEN_LIMIT_DEFAULT: Widths = { 4: 24, 6: 64 }
/** The prefix lengths of a single address, in each family. */
export const NOT_WIDENED: Widths = ADDRESS_BITS

/** Reads `192.0.2.0/24, 2001:db8::/32`. */
export const readNetworks: Read<readonly Network[]> = (value, faults) => {
  const networks: Network[] = []
  let start = 0
  let good = true
  for (const part of value.split(',')) {
    const word = part.trim()
    const network = parseNetwork(word)
    if (network === undefined) {
      const offset = start + part.length - part.trimStart().length
      faults.error(offset, word === '' ? 'a network is missing' : `${quote(word)} is not a network`, hintFor(word))
      good = false
    } else networks.push(network)
    start += part.length + 1
  }
  if (networks.length > NETWORKS_MAX) {
    faults.error(0, 'too many networks', `at most ${NETWORKS_MAX} in one directive`)
    return undefined
  }
  return good ? networks : undefined
}

function hintFor(word: string): string {
  const [before = '', after = ''] = word.split('/')
  const address = parseAddress(before)
  if (address !== undefined && /^[0-9]{1,3}$/.test(after) && Number(after) <= ADDRESS_BITS[address.family]) {
    return `write \`${formatNetwork(networkOf(address, Number(after)))}\`, or \`${before}\` for the one address`
  }
  if (/\s#/.test(word)) return 'put the comment on a line of its own'
  return 'as in `192.0.2.0/24`, `2001:db8::/32` or `192.0.2.7`'
}

/** Combines the networks of several lines, each once. */
export function joinNetworks(before: readonly Network[], more: readonly Network[]): readonly Network[] {
  const known = new Set(before.map(formatNetwork))
  return [...before, ...more.filter((network) => !known.has(formatNetwork(network)))]
}

/** Reads `/24, /64`: a prefix length for IPv4, or for IPv4 and IPv6 in this order. */
export const readWidths: Read<Widths> = (value, faults) => {
  const match = /^\/([0-9]{1,3})(?:\s*,\s*\/([0-9]{1,3}))?$/.exec(value)
  const four = Number(match?.[1])
  const six = match?.[2] === undefined ? ADDRESS_BITS[6] : Number(match[2])
  if (match === null || four > ADDRESS_BITS[4] || six > ADDRESS_BITS[6]) {
    faults.error(0, `${quote(value)} is not a pair of prefix lengths`, 'IPv4 first, then IPv6, as in `/24, /64`')
    return undefined
  }
  return { 4: four, 6: six }
}
