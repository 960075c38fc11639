import type { Entry } from '../text/directive.ts'
import { FaultList, quote } from '../text/fault.ts'
import { readSections } from '../text/section.ts'
import type { Section, SectionLimits } from '../text/section.ts'
import { CONFIG_MAX_BYTES, DOORS_MAX, DOOR_NAME_MAX_CHARS } from './config.ts'
import type { Config, Door, DoorPlaces, Options, Reading, Widths } from './config.ts'
import type { DoorEntries } from './directive.ts'
import { readDoor } from './door.ts'
import { WIDEN_LIMIT_DEFAULT } from './networks.ts'
import { OPTIONS_DEFAULT, readOptions } from './options.ts'
import type { OptionsRead } from './options.ts'

/** The section that is not a door. As in knockd, it must be in lower case. */
const OPTIONS_NAME = 'options'
/** The message about a config without a door and without other errors. */
export const NO_DOOR = 'the config has no door'
const LIMITS: SectionLimits = { maxChars: CONFIG_MAX_BYTES, nameMaxChars: DOOR_NAME_MAX_CHARS, strict: false }

/**
 * Reads a config and reports all faults of its text, ordered by place. It returns the config if no fault is an error.
 * It never throws. The rules of `lint` find what is valid but not meant.
 *
 * @param file the file's name, for the config and for hints
 * @param doorsMax the maximum number of doors
 */
export function readConfig(text: string, file: string, doorsMax = DOORS_MAX): Reading {
  const faults = new FaultList()
  return readingOf(readDraft(text, file, faults, doorsMax), faults)
}

/** Returns a draft as the config, unless a fault is an error. */
export function readingOf(draft: Config, faults: FaultList): Reading {
  return { config: faults.failed ? undefined : draft, faults: faults.sorted() }
}

/** Reads as much of a config as can be read. It is usable only if `faults` got no error. */
export function readDraft(text: string, file: string, faults: FaultList, doorsMax = DOORS_MAX): Config {
  const optionSections: Section[] = []
  const names = new Map<string, number>()
  const places = new Map<Door, DoorPlaces>()
  for (const section of readSections(text, LIMITS, faults)) {
    if (section.name.toLowerCase() === OPTIONS_NAME) optionSections.push(section)
    else if (places.size < doorsMax) {
      checkName(section, names, faults)
      const { door, entries } = readDoor(section, faults)
      places.set(door, { column: section.column, entries })
    } else {
      faults.error(section.line, section.column, 'too many doors', `at most ${doorsMax}`)
      break
    }
  }
  const { options, entries, widenLimit } = gatherOptions(optionSections, faults)
  for (const [door, place] of places) {
    checkWidth(door, place.entries.widen, widenLimit, faults)
    checkFleet(door, place.entries, options, faults)
  }
  // Earlier errors already explain a config without a door.
  if (places.size === 0 && !faults.failed) {
    faults.error(1, 1, NO_DOOR, 'a door is a section `[name]` with a Sequence and a Start_Command')
  }
  return { file, options, doors: [...places.keys()], places: { options: entries, doors: places } }
}

/** Checks that a door's name is unique. `names` holds the line of each earlier door. */
function checkName({ name, line, column }: Section, names: Map<string, number>, faults: FaultList): void {
  const before = names.get(name)
  if (before === undefined) names.set(name, line)
  else if (name !== '') {
    const message = `door ${quote(name)} is already defined on line ${before}`
    faults.error(line, column, message, 'give each door a name of its own')
  }
}

/** Refuses a Widen beyond the operator's limit, which is a mistake or comes from somebody else's config. */
function checkWidth(door: Door, widen: Entry | undefined, limit: Widths, faults: FaultList): void {
  if (widen === undefined || (door.widen[4] >= limit[4] && door.widen[6] >= limit[6])) return
  const hint = `the limit is \`/${limit[4]}, /${limit[6]}\`: Widen_Limit in [${OPTIONS_NAME}] sets another`
  faults.error(widen.line, widen.valueColumn, `${quote(widen.value ?? '')} is wider than the limit`, hint)
}

/** Refuses a door of a fleet on a host that is in none: nobody could open it. */
function checkFleet(door: Door, { scope, opensOn }: DoorEntries, { fleet }: Options, faults: FaultList): void {
  if (door.opensOn !== undefined && door.scope !== 'fleet' && opensOn !== undefined) {
    const hint = 'add `Scope = fleet` to this door, here and on the other hosts'
    faults.error(opensOn.line, opensOn.keyColumn, `${quote(opensOn.key)} in a door of this host alone`, hint)
  }
  if (door.scope !== 'fleet' || fleet !== undefined || scope === undefined) return
  const hint = `add \`Fleet = /etc/postern/fleet/fleet.conf\` to [${OPTIONS_NAME}], which \`postern fleet join\` writes`
  faults.error(scope.line, scope.valueColumn, 'this host is in no fleet', hint)
}

function gatherOptions(sections: readonly Section[], faults: FaultList): OptionsRead {
  for (const { name, line, column } of sections) {
    if (name === OPTIONS_NAME) continue
    faults.error(line, column, `${quote(`[${name}]`)} would be a door to knockd`, `write \`[${OPTIONS_NAME}]\``)
  }
  const [first, ...more] = sections
  if (first === undefined) return { entries: {}, options: OPTIONS_DEFAULT, widenLimit: WIDEN_LIMIT_DEFAULT }
  for (const { line, column } of more) {
    const message = `\`[${OPTIONS_NAME}]\` is already set on line ${first.line}`
    faults.warning(line, column, message, 'both count: merge them')
  }
  return readOptions({ ...first, entries: sections.flatMap(({ entries }) => entries) }, faults)
}
