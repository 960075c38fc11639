import { parseDuration } from '../../config/duration.ts'
import { quote } from '../../text/fault.ts'
import { nearest } from '../../text/nearest.ts'
import type { Network } from '../../packet/network.ts'
import { parseNetwork } from '../../packet/network.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Protocol } from '../../packet/packet.ts'
import { CLAIM_DOOR_MAX_BYTES, CLAIM_OPEN_MAX_S } from './claim.ts'
import { readEnd } from './date.ts'

/** The maximum number of entries in a list. */
const LIST_MAX = 256
const PORT_MAX = 65_535

/** A range of ports of one protocol, both ends included. */
export interface PortRange {
  readonly protocol: Protocol
  readonly first: number
  readonly last: number
}

/** The rights of a user. Options that are not set are absent. */
export interface UserOptions {
  /** The doors by name. If absent, the user may open every door, or none if there are `ports`. */
  readonly doors?: readonly string[]
  readonly ports?: readonly PortRange[]
  /** The networks that the address to open for must be in. */
  readonly from?: readonly Network[]
  /** The time at which the user's access expires, in milliseconds since 1970. */
  readonly expiresMs?: number
  /** The longest open time of a request, in seconds. */
  readonly openForS?: number
  /** True if packets without an address open for their source. */
  readonly packetSource?: true
  /** True if the address in the packet must be its source. */
  readonly sameSource?: true
}

/** The value of one option, or its fault with a hint. */
type OptionRead = { readonly options: UserOptions } | { readonly message: string; readonly hint: string }

/** Reads the text after `=`: a list whose names may be in double quotes. */
type ReadOption = (words: readonly string[]) => OptionRead

const OPTIONS: Readonly<Record<string, ReadOption>> = {
  doors: (words) => {
    const long = words.find((name) => new TextEncoder().encode(name).length > CLAIM_DOOR_MAX_BYTES)
    if (long === undefined) return { options: { doors: words } }
    return { message: `${quote(long)} is too long for a packet`, hint: `at most ${CLAIM_DOOR_MAX_BYTES} bytes` }
  },
  ports: (words) => {
    const ports = words.map(readRange)
    const wrong = ports.indexOf(undefined)
    if (wrong < 0) return { options: { ports: ports.filter((range) => range !== undefined) } }
    return { message: `${quote(words[wrong]!)} is not a port`, hint: 'as in tcp/22 or udp/60000-61000' }
  },
  from: (words) => {
    const from = words.map(parseNetwork)
    const wrong = from.indexOf(undefined)
    if (wrong < 0) return { options: { from: from.filter((network) => network !== undefined) } }
    return { message: `${quote(words[wrong]!)} is not a network`, hint: 'as in 192.0.2.0/24 or 2001:db8::7' }
  },
  expires: ([word = '', ...more]) => {
    const expiresMs = more.length === 0 ? readEnd(word) : undefined
    if (expiresMs !== undefined) return { options: { expiresMs } }
    return {
      message: `${quote(word)} is not a day`,
      hint: 'the last day, as in 2027-06-30, or 2027-06-30T12:00Z; in UTC',
    }
  },
  'open-for': ([word = '', ...more]) => {
    const read = parseDuration(more.length === 0 ? word : '', 1_000, CLAIM_OPEN_MAX_S * 1_000)
    if ('ms' in read) return { options: { openForS: Math.floor(read.ms / 1_000) } }
    return { message: `${quote(word)} ${read.message}`, hint: read.hint }
  },
}

const FLAGS: Readonly<Record<string, UserOptions>> = {
  'packet-source': { packetSource: true },
  'same-source': { sameSource: true },
}

/** Reads one option of a user's line, such as `doors=ssh,"my door"` or `packet-source`. */
export function readUserOption(word: string): OptionRead {
  const equals = word.indexOf('=')
  const name = equals < 0 ? word : word.slice(0, equals)
  const flag = Object.hasOwn(FLAGS, name) ? FLAGS[name] : undefined
  const read = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined
  if (flag !== undefined) {
    return equals < 0 ? { options: flag } : { message: `${name} has no value`, hint: `write \`${name}\` alone` }
  }
  if (read === undefined) {
    const meant = nearest(name, [...Object.keys(OPTIONS), ...Object.keys(FLAGS)])
    const hint = meant === undefined ? 'options go before the key, the name after it' : `did you mean ${meant}?`
    return { message: `unknown option ${quote(name)}`, hint }
  }
  const words = equals < 0 ? undefined : readList(word.slice(equals + 1))
  if (words === undefined) return { message: `${name} has an invalid value`, hint: `write \`${name}=…\`` }
  if (words.length > LIST_MAX) return { message: `${name} has too many entries`, hint: `at most ${LIST_MAX}` }
  return read(words)
}

/** Reads a list such as `a,"b c",d`. Returns `undefined` if an entry is empty or a quote is not closed. */
function readList(text: string): readonly string[] | undefined {
  const words: string[] = []
  const entry = /(?:"([^"]+)"|([^",]+))(,|$)/y
  for (let at = 0; ; at = entry.lastIndex) {
    entry.lastIndex = at
    const match = entry.exec(text)
    if (match === null) return undefined
    words.push(match[1] ?? match[2]!)
    if (match[3] === '') return words
  }
}

function readRange(text: string): PortRange | undefined {
  const match = /^(tcp|udp)\/([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text)
  if (match === null) return undefined
  const first = Number(match[2])
  const last = Number(match[3] ?? match[2])
  if (first < 1 || last > PORT_MAX || first > last) return undefined
  return { protocol: match[1] === 'tcp' ? TCP : UDP, first, last }
}
