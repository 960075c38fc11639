import { encodeHex } from '../hex.ts'

/** Bytes of a TAI64N label (D. J. Bernstein, "TAI64, TAI64N, and TAI64NA"). */
export const TIMESTAMP_BYTES = 12

/** 2^62, and the ten seconds that TAI was ahead of UTC in 1970. Leap seconds since are left out, as in WireGuard. */
const HIGH_WORD = 0x4000_0000
const EPOCH_S = 10
const WORD = 2 ** 32
/** Only years a clock can show: labels below 2^62 + 2^40, some 35,000 years. */
const HIGH_MAX = 0x4000_00ff
const NS_A_MS = 1_000_000
const NS_A_S = 1_000_000_000

/** A moment as a TAI64N label in hexadecimal, 24 digits: in the order of the text is in the order of time. */
export type Timestamp = string

/** The label of a moment, in milliseconds since 1970, whole or not. */
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

/** Reads a label. `undefined` where it is none, or none of the ages clocks show. */
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
