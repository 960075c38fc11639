import type { Config } from '../../config/config.ts'
import { packetOf } from '../../config/secret.ts'
import { FileError } from '../../file/file-error.ts'
import { oneLine } from '../../log/line.ts'
import { listsOf } from '../sequences/lists.ts'
import { openedFile } from '../user/opened-file.ts'
import { filesOf } from '../user/users-file.ts'

/** The state of a door's list of one-time sequences. */
export interface ListState {
  readonly door: string
  /** `undefined`: the list cannot be read. */
  readonly left: number | undefined
  /** The number of sequences at which knockd warns. */
  readonly lowWater: number
  readonly isLow: boolean
  readonly fault: string | undefined
}

/** The doors, users and lists of a config. */
export interface Expected {
  readonly doors: readonly string[]
  readonly users: readonly string[]
  readonly lists: readonly ListState[]
  /** Sentences about files that could not be read. */
  readonly notes: readonly string[]
}

/** Reads what a config expects. Changes nothing. @param interfaces the interfaces that the daemon was started with */
export function expectedOf(config: Config, interfaces: readonly string[]): Expected {
  const notes: string[] = []
  const users = new Set<string>()
  for (const file of filesOf(config.doors)) {
    try {
      for (const { name } of openedFile(file).content.users) users.add(oneLine(name))
    } catch (error) {
      notes.push(`The users in ${oneLine(file.path)} are not known: ${faultOf(error)}.`)
    }
  }
  const others = config.doors.filter(({ secret }) => {
    const protocol = packetOf(secret)?.protocol
    return protocol !== undefined && protocol !== 'postern'
  })
  if (others.length > 0) {
    const names = others.slice(0, 3).map(({ name }) => oneLine(name))
    const more = others.length > names.length ? ` and ${others.length - names.length} more` : ''
    notes.push(
      `Who has a key for ${names.join(', ')}${more} is not compared with who came: only files of users are read.`,
    )
  }
  return {
    doors: config.doors.map(({ name }) => oneLine(name)),
    users: [...users],
    lists: listsOf(config, interfaces).map(({ door, lowWater, read }): ListState => {
      const name = oneLine(door)
      try {
        const left = read().left.length
        return { door: name, lowWater, left, isLow: left <= lowWater, fault: undefined }
      } catch (error) {
        return { door: name, lowWater, left: undefined, isLow: false, fault: faultOf(error) }
      }
    }),
    notes,
  }
}

function faultOf(error: unknown): string {
  return error instanceof FileError ? error.fault : oneLine((error as Error).message)
}
