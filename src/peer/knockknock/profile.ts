import { linesOf } from '../../text/lines.ts'
import type { Read } from '../../text/read.ts'
import { decodePaddedBase64, encodeBase64 } from '../../spa/base64.ts'
import { COUNTER_MAX, KNOCKKNOCK_KEY_BYTES } from './syn.ts'

/** The files in a profile's folder, by their contents. */
export const PROFILE_FILES = {
  cipherKey: 'cipher.key',
  macKey: 'mac.key',
  counter: 'counter',
  config: 'config',
} as const

/** The maximum size of these files, in bytes. */
export const PROFILE_FILE_MAX_BYTES = 65_536

const PORT_MAX = 65_535

/** Reads `cipher.key` or `mac.key`: one line with 16 bytes in base64. No message repeats a key. */
export function readProfileKey(text: string): Read<Uint8Array> {
  const value = decodePaddedBase64(text.trim())
  if (value?.length === KNOCKKNOCK_KEY_BYTES) return { value }
  return {
    message: 'is not a key',
    hint: `one line: ${KNOCKKNOCK_KEY_BYTES} bytes in base64, as knockknock-genprofile writes it`,
  }
}

/** Returns a key in the format of knockknock-genprofile. */
export function formatProfileKey(key: Uint8Array): string {
  return `${encodeBase64(key)}==\n`
}

/** Reads `counter`, the number of the next knock. */
export function readCounter(text: string): Read<number> {
  const digits = text.trim()
  const value = /^[0-9]{1,10}$/.test(digits) ? Number(digits) : Number.NaN
  if (value <= COUNTER_MAX) return { value }
  return { message: 'is not a counter', hint: `one line: a whole number up to ${COUNTER_MAX}` }
}

/** Returns a counter in the format of knockknock. */
export function formatCounter(counter: number): string {
  return `${counter}\n`
}

/** Reads `config`, which has `[main]` and `knock_port = 666` in the format of Python's ConfigParser. */
export function readProfileConfig(text: string): Read<number> {
  let inMain = false
  let port = Number.NaN
  for (const { number, text: whole, stray } of linesOf(text)) {
    if (stray !== undefined) return { message: `has a fault in line ${number}: ${stray.message}`, hint: stray.hint }
    const line = whole.trim()
    if (line === '' || line.startsWith('#') || line.startsWith(';')) continue
    const header = /^\[([^\]]*)\]/.exec(line)
    const setting = /^knock_port\s*[=:]\s*([0-9]{1,5})\s*(?:;.*)?$/i.exec(line)
    if (header !== null) inMain = header[1] === 'main'
    else if (inMain && setting !== null) port = Number(setting[1])
  }
  if (port >= 1 && port <= PORT_MAX) return { value: port }
  return { message: 'has no knock port', hint: '`[main]`, and below it `knock_port = 666`' }
}

/** Returns a profile's config in the format of knockknock-genprofile. */
export function formatProfileConfig(knockPort: number): string {
  return `[main]\nknock_port = ${knockPort}\n`
}
