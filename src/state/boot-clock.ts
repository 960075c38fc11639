import { readFileSync } from 'node:fs'
import { uptime } from 'node:os'
import type { Moment } from './deadline.ts'

/** The file with Linux's id of the current boot, a random UUID (random(4)). Other systems have no such file. */
const BOOT_ID_PATH = '/proc/sys/kernel/random/boot_id'
const BOOT_ID_PATTERN = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Returns the id of the current boot; `undefined`: the system has none. */
export function readBootId(path = BOOT_ID_PATH): string | undefined {
  try {
    const text = readFileSync(path, 'latin1').trim()
    return BOOT_ID_PATTERN.test(text) ? text : undefined
  } catch {
    return undefined
  }
}

/** Reads both clocks. The boot clock is that of uptime(1), with a resolution of ten milliseconds on Linux. */
export class Clocks {
  readonly #boot = readBootId()

  now(): Moment {
    const boot = this.#boot
    return { wall: Date.now(), boot, bootNow: boot === undefined ? undefined : Math.round(uptime() * 1000) }
  }
}
