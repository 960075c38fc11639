import { TOTP_SKEW_MAX } from '../../config/config.ts'
import type { Config, Door } from '../../config/config.ts'
import { DOOR_DIRECTIVES, OPTION_DIRECTIVES } from '../../config/directive.ts'
import type { Directive } from '../../config/directive.ts'
import { readDoor } from '../../config/door.ts'
import type { DoorText } from '../../config/door.ts'
import { FaultList } from '../../text/fault.ts'
import { readSections } from '../../config/section.ts'
import type { Section } from '../../config/section.ts'
import { outsideIn } from './outside.ts'

/** The longest deadline that a rehearsal waits for, in milliseconds. Longer ones are shortened. */
export const WAIT_MAX_MS = 15_000
/** The shortened time of an opening, in milliseconds. */
export const SHORT_DEADLINE_MS = 4_000
/** The shortened Seq_Timeout, in milliseconds. */
export const SHORT_SEQUENCE_MS = 2_000

const OPTIONS_NAME = 'options'

type Spelt = Pick<Directive<unknown>, 'name' | 'aliases'>

/** The config for the daemon of the rehearsal. */
export interface RehearsedConfig {
  readonly text: string
  /** The times in that config, by the door's name. */
  readonly times: ReadonlyMap<string, DoorTimes>
}

export interface DoorTimes {
  readonly cmdTimeoutMs: number
  readonly seqTimeoutMs: number
  readonly deadlineShortened: boolean
}

/** The folder and files of the copy. */
export interface RehearsedPlaces {
  readonly stateDir: string
  /** The paths of the lists of one-time sequences, by the door's name: copies, and new ones for generated lists. */
  readonly lists: ReadonlyMap<string, string>
}

/**
 * Makes the config for the rehearsal of a real one. Log, pid file and state go elsewhere. Long times are shortened
 * unless `full`. Doors in `leaveOut` and hooks that act outside the namespace are removed. Everything else stays.
 */
export function rehearsedConfig(
  text: string,
  { doors }: Config,
  places: RehearsedPlaces,
  how: { readonly full: boolean; readonly leaveOut: ReadonlySet<string> },
): RehearsedConfig {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const added = new Map<number, string[]>()
  const times = new Map<string, DoorTimes>()
  for (const section of readSections(text, new FaultList())) {
    if (section.name === OPTIONS_NAME) {
      blank(lines, section, (key, value) => isMoved(key) || (isHook(key) && outsideIn(value) !== undefined))
      continue
    }
    const door = doors.find(({ name }) => name === section.name)
    if (door === undefined || how.leaveOut.has(section.name)) {
      blank(lines, section, () => true)
      lines[section.line - 1] = ''
      continue
    }
    times.set(door.name, timesOf(door, how.full))
    added.set(section.line, shorten(lines, section, door, timesOf(door, how.full), places))
  }
  const written: string[] = []
  for (const [index, line] of lines.entries()) written.push(line, ...(added.get(index + 1) ?? []))
  written.push(`[${OPTIONS_NAME}]`, `${OPTION_DIRECTIVES.stateDir.name} = ${places.stateDir}`, '')
  return { text: written.join('\n'), times }
}

/** Blanks the directives of a door that the rehearsal changes, and returns the lines that replace them. */
function shorten(
  lines: string[],
  section: Section,
  { name, cmdTimeoutMs, seqTimeoutMs, secret }: Door,
  times: DoorTimes,
  { lists }: RehearsedPlaces,
): string[] {
  const instead: string[] = []
  const replace = (directive: Spelt, value: string): void => {
    blank(lines, section, (key) => isSpelt(directive, key))
    instead.push(`${directive.name} = ${value}`)
  }
  if (times.cmdTimeoutMs !== cmdTimeoutMs) replace(DOOR_DIRECTIVES.cmdTimeout, `${times.cmdTimeoutMs}ms`)
  if (times.seqTimeoutMs !== seqTimeoutMs) replace(DOOR_DIRECTIVES.seqTimeout, `${times.seqTimeoutMs}ms`)
  const list = lists.get(name)
  if (list !== undefined) replace(DOOR_DIRECTIVES.oneTime, list)
  if (secret.kind === 'generated') blank(lines, section, isPublishing)
  // A code can be used once, and the rehearsal needs several before the next period begins.
  if (secret.kind === 'totp' || secret.kind === 'users') replace(DOOR_DIRECTIVES.skew, String(TOTP_SKEW_MAX))
  return instead
}

function timesOf({ cmdTimeoutMs, seqTimeoutMs }: Door, full: boolean): DoorTimes {
  const deadlineShortened = !full && cmdTimeoutMs > WAIT_MAX_MS
  return {
    cmdTimeoutMs: deadlineShortened ? SHORT_DEADLINE_MS : cmdTimeoutMs,
    seqTimeoutMs: !full && seqTimeoutMs > SHORT_SEQUENCE_MS ? SHORT_SEQUENCE_MS : seqTimeoutMs,
    deadlineShortened,
  }
}

function blank(lines: string[], { entries }: Section, which: (key: string, value: string) => boolean): void {
  for (const { key, value = '', line } of entries) if (which(key, value)) lines[line - 1] = ''
}

/** Returns true for directives that would write to the machine's own files. */
function isMoved(key: string): boolean {
  const { useSyslog, logFile, logFormat, pidFile, stateDir } = OPTION_DIRECTIVES
  return [useSyslog, logFile, logFormat, pidFile, stateDir].some((directive) => isSpelt(directive, key))
}

/** Returns true for directives of generated lists, which the rehearsal replaces by a file. */
function isPublishing(key: string): boolean {
  const { listCount, listLength, listPorts, publishTo } = DOOR_DIRECTIVES
  const { publishFor, publishPassphrase, publishHost, publishOverlap } = DOOR_DIRECTIVES
  const all = [listCount, listLength, listPorts, publishTo, publishFor, publishPassphrase, publishHost, publishOverlap]
  return all.some((directive) => isSpelt(directive, key))
}

function isHook(key: string): boolean {
  return isSpelt(OPTION_DIRECTIVES.startHook, key) || isSpelt(OPTION_DIRECTIVES.stopHook, key)
}

function isSpelt({ name, aliases }: Spelt, key: string): boolean {
  return [name, ...aliases].some((word) => word.toLowerCase() === key.toLowerCase())
}

/** Returns the doors of a config by name, with the places of their commands. */
export function doorTexts(text: string): ReadonlyMap<string, DoorText> {
  const texts = new Map<string, DoorText>()
  for (const section of readSections(text, new FaultList())) {
    if (section.name.toLowerCase() !== OPTIONS_NAME) texts.set(section.name, readDoor(section, new FaultList()))
  }
  return texts
}

/** Returns the line of a directive of `[options]`; `undefined` if it is missing. */
export function optionLine(text: string, directive: Spelt): number | undefined {
  for (const { name, entries } of readSections(text, new FaultList())) {
    if (name !== OPTIONS_NAME) continue
    const line = entries.findLast(({ key }) => isSpelt(directive, key))?.line
    if (line !== undefined) return line
  }
  return undefined
}
