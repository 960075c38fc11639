import { parseAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { quote } from '../text/fault.ts'
import { COMMENT_HINT, listOf, mapped } from '../text/read.ts'
import type { Reader, TextFault } from '../text/read.ts'
import { ALL_HOSTS, GROUPS_MAX, INTERFACE_NAME_MAX_CHARS } from './config.ts'

/** Reads a path. A relative path is accepted with a warning, as a daemon runs in a folder of its own. */
export const readPath: Reader<string> = (value) => {
  if (/^["'“”‘’]/.test(value)) return { message: `${quote(value)} is not a path`, hint: 'write it without quotes' }
  const warnings: TextFault[] = []
  const comment = /\s#/.exec(value)
  if (comment !== null) {
    warnings.push({ offset: comment.index + 1, message: '`#` is part of the path here', hint: COMMENT_HINT })
  } else if (!value.startsWith('/')) {
    const hint = 'a daemon may run in any folder: begin with /'
    warnings.push({ message: `${quote(value)} is not an absolute path`, hint })
  }
  return { value, warnings }
}

/** Reads an absolute path. */
export const readAbsolutePath: Reader<string> = (value) =>
  value.startsWith('/') ? readPath(value) : { message: `${quote(value)} is not an absolute path`, hint: 'begin with /' }

/** Reads an IPv4 or IPv6 address. Names are refused, as DNS answers would decide which packets open the door. */
export const readTarget: Reader<Address> = (text) => {
  const value = parseAddress(text)
  if (value !== undefined) return { value }
  let hint = 'an IPv4 or IPv6 address, as in 192.0.2.7 or 2001:db8::7'
  if (text.includes('#')) hint = COMMENT_HINT
  else if (text.includes('/')) hint = 'one address, not a network'
  else if (text.includes('%')) hint = 'write it without the zone'
  else if (/[g-z]/i.test(text)) hint = 'write the address of the host, not its name'
  return { message: `${quote(text)} is not an address`, hint }
}

/** Reads names of interfaces, separated by commas. */
export const readInterfaces: Reader<readonly string[]> = mapped(
  listOf((name) => {
    const hint = interfaceFault(name)
    if (hint === undefined) return { value: name }
    return { message: `${name === '' ? 'an empty name' : quote(name)} is not an interface`, hint }
  }),
  (names) => [...new Set(names)],
)

function interfaceFault(name: string): string | undefined {
  if (/\s#/.test(name)) return COMMENT_HINT
  if (name.startsWith('/dev/')) return `write \`${name.slice('/dev/'.length)}\``
  if (/\s/.test(name)) return 'several names are separated by commas'
  if (/^["']/.test(name)) return 'write it without quotes'
  if (name === '') return 'a comma too many?'
  if (name.length > INTERFACE_NAME_MAX_CHARS) return `a name has at most ${INTERFACE_NAME_MAX_CHARS} characters`
  return /^[^/\s]+$/.test(name) ? undefined : 'a name has no slash in it'
}

/** Reads the name of a user that is not root. */
export const readUser: Reader<string> = (value) =>
  value === 'root' ? { message: '`root` needs no directive', hint: 'take the line out' } : readName(value)

/** Reads a name, as of a group: portable characters (POSIX.1-2017, 3.437). */
export const readName: Reader<string> = (value) =>
  /^[A-Za-z0-9._][A-Za-z0-9._-]{0,31}$/.test(value)
    ? { value }
    : { message: `${quote(value)} is not a name`, hint: 'letters, digits, dots, dashes and underscores, 32 at most' }

/** Reads the name of a fleet, or of a host or group in it: a label as in a host name (RFC 1123, 2.1), in lower case. */
export const readFleetName: Reader<string> = (value) => {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) return { value }
  const hint = 'lower-case letters, digits and dashes, 63 at most'
  return { message: `${value === '' ? 'an empty name' : quote(value)} is not a name`, hint }
}

/** Reads the groups of hosts that open a door too. The value is empty for this host alone. */
export const readGroups: Reader<readonly string[]> = (text) => {
  const excess = { message: 'too many groups', hint: `at most ${GROUPS_MAX}` }
  const read = listOf(readFleetName, GROUPS_MAX, excess)(text)
  if ('message' in read) return read
  const groups = [...new Set(read.value)]
  const alone = groups.find((group) => group === HERE || group === ALL_HOSTS)
  if (alone === undefined || groups.length === 1) return { value: alone === HERE ? [] : groups }
  return { message: `\`${alone}\` stands alone`, hint: `write \`${alone}\`, or the groups` }
}

/** The value of Opens_On for a door that opens on this host alone. */
const HERE = 'here'
