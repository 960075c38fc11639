import koffi from './koffi.ts'
import type { KoffiFunc } from 'koffi'

/** `struct timex` is shorter on every Linux. `status` comes after an int and four longs (adjtimex(2), 64 bit). */
const TIMEX_BYTES = 512
const STATUS_AT = 40
/** The flag for an unsynchronised clock (adjtimex(2)). */
const STA_UNSYNC = 0x40

let adjtimex: KoffiFunc<(buffer: Buffer) => number> | undefined

/** Returns true if the kernel's clock is synchronised, or `undefined` if the system does not tell. */
export function readClockStatus(): boolean | undefined {
  if (process.platform !== 'linux' || !/64/.test(process.arch)) return undefined
  try {
    adjtimex ??= koffi.load(null).func('int adjtimex(void *buffer)')
    // With all fields zero, the call changes nothing.
    const timex = Buffer.alloc(TIMEX_BYTES)
    if (adjtimex(timex) < 0) return undefined
    return (timex.readInt32LE(STATUS_AT) & STA_UNSYNC) === 0
  } catch {
    return undefined
  }
}
