import { formatAddress, parseAddress, sameAddress } from './address.js'
/** Bits in an address of each family. */
export const ADDRESS_BITS = { 4: 32, 6: 128 }
const WORD_BITS = 32
/** What an address gets to be when only its first `prefix` bits count. */
export function networkOf(address, prefix) {
  const { family, a, b, c, d } = address
  const word = (value, index) => value & wordMask(prefix - index * WORD_BITS)
  return { address: { family, a: word(a, 0), b: word(b, 1), c: word(c, 2), d: word(d, 3) }, prefix }
}
/** Whether the address is one of the network's. */
export function contains({ address, prefix }, other) {
  return (
    address.family === other.family &&
    ((address.a ^ other.a) & wordMask(prefix)) === 0 &&
    ((address.b ^ other.b) & wordMask(prefix - WORD_BITS)) === 0 &&
    ((address.c ^ other.c) & wordMask(prefix - 2 * WORD_BITS)) === 0 &&
    ((address.d ^ other.d) & wordMask(prefix - 3 * WORD_BITS)) === 0
  )
}
/** The first of the bits of a word; all for 32 and more, none for 0 and less. */
function wordMask(bits) {
  if (bits <= 0) return 0
  return bits >= WORD_BITS ? -1 : -1 << (WORD_BITS - bits)
}
/** Whether two networks are the same one. */
export function sameNetwork(one, other) {
  return one.prefix === other.prefix && sameAddress(one.address, other.address)
}
/** The network in its usual text; a single address without its prefix. */
export function formatNetwork({ address, prefix }) {
  const text = formatAddress(address)
  return prefix === ADDRESS_BITS[address.family] ? text : `${text}/${prefix}`
}
/**
 * Reads `192.0.2.0/24`, `2001:db8::/32` or a single address. `undefined` for anything else, also where bits after the
 * prefix are set: whoever writes `192.0.2.7/24` may have meant one or the other.
 */
export function parseNetwork(text) {
  const [before = '', after, ...rest] = text.split('/')
  const address = parseAddress(before)
  if (address === undefined || rest.length > 0) return undefined
  const bits = ADDRESS_BITS[address.family]
  if (after === undefined) return { address, prefix: bits }
  if (!/^(0|[1-9][0-9]{0,2})$/.test(after) || Number(after) > bits) return undefined
  const network = networkOf(address, Number(after))
  return formatAddress(network.address) === formatAddress(address) ? network : undefined
}
