import type { Door } from '../../config/config.ts'
import { secretPath } from '../../config/secret.ts'
import type { Fault } from '../../text/fault.ts'
import { USERS_KINDS, kindOfName, kindOfSecret, unitsOf } from './kinds.ts'
import type { UsersKind, UsersReading, UsersSet } from './kinds.ts'
import type { UsersFiles } from './users-document.ts'

/** A door, and the file of the fleet that it names. */
export interface DoorOfFleet {
  readonly door: Door
  /** The name of the file or folder. */
  readonly unit: string
  readonly kind: UsersKind
}

/** Returns the doors whose files are among the fleet's. */
export function doorsOfFleet(doors: readonly Door[], nameOf: UsersSet['nameOf']): readonly DoorOfFleet[] {
  return doors.flatMap((door): readonly DoorOfFleet[] => {
    const path = secretPath(door.secret)
    const unit = path === undefined ? undefined : nameOf(path)
    const kind = kindOfSecret(door.secret)
    return unit === undefined || kind === undefined ? [] : [{ door, unit, kind }]
  })
}

/** Files with the kinds that a host's doors give them, or else the ends of their names. Each is read once. */
export class KnownFiles implements UsersSet {
  readonly files: UsersFiles
  readonly nameOf: UsersSet['nameOf']
  readonly #kinds: ReadonlyMap<string, UsersKind>
  readonly #readings = new Map<string, UsersReading>()

  constructor(files: UsersFiles, nameOf: UsersSet['nameOf'], doors: readonly DoorOfFleet[] = []) {
    this.files = files
    this.nameOf = nameOf
    this.#kinds = new Map(doors.map(({ unit, kind }) => [unit, kind]))
  }

  /** The names of files and folders. */
  get units(): readonly string[] {
    return unitsOf(this.files.keys())
  }

  kindOf(unit: string): UsersKind | undefined {
    return this.#kinds.get(unit) ?? kindOfName(unit)
  }

  /** Reads a file or folder by the daemon's own reader. One that is missing, or of an unknown kind, has no entries. */
  readingOf(unit: string): UsersReading {
    const known = this.#readings.get(unit)
    if (known !== undefined) return known
    const reading = this.#read(unit)
    this.#readings.set(unit, reading)
    return reading
  }

  #read(unit: string): UsersReading {
    const kind = this.kindOf(unit)
    const paths = [...this.files.keys()].filter((path) => path === unit || path.startsWith(`${unit}/`))
    if (kind === undefined || paths.length === 0) return { entries: [], faults: [] }
    const { directive, maxBytes, read } = USERS_KINDS[kind]
    const refused = (message: string, hint: string, file = unit): Fault => {
      return { severity: 'error', file, line: 1, column: 1, message, hint }
    }
    const isFolder = !this.files.has(unit)
    if (isFolder !== (kind === 'knockknock')) {
      const [is, named] = isFolder ? ['folder', 'file'] : ['file', 'folder']
      return { entries: [], faults: [refused(`this is a ${is}`, `${directive} names a ${named}`)] }
    }
    const large = paths.filter((path) => this.files.get(path)!.length > maxBytes)
    if (large.length > 0) {
      return {
        entries: [],
        faults: large.map((path) => refused('the file is too large', `at most ${maxBytes} bytes`, path)),
      }
    }
    const { entries, faults } = read(unit, this)
    return { entries, faults: faults.map((fault) => inFile(fault, unit)) }
  }
}

/** Returns a fault with the file in which it is, unless it names one. */
function inFile(fault: Fault, file: string): Fault {
  return fault.file === undefined ? { ...fault, file } : fault
}
