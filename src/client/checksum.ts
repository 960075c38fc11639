/**
 * Computes the Internet checksum (RFC 1071).
 *
 * @param start a sum of fields outside of the view, such as those of a pseudo-header
 */
export function internetChecksum(view: DataView, start = 0): number {
  let sum = sumOf(view, start)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

/** Adds the 16-bit words of a view to a sum. A last odd byte is the upper half of a word. */
export function sumOf(view: DataView, start = 0): number {
  let sum = start
  const end = view.byteLength - 1
  for (let at = 0; at < end; at += 2) sum += view.getUint16(at)
  return view.byteLength % 2 === 0 ? sum : sum + (view.getUint8(end) << 8)
}
