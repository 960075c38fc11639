import { parseAddress } from '../packet/address.ts'
import { RECIPIENTS_MAX, SEQUENCE_PORTS_MIN } from './config.ts'
import { quote } from '../text/fault.ts'
import { listOf, mapped } from '../text/read.ts'
import type { Reader } from '../text/read.ts'
import { PORT_MAX } from './sequence.ts'
import { readPath } from './value.ts'

/** Longest host name, in characters (RFC 1123, 2.1). */
const HOST_MAX_CHARS = 253

/** The source of a list of one-time sequences: a file, or the daemon itself. */
export type OneTimeSource = { readonly path: string } | 'generate'

/** Reads a path, or the word `generate`. */
export const readOneTime: Reader<OneTimeSource> = (text) =>
  text.toLowerCase() === 'generate' ? { value: 'generate' } : mapped(readPath, (path) => ({ path }))(text)

/** Reads a range of ports, `FIRST-LAST`. */
export const readPorts: Reader<{ readonly first: number; readonly last: number }> = (text) => {
  const match = /^([0-9]{1,5})\s*-\s*([0-9]{1,5})$/.exec(text)
  const [first, last] = [Number(match?.[1]), Number(match?.[2])]
  if (match === null || first < 1 || last > PORT_MAX || first > last) {
    return { message: `${quote(text)} is not a range of ports`, hint: 'as in 1024-65535' }
  }
  if (last - first + 1 < SEQUENCE_PORTS_MIN) {
    return { message: `${quote(text)} has too few ports to choose from`, hint: `at least ${SEQUENCE_PORTS_MIN}` }
  }
  return { value: { first, last } }
}

/** Reads age recipients and paths of OpenPGP public keys, separated by commas. */
export const readRecipients: Reader<readonly string[]> = listOf(
  (value) => {
    const hint = hintOn(value)
    return hint === undefined ? { value } : { message: 'this is not a recipient of lists', hint }
  },
  RECIPIENTS_MAX,
  { message: 'too many recipients', hint: `at most ${RECIPIENTS_MAX}` },
)

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

/** Reads a host as a browser finds it: a name (RFC 1123, 2.1) or an IPv4 address. */
export const readHost: Reader<string> = (value) => {
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*\.?$/i.test(value)) {
    if (value.length <= HOST_MAX_CHARS) return { value: value.toLowerCase() }
  }
  const hint =
    parseAddress(value)?.family === 6
      ? 'a policy for browsers cannot name an IPv6 address: write the name of the host'
      : 'as in gate.example.org'
  return { message: `${quote(value)} is not the name of a host`, hint }
}
