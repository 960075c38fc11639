import type { Entry } from '../text/directive.ts'
import { listParts } from '../text/read.ts'
import type { Config, Door } from '../config/config.ts'
import type { DoorEntries } from '../config/directive.ts'
import { commandOffset } from '../config/on-event.ts'
import { splitCommand } from './shell.ts'
import type { Script } from './shell.ts'

/** The commands of a door that take effect for each family. IPv6 falls back to the same objects as IPv4. */
export interface DoorCommands {
  readonly start4: CommandText | undefined
  readonly stop4: CommandText | undefined
  readonly start6: CommandText | undefined
  readonly stop6: CommandText | undefined
}

/** A door with the places of its header, directives and commands. */
export interface PlacedDoor {
  readonly door: Door
  readonly line: number
  readonly column: number
  readonly entries: DoorEntries
  readonly commands: DoorCommands
}

/** Returns a door of a config with its places. */
export function placed(door: Door, { places }: Config): PlacedDoor {
  const { column, entries } = places.doors.get(door) ?? { column: 1, entries: {} }
  return { door, line: door.line, column, entries, commands: commandsOf(entries, door) }
}

/** Returns the doors of a config by name, with their places. */
export function placedDoors(config: Config): ReadonlyMap<string, PlacedDoor> {
  return new Map(config.doors.map((door) => [door.name, placed(door, config)]))
}

function commandsOf(entries: DoorEntries, { commands6 }: Door): DoorCommands {
  const start4 = commandText(entries.start4)
  const stop4 = commandText(entries.stop4)
  const start6 = entries.start6 === undefined ? start4 : commandText(entries.start6)
  const stop6 = entries.stop6 === undefined ? stop4 : commandText(entries.stop6)
  return { start4, stop4, start6, stop6: commands6.stop === undefined ? undefined : stop6 }
}

function commandText(entry: Entry | undefined): CommandText | undefined {
  if (entry?.value === undefined || entry.value === '') return undefined
  return new CommandText(entry.value, entry)
}

/** Returns the commands of On_Event. */
export function toldOfEvents({ places }: Config): readonly CommandText[] {
  const commands: CommandText[] = []
  for (let entry = places.options.onEvent; entry !== undefined; entry = entry.earlier) {
    const { value = '', valueColumn } = entry
    const offset = commandOffset(value)
    if (offset === undefined) continue
    commands.unshift(new CommandText(value.slice(offset), { ...entry, valueColumn: valueColumn + offset }))
  }
  return commands
}

/** Returns the column of a knock in a line that has several. */
export function knockColumn({ value = '', valueColumn }: Entry, index: number): number {
  // An invalid later line may have fewer words than the sequence that was read.
  return valueColumn + ([...listParts(value)][index]?.offset ?? 0)
}

/** A command of a door and its place in the config. */
export class CommandText {
  readonly text: string
  readonly line: number
  /** Column of the command's first character. */
  readonly column: number
  /** The directive as written in the config. */
  readonly key: string
  #script: Script | undefined

  constructor(text: string, { line, valueColumn, key }: Entry) {
    this.text = text
    this.line = line
    this.column = valueColumn
    this.key = key
  }

  /** The command split into words, on first use. */
  get script(): Script {
    this.#script ??= splitCommand(this.text)
    return this.#script
  }
}
