import type { Reader } from '../../text/read.ts'
import { quote } from '../../text/fault.ts'
import { NETWORKS_MAX } from '../../config/networks.ts'
import { parseAddress } from '../../packet/address.ts'
import { networkOf, parseNetwork } from '../../packet/network.ts'
import type { Network } from '../../packet/network.ts'
import { readEnd } from '../../spa/noise/date.ts'
import { readPorts } from './request.ts'
import type { NatTarget, Port } from './request.ts'

/** The longest time that fwknopd accepts, in seconds: 97 days. */
export const ACCESS_TIMEOUT_MAX_S = 8_388_608
/** The maximum number of ports in a directive. */
export const ACCESS_PORTS_MAX = 1_024
/** The maximum number of names in a directive. */
export const ACCESS_NAMES_MAX = 256
/** The last second of the year 9999, counted from 1970. */
const EPOCH_MAX_S = 253_402_300_799
/** The maximum length of a user name in a packet, in characters. */
const USERNAME_MAX_CHARS = 63
/** The maximum length of an account name on this machine, in characters (useradd(8)). */
const ACCOUNT_MAX_CHARS = 32
/** The maximum length of a path, with its final NUL (PATH_MAX of Linux). */
const PATH_MAX_CHARS = 4_096
/** The maximum length of a GnuPG key's name, in characters: that of a mail address. */
const KEY_NAME_MAX_CHARS = 254

/**
 * Reads `Y` or `N`. fwknopd only looks for a leading Y: it takes `1` and `on` as no, though they may be meant as yes.
 */
export const readYesOrNo: Reader<boolean> = (text) => {
  if (/^y(es)?$/i.test(text)) return { value: true }
  if (/^no?$/i.test(text)) return { value: false }
  return { message: `${quote(text)} is neither Y nor N`, hint: 'write `Y` or `N`' }
}

/**
 * Reads `ANY`, which is an empty list, or addresses and networks separated by commas. Bits after the prefix do not
 * count.
 */
export const readAccessNetworks: Reader<readonly Network[]> = (text) => {
  const words = text.split(',').map((word) => word.trim())
  if (words.some((word) => /^any$/i.test(word))) {
    return words.length === 1
      ? { value: [] }
      : { message: '`ANY` is in a list', hint: 'write `ANY` alone, or delete it' }
  }
  if (words.length > NETWORKS_MAX) return { message: 'too many networks', hint: `at most ${NETWORKS_MAX}` }
  const networks: Network[] = []
  for (const word of words) {
    const network = readNetwork(word)
    if (network === undefined) {
      const hint = 'as in `192.0.2.7,198.51.100.0/24`, with commas between, or `ANY`'
      return { message: word === '' ? 'a network is missing' : `${quote(word)} is not a network`, hint }
    }
    networks.push(network)
  }
  return { value: networks }
}

/** Reads `192.0.2.0/24`, the equivalent `192.0.2.7/24`, or `192.0.2.0/255.255.255.0`. */
function readNetwork(word: string): Network | undefined {
  const [before = '', after = '', ...rest] = word.split('/')
  const address = parseAddress(before)
  if (address === undefined || rest.length > 0 || !word.includes('/')) return parseNetwork(word)
  const mask = after.includes('.') ? parseAddress(after) : undefined
  const prefix = mask === undefined ? after : maskBits(mask.a)
  // The network of all addresses shows whether the family allows this prefix.
  const all = address.family === 4 ? '0.0.0.0' : '::'
  if (prefix === undefined || (mask !== undefined && address.family !== 4)) return undefined
  return parseNetwork(`${all}/${prefix}`) === undefined ? undefined : networkOf(address, Number(prefix))
}

/** Returns the number of leading bits that are set, or `undefined` if other bits are set. */
function maskBits(mask: number): number | undefined {
  const bits = Math.clz32(~mask)
  return bits === 32 || mask << bits === 0 ? bits : undefined
}

/** Reads a list of ports: `tcp/22, udp/53`. */
export const readPortList: Reader<readonly Port[]> = (text) => {
  const words = text.split(',').map((word) => word.trim())
  if (words.length > ACCESS_PORTS_MAX) return { message: 'too many ports', hint: `at most ${ACCESS_PORTS_MAX}` }
  const ports: Port[] = []
  for (const word of words) {
    const port = readPorts(word)
    if (port === undefined) {
      const message = word === '' ? 'a port is missing' : `${quote(word)} is not a port`
      return { message, hint: 'as in `tcp/22,udp/53`, with commas between' }
    }
    ports.push(...port)
  }
  return { value: ports }
}

/**
 * Reads a day as `MM/DD/YYYY`. Returns its start in UTC, in milliseconds since 1970. fwknopd uses the local time zone.
 */
export const readExpiryDay: Reader<number> = (text) => {
  const [, month = '', day = '', year = ''] = /^([0-9]{1,2})\/([0-9]{1,2})\/([0-9]{4})$/.exec(text) ?? []
  const value = readEnd(`${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}T00:00Z`)
  return value === undefined ? { message: `${quote(text)} is not a day`, hint: 'as in `12/31/2027`' } : { value }
}

/** Reads seconds since 1970 and returns milliseconds. */
export const readExpirySeconds: Reader<number> = (text) => {
  const seconds = /^[0-9]{1,12}$/.test(text) ? Number(text) : 0
  if (seconds >= 1 && seconds <= EPOCH_MAX_S) return { value: seconds * 1_000 }
  return { message: `${quote(text)} is not a time`, hint: 'seconds since 1970, as `date +%s` prints them' }
}

/** Reads an address and a port: `192.168.1.3 22`. */
export const readForcedNat: Reader<NatTarget> = (text) => {
  const [, host = '', digits = ''] = /^(\S+)\s+([0-9]{1,5})$/.exec(text) ?? []
  const port = Number(digits)
  if (parseAddress(host) !== undefined && port >= 1 && port <= 65_535) return { value: { host, port } }
  return { message: `${quote(text)} is not an address and a port`, hint: 'as in `192.168.1.3 22`' }
}

/** Reads the name of a user or group on this machine. */
export const readAccount: Reader<string> = (text) =>
  /^[A-Za-z0-9_][A-Za-z0-9_.-]*\$?$/.test(text) && text.length <= ACCOUNT_MAX_CHARS
    ? { value: text }
    : { message: `${quote(text)} is not the name of an account`, hint: 'as in `nobody`' }

/** Reads the user names that packets may have, separated by commas. Names contain no commas. */
export const readUsernames: Reader<readonly string[]> = (text) => {
  const value = text.split(',').map((word) => word.trim())
  if (value.length > ACCESS_NAMES_MAX) return { message: 'too many names', hint: `at most ${ACCESS_NAMES_MAX}` }
  // The pattern matches the characters that fwknop allows in a user name.
  const wrong = value.find((name) => !/^[ !#-)\-.0-9@A-Z^-{}~]+$/.test(name) || name.length > USERNAME_MAX_CHARS)
  if (wrong === undefined) return { value }
  return { message: `${quote(wrong)} is not a user name`, hint: 'as `knock --spa fwknop --user` has it' }
}

/**
 * Reads key ids of 8 or 16 hexadecimal digits, or whole fingerprints, and returns them in capitals. fwknopd 2.6.10 was
 * seen to recognize a signer by 8 digits only.
 */
export const readKeyIds: Reader<readonly string[]> = (text) =>
  hexWords(text, [8, 16, 40], 'as in `1234ABCD`, with commas between')

/**
 * Reads fingerprints of 40 hexadecimal digits, or their last 16, and returns them in capitals. fwknopd 2.6.10 compares
 * all 40.
 */
export const readFingerprints: Reader<readonly string[]> = (text) =>
  hexWords(text, [16, 40], '40 hexadecimal digits, as `gpg --fingerprint` prints them, or the last 16')

/** Reads hexadecimal words. It ignores case, `0x`, and blanks as in the output of `gpg --fingerprint`. */
function hexWords(text: string, lengths: readonly number[], hint: string): ReturnType<Reader<readonly string[]>> {
  const words = text.split(',').map((word) => word.replaceAll(/[ \t]/g, '').replace(/^0x/i, ''))
  if (words.length > ACCESS_NAMES_MAX) return { message: 'too many keys', hint: `at most ${ACCESS_NAMES_MAX}` }
  const wrong = words.find((word) => !/^[0-9A-F]+$/i.test(word) || !lengths.includes(word.length))
  return wrong === undefined
    ? { value: words.map((word) => word.toUpperCase()) }
    : { message: `${quote(wrong)} does not name a key`, hint }
}

/**
 * Reads the name of a key, in the form that gpg accepts. It becomes an argument of gpg and must not look like an
 * option.
 */
export const readKeyName: Reader<string> = (text) =>
  /^[^-\p{C}][^\p{C}]*$/u.test(text) && text.length <= KEY_NAME_MAX_CHARS
    ? { value: text }
    : { message: `${quote(text)} does not name a key`, hint: 'as in `1234ABCD`' }

/** Reads an absolute path. */
export const readFolder: Reader<string> = (text) =>
  /^\/[^\p{C}]*$/u.test(text) && text.length < PATH_MAX_CHARS
    ? { value: text }
    : { message: `${quote(text)} is not an absolute path`, hint: 'as in `/root/.gnupg`' }
