import { DOORS_MAX } from './config.ts'
import type { Door, Reading, Widths } from './config.ts'
import { readDoor } from './door.ts'
import type { DoorText } from './door.ts'
import type { Facts } from './facts.ts'
import { FaultList, quote } from '../text/fault.ts'
import { Lint } from './lint.ts'
import { WIDEN_LIMIT_DEFAULT } from './networks.ts'
import { OPTIONS_DEFAULT, readOptions } from './options.ts'
import type { OptionsRead } from './options.ts'
import { readSections } from './section.ts'
import type { Section } from './section.ts'

/** The section that is not a door. As in knockd, it must be in lower case. */
const OPTIONS_NAME = 'options'

/**
 * Reads a config and reports all faults, ordered by place. It returns the config if no fault is an error. It never
 * throws.
 *
 * @param text the file's text
 * @param file its name, for the config and for hints
 * @param facts facts about the machine; absent: the warnings are about the text alone
 */
export function readConfig(text: string, file: string, facts?: Facts): Reading {
  const faults = new FaultList()
  const lint = new Lint(file, facts, faults)
  const optionSections: Section[] = []
  const names = new Map<string, number>()
  const doors: Door[] = []
  const widened: DoorText[] = []
  for (const section of readSections(text, faults)) {
    if (section.name.toLowerCase() === OPTIONS_NAME) optionSections.push(section)
    else if (doors.length < DOORS_MAX) {
      checkName(section, names, faults)
      const door = readDoor(section, faults)
      lint.door(door)
      if (door.entries.widen !== undefined) widened.push(door)
      doors.push(door.door)
    } else {
      faults.error(section.line, section.column, 'too many doors', `at most ${DOORS_MAX}`)
      break
    }
  }
  const read = gatherOptions(optionSections, faults)
  const { options, widenLimit } = read
  for (const door of widened) checkWidth(door, widenLimit, faults)
  lint.end(read)
  // Earlier errors already explain a config without a door.
  if (doors.length === 0 && !faults.failed) {
    faults.error(1, 1, 'the config has no door', 'a door is a section `[name]` with a Sequence and a Start_Command')
  }
  return { config: faults.failed ? undefined : { file, options, doors }, faults: faults.sorted() }
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
function checkWidth({ door, entries: { widen } }: DoorText, limit: Widths, faults: FaultList): void {
  if (widen === undefined || (door.widen[4] >= limit[4] && door.widen[6] >= limit[6])) return
  const hint = `the limit is \`/${limit[4]}, /${limit[6]}\`: Widen_Limit in [${OPTIONS_NAME}] sets another`
  faults.error(widen.line, widen.valueColumn, `${quote(widen.value ?? '')} is wider than the limit`, hint)
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
