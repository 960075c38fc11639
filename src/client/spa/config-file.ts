import type { Entry } from '../../text/directive.ts'
import { FaultList } from '../../text/fault.ts'
import type { Fault } from '../../text/fault.ts'
import { LINE_MAX_CHARS, readSections } from '../../text/section.ts'
import type { SectionLimits } from '../../text/section.ts'
import { HOST, hostDirective } from './host-directives.ts'
import type { HostEntries, HostSettings, Way } from './host-directives.ts'

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

/** The settings under headers with the same words. */
interface HostSection {
  readonly patterns: readonly string[]
  readonly settings: HostSettings
  readonly entries: HostEntries
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
  const sections = hostSections(text, faults)
  const own = sections.filter(({ patterns }) => !isDefault(patterns) && patterns.some((each) => matches(each, host)))
  const all = [...own, ...sections.filter(({ patterns }) => isDefault(patterns))]
  const opening = all.find((section) => wayOf(section) !== undefined)
  const way = only ?? (opening === undefined ? undefined : wayOf(opening))
  const said = all.map((section) => saidBy(section, way, section === opening))
  // The last assignment counts, so the order is reversed.
  const settings: HostSettings = Object.assign({}, ...said.toReversed())
  const secretive = sections.some(({ entries }) => entries.knocks !== undefined)
  return { settings, way, found: own.length > 0, secretive, faults: faults.sorted() }
}

/**
 * Returns the settings of a section without those of other ways. A secret comes from one section only: a code for other
 * hosts is not knocked after the knocks of this one. A single packet's settings may come from several sections. An
 * example is one key for all hosts and a door for each.
 */
function saidBy({ settings }: HostSection, way: Way | undefined, opening: boolean): HostSettings {
  const own = Object.entries(settings).filter(([key]) => {
    const { ways, opens } = hostDirective(key)
    return (way === undefined || ways?.includes(way) !== false) && (way === 'packet' || opens !== true || opening)
  })
  return Object.fromEntries(own)
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

function wayOf({ settings }: HostSection): Way | undefined {
  const opening = Object.keys(settings).find((key) => hostDirective(key).opens === true)
  return opening === undefined ? undefined : hostDirective(opening).ways?.[0]
}

const LIMITS: SectionLimits = { maxChars: CONFIG_MAX_CHARS, nameMaxChars: LINE_MAX_CHARS, strict: true }

function hostSections(text: string, faults: FaultList): readonly HostSection[] {
  const written = new Map<string, { readonly patterns: readonly string[]; readonly entries: Entry[] }>()
  for (const { name, entries } of readSections(text, LIMITS, faults)) {
    const patterns = name.split(/\s+/)
    const key = patterns.join(' ').toLowerCase()
    written.set(key, { patterns, entries: [...(written.get(key)?.entries ?? []), ...entries] })
  }
  return [...written.values()].map(({ patterns, entries: lines }) => {
    const { values: settings, entries } = HOST.settle({ entries: lines, complete: true }, faults)
    const section = { patterns, settings, entries }
    checkWay(section, faults)
    return section
  })
}

/** Reports mixed ways, because a host is opened in one way. Only `[default]` may have directives of other ways. */
function checkWay(section: HostSection, faults: FaultList): void {
  const way = wayOf(section)
  if (way === undefined) return
  for (const [key, { line, keyColumn }] of Object.entries(section.entries)) {
    const { name, ways, opens } = hostDirective(key)
    if (ways?.includes(way) !== false) continue
    if (isDefault(section.patterns) && opens !== true) continue
    const belongs = ways.map((each) => WAYS[each]).join(' or ')
    faults.error(line, keyColumn, `${name} does not go with ${WAYS[way]}`, `it is for ${belongs}`)
  }
}
