import { parseAddress } from '../packet/address.ts'
import { RECIPIENTS_MAX, SEQUENCE_PORTS_MIN } from './config.ts'
import { quote } from '../text/fault.ts'
import { readPath } from './value.ts'
import type { Read } from './value.ts'

/** Highest port number. */
const PORT_MAX = 65_535
/** Longest host name, in characters (RFC 1123, 2.1). */
const HOST_MAX_CHARS = 253

/** The source of a list of one-time sequences: a file, or the daemon itself. */
export type OneTimeSource = { readonly path: string } | 'generate'

/** Reads a path, or the word `generate`. */
export const readOneTime: Read<OneTimeSource> = (value, faults) => {
  if (value.toLowerCase() === 'generate') return 'generate'
  const path = readPath(value, faults)
  return path === undefined ? undefined : { path }
}

/** Reads a range of ports, `FIRST-LAST`. */
export const readPorts: Read<{ readonly first: number; readonly last: number }> = (value, faults) => {
  const match = /^([0-9]{1,5})\s*-\s*([0-9]{1,5})$/.exec(value)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || first < 1 || last > PORT_MAX || first > last) {
    faults.error(0, `${quote(value)} is not a range of ports`, 'as in 1024-65535')
    return undefined
  }
  if (last - first + 1 < SEQUENCE_PORTS_MIN) {
    faults.error(0, `${quote(value)} has too few ports to choose from`, `at least ${SEQUENCE_PORTS_MIN}`)
    return undefined
  }
  return { first, last }
}

/** Reads age recipients and paths of OpenPGP public keys, separated by commas. */
export const readRecipients: Read<readonly string[]> = (value, faults) => {
  const recipients: string[] = []
  let start = 0
  for (const part of value.split(',')) {
    const one = part.trim()
    const hint = hintOn(one)
    if (hint === undefined) recipients.push(one)
    else faults.error(start + part.length - part.trimStart().length, 'this is not a recipient of lists', hint)
    start += part.length + 1
  }
  if (recipients.length > RECIPIENTS_MAX) faults.error(0, 'too many recipients', `at most ${RECIPIENTS_MAX}`)
  return recipients.length === 0 ? undefined : recipients
}

/** Returns a hint for a word that is not a recipient; `undefined`: it is one. */
function hintOn(word: string): string | undefined {
  // The data part of Bech32 (BIP 173) has no 1, b, i or o. An X25519 recipient of age has 62 characters; post-quantum
  // ones have more.
  if (/^age1[ac-hj-np-z02-9]{58}$/.test(word) || /^age1pq1[ac-hj-np-z02-9]{50,4000}$/.test(word)) return undefined
  if (word.startsWith('/')) return undefined
  if (/^AGE-SECRET-KEY-/i.test(word)) return 'this is the secret half: write the line of `age-keygen -y`'
  if (word.startsWith('ssh-')) return 'SSH keys are not supported: make an age key with age-keygen'
  if (word.startsWith('age1')) return 'an age recipient is copied whole: `age1` and 58 characters'
  return 'an age recipient (age1...), or the absolute path of an OpenPGP public key'
}

/** Combines the recipients of several lines, each once. */
export function joinRecipients(before: readonly string[], more: readonly string[]): readonly string[] {
  return [...new Set([...before, ...more])]
}

/** Reads a host as a browser finds it: a name (RFC 1123, 2.1) or an IPv4 address. */
export const readHost: Read<string> = (value, faults) => {
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?$/i.test(value)) {
    if (value.length <= HOST_MAX_CHARS) return value.toLowerCase()
  }
  const hint =
    parseAddress(value)?.family === 6
      ? 'a policy for browsers cannot name an IPv6 address: write the name of the host'
      : 'as in gate.example.org'
  faults.error(0, `${quote(value)} is not the name of a host`, hint)
  return undefined
}
