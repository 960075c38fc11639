import { encodeHex } from '../hex.ts'

/** The length of a TAI64N label, in bytes (D. J. Bernstein, "TAI64, TAI64N, and TAI64NA"). */
export const TIMESTAMP_BYTES = 12

/**
 * The label of 1970: 2^62, and the ten seconds that TAI was ahead of UTC. Later leap seconds are omitted, as in
 * WireGuard.
 */
const HIGH_WORD = 0x4000_0000
const EPOCH_S = 10
const WORD = 2 ** 32
/** The maximum high word, for labels below 2^62 + 2^40. These are some 35,000 years, more than any clock shows. */
const HIGH_MAX = 0x4000_00ff
const NS_A_MS = 1_000_000
const NS_A_S = 1_000_000_000

/** A time as a TAI64N label of 24 hexadecimal digits. The order of the texts is the order of time. */
export type Timestamp = string

/** Returns the label of a time in milliseconds since 1970, which may have a fraction. */
export function timestampBytes(unixMs: number): Uint8Array<ArrayBuffer> {
  const seconds = Math.floor(unixMs / 1_000)
  const ns = Math.min(Math.round((unixMs - seconds * 1_000) * NS_A_MS), NS_A_S - 1)
  const bytes = new Uint8Array(TIMESTAMP_BYTES)
  const view = new DataView(bytes.buffer)
  view.setUint32(0, HIGH_WORD + Math.floor((seconds + EPOCH_S) / WORD))
  view.setUint32(4, (seconds + EPOCH_S) % WORD)
  view.setUint32(8, ns)
  return bytes
}

/** Reads a label. Returns `undefined` if it is invalid, or beyond the years that clocks show. */
export function readTimestamp(
  bytes: Uint8Array,
): { readonly timestamp: Timestamp; readonly unixMs: number } | undefined {
  if (bytes.length !== TIMESTAMP_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, TIMESTAMP_BYTES)
  const high = view.getUint32(0)
  const ns = view.getUint32(8)
  if (high < HIGH_WORD || high > HIGH_MAX || ns >= NS_A_S) return undefined
  const seconds = (high - HIGH_WORD) * WORD + view.getUint32(4) - EPOCH_S
  return { timestamp: encodeHex(bytes), unixMs: seconds * 1_000 + ns / NS_A_MS }
}
