import { TOTP_SKEW_MAX } from '../config/config.ts'
import type { Config, Door } from '../config/config.ts'
import { DOOR_DIRECTIVES, OPTION_DIRECTIVES } from '../config/directive.ts'
import type { DoorEntries } from '../config/directive.ts'
import { codeOf, generatedList } from '../config/secret.ts'
import type { Entry } from '../text/directive.ts'
import { outsideIn } from './outside.ts'

/** The longest deadline that a rehearsal waits for, in milliseconds. Longer ones are shortened. */
export const WAIT_MAX_MS = 15_000
/** The shortened time of an opening, in milliseconds. */
export const SHORT_DEADLINE_MS = 4_000
/** The shortest time of an opening, in milliseconds. On a busy machine the rules are read after a second. */
export const DEADLINE_LEAST_MS = 2_000
/** The shortened Seq_Timeout, in milliseconds. */
export const SHORT_SEQUENCE_MS = 2_000

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
 * Makes the config for the rehearsal of a real one. Log, pid file and state go elsewhere. Long times are shortened,
 * and very short openings last longer, unless `full`. Doors in `leaveOut` hooks that act outside the namespace and On_Event are removed. Everything else stays.
 */
export function rehearsedConfig(
  text: string,
  { options, doors, places: at }: Config,
  places: RehearsedPlaces,
  how: { readonly full: boolean; readonly leaveOut: ReadonlySet<string> },
): RehearsedConfig {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const added = new Map<number, readonly string[]>()
  const times = new Map<string, DoorTimes>()
  const { useSyslog, logFile, logFormat, pidFile, stateDir, startHook, stopHook, onEvent, hooksAsRoot } = at.options
  // The machine's own files are not written.
  blank(lines, useSyslog, logFile, logFormat, pidFile, stateDir)
  // Nobody is to be told of what happens in a copy.
  blank(lines, hooksAsRoot, onEvent)
  if (isOutside(options.startHook)) blank(lines, startHook)
  if (isOutside(options.stopHook)) blank(lines, stopHook)
  for (const door of doors) {
    const { entries } = at.doors.get(door)!
    if (how.leaveOut.has(door.name)) {
      blank(lines, ...Object.values(entries))
      lines[door.line - 1] = ''
      continue
    }
    const ofDoor = timesOf(door, how.full)
    times.set(door.name, ofDoor)
    added.set(door.line, shorten(lines, entries, door, ofDoor, places))
  }
  const written: string[] = []
  for (const [index, line] of lines.entries()) written.push(line, ...(added.get(index + 1) ?? []))
  written.push('[options]', `${OPTION_DIRECTIVES.stateDir.name} = ${places.stateDir}`)
  // The copy's folders are root's alone, so its daemon stays root. The doors' commands run as its `User` all the same.
  if (options.user !== undefined) written.push(`${OPTION_DIRECTIVES.hooksAsRoot.name} = yes`)
  const hooks = [options.startHook, options.stopHook].filter((hook) => hook !== undefined && !isOutside(hook))
  if (options.user !== undefined && hooks.length === 0) written.push(`${OPTION_DIRECTIVES.stopHook.name} = true`)
  written.push('')
  return { text: written.join('\n'), times }
}

/** Returns true if a hook acts outside the namespace. */
function isOutside(hook: string | undefined): boolean {
  return outsideIn(hook ?? '') !== undefined
}

/** Blanks the directives of a door that the rehearsal changes, and returns the lines that replace them. */
function shorten(
  lines: string[],
  entries: DoorEntries,
  { name, cmdTimeoutMs, seqTimeoutMs, secret }: Door,
  times: DoorTimes,
  { lists }: RehearsedPlaces,
): readonly string[] {
  const instead: string[] = []
  const replace = (key: keyof DoorEntries, value: string): void => {
    blank(lines, entries[key])
    instead.push(`${DOOR_DIRECTIVES[key].name} = ${value}`)
  }
  if (times.cmdTimeoutMs !== cmdTimeoutMs) replace('cmdTimeout', `${times.cmdTimeoutMs}ms`)
  if (times.seqTimeoutMs !== seqTimeoutMs) replace('seqTimeout', `${times.seqTimeoutMs}ms`)
  const list = lists.get(name)
  if (list !== undefined) replace('oneTime', list)
  if (generatedList(secret) !== undefined) {
    // A file replaces the generated list.
    const { listCount, listLength, listPorts, publishTo } = entries
    const { publishFor, publishPassphrase, publishHost, publishOverlap } = entries
    blank(
      lines,
      listCount,
      listLength,
      listPorts,
      publishTo,
      publishFor,
      publishPassphrase,
      publishHost,
      publishOverlap,
    )
  }
  // A code can be used once, and the rehearsal needs several before the next period begins.
  if (codeOf(secret) !== undefined) replace('skew', String(TOTP_SKEW_MAX))
  return instead
}

function timesOf({ cmdTimeoutMs, seqTimeoutMs }: Door, full: boolean): DoorTimes {
  const deadlineShortened = !full && cmdTimeoutMs > WAIT_MAX_MS
  const longEnoughMs = full ? cmdTimeoutMs : Math.max(cmdTimeoutMs, DEADLINE_LEAST_MS)
  return {
    cmdTimeoutMs: deadlineShortened ? SHORT_DEADLINE_MS : longEnoughMs,
    seqTimeoutMs: !full && seqTimeoutMs > SHORT_SEQUENCE_MS ? SHORT_SEQUENCE_MS : seqTimeoutMs,
    deadlineShortened,
  }
}

/** Empties the lines of directives, those that a later line overrides included. */
function blank(lines: string[], ...entries: readonly (Entry | undefined)[]): void {
  for (const last of entries)
    for (let entry = last; entry !== undefined; entry = entry.earlier) lines[entry.line - 1] = ''
}
