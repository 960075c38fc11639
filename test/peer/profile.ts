import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { formatCounter, formatProfileConfig, formatProfileKey } from '../../src/peer/knockknock/profile.ts'
import type { KnockknockKeys } from '../../src/peer/knockknock/syn.ts'

/** The port that the profiles' SYNs go to. */
const KNOCK_PORT = 666

/** Writes a profile as knockknock-genprofile does, with its counter at 0. */
export function writeProfile(path: string, { cipherKey, macKey }: KnockknockKeys, knockPort = KNOCK_PORT): void {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  for (const [file, text] of [
    ['cipher.key', formatProfileKey(cipherKey)],
    ['mac.key', formatProfileKey(macKey)],
    ['counter', formatCounter(0)],
    ['config', formatProfileConfig(knockPort)],
  ] as const) {
    writeFileSync(join(path, file), text, { mode: 0o600 })
  }
}
