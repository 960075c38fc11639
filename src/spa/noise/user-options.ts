import { parseDuration } from '../../config/duration.ts'
import { quote } from '../../config/fault.ts'
import { nearest } from '../../config/nearest.ts'
import type { Network } from '../../packet/network.ts'
import { parseNetwork } from '../../packet/network.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import type { Protocol } from '../../packet/packet.ts'
import { CLAIM_DOOR_MAX_BYTES, CLAIM_OPEN_MAX_S } from './claim.ts'
import { readEnd } from './date.ts'

/** Most entries of one list. */
const LIST_MAX = 256
const PORT_MAX = 65_535

/** Ports of one protocol, both ends included. */
export interface PortRange {
  readonly protocol: Protocol
  readonly first: number
  readonly last: number
}

/** What a user may do; what is not said is absent. */
export interface UserOptions {
  /** Doors by name. Absent without `ports` too: every door; absent beside them: none. */
  readonly doors?: readonly string[]
  readonly ports?: readonly PortRange[]
  /** Networks that an address to open for must be in. */
  readonly from?: readonly Network[]
  /** The first millisecond since 1970 that is too late. */
  readonly expiresMs?: number
  /** Longest time that can be asked for, in seconds. */
  readonly openForS?: number
  /** Whether packets that claim no address open for the one they come from. */
  readonly packetSource?: true
  /** Whether the claimed address must be the one the packet comes from. */
  readonly sameSource?: true
}

/** What one option says, or what is wrong with it. */
type OptionRead = { readonly options: UserOptions } | { readonly message: string; readonly hint: string }

/** Reads the words behind `=`: a list, in which a name may stand in double quotes. */
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

/** Reads one option of a user's line: `doors=ssh,"my door"`, `packet-source`. */
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
    const hint = meant === undefined ? 'options stand before the key, the name behind it' : `did you mean ${meant}?`
    return { message: `unknown option ${quote(name)}`, hint }
  }
  const words = equals < 0 ? undefined : readList(word.slice(equals + 1))
  if (words === undefined) return { message: `${name} has no value that can be read`, hint: `write \`${name}=…\`` }
  if (words.length > LIST_MAX) return { message: `${name} has too many entries`, hint: `at most ${LIST_MAX}` }
  return read(words)
}

/** `a,"b c",d`; `undefined` where an entry is empty or a quote is not closed. */
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
