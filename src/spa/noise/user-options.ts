import { readTime } from '../../config/duration.ts'
import { quote } from '../../text/fault.ts'
import { Directives, row } from '../../text/directive.ts'
import type { Values } from '../../text/directive.ts'
import { mapped } from '../../text/read.ts'
import type { Read, Reader } from '../../text/read.ts'

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

/** Returns a reader of a list whose names may be in double quotes. */
function list<T>(name: string, read: (words: readonly string[]) => Read<T>): Reader<T> {
  return (text) => {
    const words = readList(text)
    if (words === undefined) return { message: `${name} has an invalid value`, hint: `write \`${name}=…\`` }
    if (words.length > LIST_MAX) return { message: `${name} has too many entries`, hint: `at most ${LIST_MAX}` }
    return read(words)
  }
}

/** Returns a reader of a list of which every word must be valid. */
function listOfAll<T>(
  name: string,
  what: string,
  hint: string,
  read: (word: string) => T | undefined,
): Reader<readonly T[]> {
  return list(name, (words) => {
    const values = words.map(read)
    const wrong = values.indexOf(undefined)
    if (wrong < 0) return { value: values.filter((value) => value !== undefined) }
    return { message: `${quote(words[wrong]!)} is not ${what}`, hint }
  })
}

/** Returns a reader of one word, which may be in double quotes like the names of a list. */
function one<T>(name: string, read: Reader<T>): Reader<T> {
  return list(name, (words) => read(words.join()))
}

const readDoors: Reader<readonly string[]> = list('doors', (value) => {
  const long = value.find((name) => new TextEncoder().encode(name).length > CLAIM_DOOR_MAX_BYTES)
  if (long === undefined) return { value }
  return { message: `${quote(long)} is too long for a packet`, hint: `at most ${CLAIM_DOOR_MAX_BYTES} bytes` }
})

const readExpiry: Reader<number> = (text) => {
  const value = readEnd(text)
  if (value !== undefined) return { value }
  const hint = 'the last day, as in 2027-06-30, or 2027-06-30T12:00Z; in UTC'
  return { message: `${quote(text)} is not a day`, hint }
}

const yes: Reader<true> = () => ({ value: true })

const OPTIONS = {
  /** The doors by name. If absent, the user may open every door, or none if there are `ports`. */
  doors: row('doors', 'DOOR[,DOOR]...', readDoors),
  ports: row(
    'ports',
    'PROTOCOL/PORT[-PORT][,...]',
    listOfAll('ports', 'a port', 'as in tcp/22 or udp/60000-61000', readRange),
  ),
  /** The networks that the address to open for must be in. */
  from: row(
    'from',
    'NETWORK[,NETWORK]...',
    listOfAll('from', 'a network', 'as in 192.0.2.0/24 or 2001:db8::7', parseNetwork),
  ),
  /** The time at which the user's access expires, in milliseconds since 1970. */
  expiresMs: row('expires', 'DAY', one('expires', readExpiry)),
  /** The longest open time of a request, in seconds. */
  openForS: row(
    'open-for',
    'TIME',
    one(
      'open-for',
      mapped(readTime(1_000, CLAIM_OPEN_MAX_S * 1_000), (ms) => Math.floor(ms / 1_000)),
    ),
  ),
  /** True if packets without an address open for their source. */
  packetSource: row('packet-source', undefined, yes),
  /** True if the address in the packet must be its source. */
  sameSource: row('same-source', undefined, yes),
} as const

/** The options of a user's line, such as `doors=ssh,"my door"` or `packet-source`. */
export const USER_OPTIONS: Directives<typeof OPTIONS> = new Directives(OPTIONS, {
  noun: 'option',
  between: '=',
  known: 'options go before the key, the name after it',
  twice: { severity: 'error', hint: 'write one list' },
})

/** The rights of a user. Options that are not set are absent. */
export type UserOptions = Values<typeof OPTIONS>

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
