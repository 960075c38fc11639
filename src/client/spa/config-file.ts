import type { Fault } from '../../text/fault.ts'
import { FaultList, quote } from '../../text/fault.ts'
import { nearest } from '../../text/nearest.ts'
import { linesOf } from '../../text/lines.ts'
import { HOST_ALIASES, HOST_DIRECTIVES } from './host-directives.ts'
import type { Directive, HostSettings, Way } from './host-directives.ts'

/** The section that applies to all hosts. */
const DEFAULT_SECTION = 'default'
/** The largest file in UTF-16 units. */
const CONFIG_MAX_CHARS = 1_048_576

/** The directives of each way, for messages about mixed ways. */
const WAYS: Readonly<Record<Way, string>> = {
  knocks: 'knocks (Knock, TOTP_File)',
  list: 'a published list (From)',
  packet: 'the single packet (Server_Key, Door, Access)',
}

/** A valid line. */
interface Entry {
  readonly line: number
  readonly column: number
  readonly name: string
  readonly directive: Directive
  readonly settings: HostSettings
}

/** All lines under headers with the same words. */
interface Section {
  readonly patterns: readonly string[]
  readonly entries: Entry[]
}

/** The file's settings for one host. */
export interface HostReading {
  readonly settings: HostSettings
  /** The way to open the host, or `undefined` if the file sets none. */
  readonly way: Way | undefined
  /** True if a section other than `[default]` applies to the host. */
  readonly found: boolean
  /** True if the file contains knocks, which are secret. */
  readonly secretive: boolean
  readonly faults: readonly Fault[]
}

/**
 * Reads ~/.config/postern/config for one host. Its sections apply in their order, and `[default]` last. The first value
 * of a directive counts, as in ssh_config(5). Directives of other ways to open the host are ignored. Lines are `Name =
 * value`. Every line of the file must be valid.
 *
 * @param only the wanted way (default: the file's way for the host)
 */
export function readHostConfig(text: string, host: string, only?: Way): HostReading {
  const faults = new FaultList()
  const sections = readSections(text, faults)
  const own = sections.filter(({ patterns }) => !isDefault(patterns) && patterns.some((each) => matches(each, host)))
  const all = [...own, ...sections.filter(({ patterns }) => isDefault(patterns))]
  const opening = all.find((section) => wayOf(section) !== undefined)
  const way = only ?? (opening === undefined ? undefined : wayOf(opening))
  const said = all.map((section) => saidBy(section, way, section === opening))
  // The last assignment counts, so the order is reversed.
  const settings: HostSettings = Object.assign({}, ...said.toReversed())
  const secretive = sections.some(({ entries }) => entries.some(({ name }) => name === 'Knock'))
  return { settings, way, found: own.length > 0, secretive, faults: faults.sorted() }
}

/**
 * Returns the settings of a section without those of other ways. A secret comes from one section only: a code for other
 * hosts is not knocked after the knocks of this one. A single packet's settings may come from several sections. An
 * example is one key for all hosts and a door for each.
 */
function saidBy({ entries }: Section, way: Way | undefined, opening: boolean): HostSettings {
  const said: HostSettings = {}
  const identities: string[] = []
  for (const { directive, settings } of entries) {
    if (way !== undefined && directive.ways?.includes(way) === false) continue
    if (way !== 'packet' && directive.opens === true && !opening) continue
    identities.push(...(settings.identities ?? []))
    Object.assign(said, settings)
  }
  return identities.length === 0 ? said : { ...said, identities }
}

/** Returns true if a header's word matches a host. `*` matches any characters, and case does not matter (RFC 4343). */
export function matches(pattern: string, host: string): boolean {
  const [first = '', ...rest] = pattern.toLowerCase().split('*')
  const name = host.toLowerCase()
  const last = rest.pop()
  if (last === undefined) return name === first
  if (!name.startsWith(first)) return false
  let at = first.length
  for (const part of rest) {
    const found = name.indexOf(part, at)
    if (found < 0) return false
    at = found + part.length
  }
  return name.length - last.length >= at && name.endsWith(last)
}

function isDefault(patterns: readonly string[]): boolean {
  return patterns.length === 1 && patterns[0]!.toLowerCase() === DEFAULT_SECTION
}

function wayOf({ entries }: Section): Way | undefined {
  return entries.find(({ directive }) => directive.opens === true)?.directive.ways?.[0]
}

function readSections(text: string, faults: FaultList): readonly Section[] {
  const sections = new Map<string, Section>()
  let section: Section | undefined
  if (text.length > CONFIG_MAX_CHARS) {
    faults.error(1, 1, 'the file is too large', `at most ${CONFIG_MAX_CHARS} characters`)
    return []
  }
  for (const { number: line, text: whole, stray } of linesOf(text)) {
    if (stray !== undefined) {
      faults.error(line, stray.column, stray.message, stray.hint)
      continue
    }
    const content = whole.trim()
    const column = whole.length - whole.trimStart().length + 1
    if (content === '' || content.startsWith('#')) continue
    const header = /^\[\s*([^\]]*?)\s*\]$/.exec(content)
    if (header !== null) {
      const patterns = header[1]!.split(/\s+/).filter((each) => each !== '')
      if (patterns.length === 0) faults.error(line, column, 'this section names no host', 'a name, or a pattern: `[*]`')
      const key = patterns.join(' ').toLowerCase()
      section = sections.get(key) ?? { patterns, entries: [] }
      sections.set(key, section)
      continue
    }
    const read = readLine(content)
    if ('fault' in read) faults.error(line, column, read.fault, read.hint)
    else if (section === undefined) {
      faults.error(line, column, 'this line is before the first section', 'a section begins with `[name]`')
    } else {
      const before = section.entries.find(({ name }) => name === read.name)
      if (before === undefined || read.directive.repeats === true) section.entries.push({ ...read, line, column })
      else
        faults.error(line, column, `${read.name} is already set on line ${before.line}`, 'remove one of the two lines')
    }
  }
  for (const each of sections.values()) checkWay(each, faults)
  return [...sections.values()]
}

/** Reports mixed ways, because a host is opened in one way. Only `[default]` may have directives of other ways. */
function checkWay(section: Section, faults: FaultList): void {
  const way = wayOf(section)
  if (way === undefined) return
  for (const { line, column, name, directive } of section.entries) {
    if (directive.ways?.includes(way) !== false) continue
    if (isDefault(section.patterns) && directive.opens !== true) continue
    const belongs = directive.ways.map((each) => WAYS[each]).join(' or ')
    faults.error(line, column, `${name} does not go with ${WAYS[way]}`, `it is for ${belongs}`)
  }
}

type LineRead = Omit<Entry, 'line' | 'column'> | { readonly fault: string; readonly hint: string }

function readLine(content: string): LineRead {
  const match = /^([^=]*?)\s*=\s*(.+)$/.exec(content)
  if (match === null) return { fault: 'this line has no value', hint: 'write `Name = value`' }
  const [, written = '', value = ''] = match
  const names = [...Object.keys(HOST_DIRECTIVES), ...Object.keys(HOST_ALIASES)]
  const found = names.find((each) => plainly(each) === plainly(written))
  if (found === undefined) {
    const meant = nearest(written, names)
    const hint = meant === undefined ? `one of ${Object.keys(HOST_DIRECTIVES).join(', ')}` : `did you mean ${meant}?`
    return { fault: `unknown directive ${quote(written)}`, hint }
  }
  const name = HOST_ALIASES[found] ?? found
  const directive = HOST_DIRECTIVES[name]!
  const settings = directive.read(value)
  return 'fault' in settings ? settings : { name, directive, settings }
}

/** Normalizes a name. Case does not matter, and a hyphen equals an underscore: `totp-file` means TOTP_File. */
function plainly(name: string): string {
  return name.toLowerCase().replaceAll('-', '_')
}
