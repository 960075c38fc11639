import { parseAddress } from '../packet/address.ts'
import { WHY, WHY_MAX_CHARS, known } from './fact.ts'
import type { Fact } from './fact.ts'
import { oneLine } from './line.ts'

/** The most characters of a door's name in a line: 127, each escaped as six. */
const DOOR_MAX_CHARS = 762
/** The most characters of an address and of a host name in a line. */
const HEAD_MAX_CHARS = 400
/** The end of a line about an opening that another host of the fleet told of. */
const TOLD_BY = /(?:^|, )told by [a-z0-9-]{1,63}$/
const BY_HAND = /^(opened|closed|forgiven) by hand(?:, by user (.*))?$/
const CLAIM = 'claims to be '

/** A line that was read. */
export interface TextReading {
  readonly fact: Fact
  /** The host name of the source, if the line has one. */
  readonly host?: string
}

/** Returns true if a door of this name exists, as the log writes it. `undefined`: the doors are not known. */
export type IsDoor = ((name: string) => boolean) | undefined

/**
 * Reads the text of a line in knockd's format, without its time: what `knockdLine` wrote, or knockd itself. A name may
 * look like a part of a line, so all ways to read it are tried. A reading with a door that exists is preferred.
 *
 * A user's name with `claims to be ` in it is read as a claim, and a door's name that begins with an address and a colon as a
 * source and a door. A refused packet has its door in its reason, unless the doors are known.
 *
 * @returns `undefined` for a text that is no event, and `ambiguous` if there is more than one way to read it
 */
export function readText(text: string, isDoor?: IsDoor): TextReading | 'ambiguous' | undefined {
  const found: Fact[] = []
  const colon = text.indexOf(': ')
  const head = colon > 0 && colon <= HEAD_MAX_CHARS ? /^(\S+)(?: \(([^\s()]+)\))?$/.exec(text.slice(0, colon)) : null
  const source = head !== null && parseAddress(head[1]!) !== undefined ? head[1]! : undefined
  let free = false
  if (source !== undefined) {
    const rest = text.slice(colon + 2)
    ofSource(rest, source, found)
    free = atDoors(rest, source, isDoor, found)
  }
  const others: Fact[] = []
  free = atDoors(text, undefined, isDoor, others) || free
  // Otherwise each line of a source is also one of a door whose name begins with the address.
  const isOther = (fact: Fact): boolean =>
    !('door' in fact) || source === undefined || isDoor?.(fact.door ?? '') === true
  found.push(...(found.length === 0 ? others : others.filter(isOther)))
  ofDaemon(text, isDoor, found)
  const [first, ...more] = preferred(found, isDoor, free)
  if (first === undefined) return undefined
  const same = JSON.stringify(first)
  if (more.some((each) => JSON.stringify(each) !== same)) return 'ambiguous'
  const isOfSource = 'source' in first && first.source === source
  return head?.[2] === undefined || !isOfSource ? { fact: first } : { fact: first, host: head[2] }
}

/** Leaves readings of doors that exist. A text about such a door that is no event is not one of another door. */
function preferred(found: readonly Fact[], isDoor: IsDoor, free: boolean): readonly Fact[] {
  if (isDoor === undefined || found.length === 0) return found
  const of = found.filter((fact) => 'door' in fact && fact.door !== undefined && isDoor(fact.door))
  if (of.length > 0) return of
  return free ? found.filter((fact) => !('door' in fact) || fact.door === undefined) : found
}

/** Adds the readings of a text about a source and no door. */
function ofSource(text: string, source: string, found: Fact[]): void {
  if (text === 'port scan' || /^port scan, ignored for \d+ s by doors that a scan could open$/.test(text)) {
    found.push({ kind: 'scan', source })
  } else if (/^wrong codes, ignored for \d+ s by doors with (a Sequence before their codes|codes alone)$/.test(text)) {
    found.push({ kind: 'failed', why: WHY['wrong-codes'], source })
  } else {
    const [, action, by] = BY_HAND.exec(text) ?? []
    if (action !== undefined) found.push(known({ kind: 'by-hand', action, source, door: undefined, by }))
  }
}

/** Adds the readings of a text about the daemon, about everybody, or about a packet. */
function ofDaemon(text: string, isDoor: IsDoor, found: Fact[]): void {
  const lines = /^(\d{1,15}) lines left out \((?:too many knocks|the log could not be written in time)\)$/.exec(text)
  if (lines !== null) found.push({ kind: 'left-out', lines: Number(lines[1]) })
  else if (text === 'shutting down') found.push({ kind: 'shutting-down' })
  else if (/^starting up(, listening on |$)/.test(text)) found.push({ kind: 'starting' })
  else if (/^re-(reading config|opening log) file: /.test(text)) found.push({ kind: 'other' })
  else if (text.startsWith('everybody: ')) ofEverybody(text.slice('everybody: '.length), found)
  else ofPacket(text, isDoor, found)
}

function ofEverybody(text: string, found: Fact[]): void {
  const end = text.lastIndexOf(': ')
  for (let at = text.indexOf(': ', 1); at > 0 && at <= DOOR_MAX_CHARS; at = text.indexOf(': ', at + 1)) {
    const [, action, by] = BY_HAND.exec(text.slice(at + 2)) ?? []
    if (action === undefined) continue
    const door = text.slice(0, at)
    found.push(
      known({ kind: 'by-hand', action, source: undefined, door: door === 'every door' ? undefined : door, by }),
    )
  }
  if (end < 0) {
    const [, action, by] = BY_HAND.exec(text) ?? []
    if (action !== undefined) found.push(known({ kind: 'by-hand', action, source: undefined, door: undefined, by }))
  }
}

/** Adds the readings of a packet that a known key opened and no door grants: each place where its user's name may end. */
function ofPacket(text: string, isDoor: IsDoor, found: Fact[]): void {
  const begin = /^(?:single )?packet of /.exec(text)?.[0].length
  if (begin === undefined) return
  const from = /, from (\S+) to (?:tcp|udp)\/\d{1,5}: /g
  for (let end = from.exec(text); end !== null && end.index <= 2 * DOOR_MAX_CHARS; end = from.exec(text)) {
    if (parseAddress(end[1]!) === undefined) continue
    const names = text.slice(begin, end.index).split(`, which ${CLAIM}`)
    const user = names.length > 2 ? undefined : names[0]
    const rest = text.slice(end.index + end[0].length)
    const door = doorBefore(rest, isDoor)
    const why = (door === undefined ? rest : rest.slice(door.length + 2)).slice(0, WHY_MAX_CHARS)
    found.push(known({ kind: 'failed', why, door, source: end[1]!, user, refused: undefined }))
  }
}

/** Returns the door that exists at the beginning of a text, if there is one alone. */
function doorBefore(text: string, isDoor: IsDoor): string | undefined {
  const doors: string[] = []
  for (let at = text.indexOf(': ', 1); at > 0 && at <= DOOR_MAX_CHARS; at = text.indexOf(': ', at + 1)) {
    if (isDoor?.(text.slice(0, at)) === true) doors.push(text.slice(0, at))
  }
  return doors.length === 1 ? doors[0] : undefined
}

/**
 * Adds the readings of a text that begins with a door's name.
 *
 * @returns true if a door that exists is at the beginning of a text that is no event
 */
function atDoors(text: string, source: string | undefined, isDoor: IsDoor, found: Fact[]): boolean {
  let free = false
  for (let at = text.indexOf(': ', 1); at > 0 && at <= DOOR_MAX_CHARS; at = text.indexOf(': ', at + 1)) {
    const door = text.slice(0, at)
    const fact = atDoor(text.slice(at + 2), door, source)
    if (fact !== undefined) found.push(fact)
    else if (isDoor?.(door) === true) free = true
  }
  return free
}

/** Reads a text behind a door's name. */
function atDoor(text: string, door: string, source: string | undefined): Fact | undefined {
  const failed = (why: string, user?: string, refused?: true): Fact =>
    known({ kind: 'failed', why: why.slice(0, WHY_MAX_CHARS), door, source, user, refused })
  if (text.startsWith('stays shut')) return shut(text, source !== undefined, failed)
  const used = /^this (code|sequence) was used before(?:, (.*)'s)?$/.exec(text)
  if (used !== null) return failed(WHY.used(used[1]!), used[2])
  if (/^access(?: of .*)? revoked$/.test(text)) return { kind: 'other' }
  if (source === undefined) {
    const status = /^command returned non-zero status code \((-?\d{1,9})\)$/.exec(text)?.[1]
    if (status !== undefined) return failed(WHY.status(Number(status)))
    return /^(running command|command printed): /.test(text) ? { kind: 'other' } : undefined
  }
  if (text.startsWith('OPEN SESAME')) return opens(text, door, source)
  if (/^Stage \d+$/.test(text) || text === 'its rule is in place already') return { kind: 'other' }
  if (/^sequence timeout \(stage \d+\)$/.test(text)) return failed(WHY.slow)
  if (text === 'command timeout' || /^(?:(?:tcp|udp)\/|, ).* closed$/.test(text))
    return { kind: 'closed', source, door }
  const seconds =
    /^(?:(?:tcp|udp)\/|, ).* open for (\d{1,12}) s$/.exec(text.replace(TOLD_BY, ''))?.[1] ??
    /^is open already, and stays so for another (\d{1,12}) s$/.exec(text)?.[1]
  if (seconds !== undefined) return { kind: 'lasts', source, door, seconds: Number(seconds) }
  const [, action, by] = BY_HAND.exec(text) ?? []
  return action === undefined ? undefined : known({ kind: 'by-hand', action, source, door, by })
}

function shut(
  text: string,
  isSourced: boolean,
  failed: (why: string, user?: string, refused?: true) => Fact,
): Fact | undefined {
  if (isSourced && text === 'stays shut, too many wrong codes') return failed(WHY.codes)
  if (isSourced && /^stays shut, \d+ other ports touched between its knocks$/.test(text)) return failed(WHY.strays)
  if (text === 'stays shut') return failed(WHY.shut, undefined, true)
  const why = /^stays shut(?:, |: )(.+)$/.exec(text)?.[1]
  return why === undefined ? undefined : failed(why, undefined, true)
}

function opens(text: string, door: string, source: string): Fact | undefined {
  const match = /^OPEN SESAME(?: \((.*)\))?$/.exec(text)
  if (match === null) return undefined
  const inner = (match[1] ?? '').replace(TOLD_BY, '')
  const names = inner.split(CLAIM)
  // More than one claim leaves open where the user's name ends.
  if (names.length > 2) return { kind: 'open', source, door }
  const [before = '', claimedUser] = names
  if (claimedUser !== undefined && before !== '' && !before.endsWith(', ')) {
    return { kind: 'open', source, door, user: inner }
  }
  const user = claimedUser === undefined ? before : before.slice(0, -', '.length)
  return known({ kind: 'open', source, door, user: user === '' ? undefined : user, claimedUser })
}

/** Returns a check for names of doors, as the log writes them. */
export function isDoorOf(names: readonly string[]): (name: string) => boolean {
  const doors = new Set(names.map(oneLine))
  return (name) => doors.has(name)
}
