import type { Door } from './config.ts'
import type { DOOR_DIRECTIVES } from './directive.ts'
import type { Entry } from './section.ts'
import { splitCommand } from './shell.ts'
import type { Script } from './shell.ts'
import type { Settled } from './table.ts'

/** A command of a door and its place in the config. */
export interface CommandText {
  readonly text: string
  readonly line: number
  /** Column of the command's first character. */
  readonly column: number
  /** The directive as written in the config. */
  readonly key: string
  /** The command split into words, on first use. */
  readonly script: Script
}

/** The commands of a door that take effect for each family. IPv6 falls back to the same objects as IPv4. */
export interface DoorCommands {
  readonly start4: CommandText | undefined
  readonly stop4: CommandText | undefined
  readonly start6: CommandText | undefined
  readonly stop6: CommandText | undefined
}

/** Returns the commands of a door with their places. */
export function commandsOf(entries: Settled<typeof DOOR_DIRECTIVES>['entries'], { commands6 }: Door): DoorCommands {
  const start4 = commandText(entries.start4)
  const stop4 = commandText(entries.stop4)
  const start6 = entries.start6 === undefined ? start4 : commandText(entries.start6)
  const stop6 = entries.stop6 === undefined ? stop4 : commandText(entries.stop6)
  return { start4, stop4, start6, stop6: commands6.stop === undefined ? undefined : stop6 }
}

function commandText(entry: Entry | undefined): CommandText | undefined {
  if (entry?.value === undefined || entry.value === '') return undefined
  return new Placed(entry.value, entry)
}

class Placed implements CommandText {
  readonly text: string
  readonly line: number
  readonly column: number
  readonly key: string
  #script: Script | undefined

  constructor(text: string, { line, valueColumn, key }: Entry) {
    this.text = text
    this.line = line
    this.column = valueColumn
    this.key = key
  }

  get script(): Script {
    this.#script ??= splitCommand(this.text)
    return this.#script
  }
}
