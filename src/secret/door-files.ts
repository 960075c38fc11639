import type { Fault } from '../config/config.ts'
import { formatFault } from '../config/fault.ts'
import { WatchedFile } from '../file/watched-file.ts'
import type { WatchedDeps } from '../file/watched-file.ts'
import type { SecretStatus } from './authenticator.ts'
import type { AuthenticatorDeps } from './deps.ts'
import type { PacketDoor } from './packet-door.ts'

/** The most errors of a file that are logged. */
const FAULTS_SAID_MAX = 5

/** The result of reading the file of a door. */
export interface Reading<State> {
  readonly faults: readonly Fault[]
  /** Returns the state. Called if no fault is an error. */
  readonly state: () => State
  /** Returns what remains valid of a previous state. Called if a fault is an error. */
  readonly left: (before: State) => State
  /** Further files and folders to watch, existing or not. */
  readonly files?: readonly string[]
  readonly folders?: readonly string[]
}

/** The properties of the files of one kind of doors. */
export interface DoorFileDeps<State> {
  /** The content of such a file, in the plural, for the log. */
  readonly content: 'users' | 'profiles' | 'keys'
  /** Reads the file of a door. If it throws, the last good state stays. */
  readonly read: (door: PacketDoor, before: State | undefined) => Reading<State>
  /** Called with each good state, and with the one before it. */
  readonly changed: (door: PacketDoor, state: State, before: State | undefined) => void
  /** Returns the number of users, profiles or keys. */
  readonly count: (state: State) => number
  /** Returns the folders to watch from the beginning. */
  readonly folders?: (path: string) => readonly string[]
  readonly say: AuthenticatorDeps['say']
}

/** A door, and the watched file or folder that names who may open it. */
export interface DoorFile<State> {
  readonly door: PacketDoor
  /** The last good state; `undefined`: there never was one. */
  readonly state: State | undefined
}

/** The doors of one kind with their files. A file with an error adds nobody, but those who are removed lose access. */
export class DoorFiles<State> {
  readonly #deps: DoorFileDeps<State>
  #all: readonly OpenFile<State>[] = []

  constructor(deps: DoorFileDeps<State>) {
    this.#deps = deps
  }

  /** The number of doors. */
  get size(): number {
    return this.#all.length
  }

  /** Puts doors in force, and reads their files. A file that was known keeps its last good state. */
  replace(doors: readonly PacketDoor[]): void {
    const before = this.#all
    this.close()
    this.#all = doors.map((door) => {
      const { path, protocol } = door.secret
      const same = before.find(({ door: { secret } }) => secret.path === path && secret.protocol === protocol)
      return new OpenFile(door, this.#deps, same?.state)
    })
    for (const each of this.#all) each.refresh()
  }

  /** Returns the file of the door with this name. */
  find(name: string): DoorFile<State> | undefined {
    return this.#all.find(({ door }) => door.name === name)
  }

  [Symbol.iterator](): IterableIterator<DoorFile<State>> {
    return this.#all.values()
  }

  /** Returns the paths of all files and folders. */
  paths(): readonly string[] {
    return this.#all.flatMap((each) => each.paths)
  }

  /** Returns the state of a door's secret, which is empty if the door is of another kind. */
  status(name: string): SecretStatus {
    const file = this.find(name)
    if (file === undefined) return {}
    return { users: file.state === undefined ? 0 : this.#deps.count(file.state) }
  }

  /** Stops watching the files. */
  close(): void {
    for (const each of this.#all) each.close()
  }
}

class OpenFile<State> implements DoorFile<State> {
  readonly door: PacketDoor
  readonly #deps: DoorFileDeps<State>
  readonly #file: WatchedFile<State>
  /** Further files and folders, as of the last reading. */
  #files: readonly string[] = []
  #folders: readonly string[] = []

  constructor(door: PacketDoor, deps: DoorFileDeps<State>, before: State | undefined) {
    this.door = door
    this.#deps = deps
    let inForce = before
    const { content, say } = deps
    const { path } = door.secret
    this.#file = new WatchedFile<State>({
      ...watchedPath(path, say),
      before,
      read: () => this.#read(),
      changed: (state) => {
        deps.changed(door, state, inForce)
        inForce = state
      },
      failed: (error, kept) => {
        say('error', `${door.name}: ${kept ? `keeping the previous ${content}` : 'opens to nobody'}: ${error.message}`)
      },
      files: () => this.#files,
      folders: () => this.#watchedFolders,
    })
  }

  get state(): State | undefined {
    return this.#file.state
  }

  get paths(): readonly string[] {
    return [...new Set([this.door.secret.path, ...this.#files, ...this.#watchedFolders])]
  }

  refresh(): void {
    this.#file.refresh()
  }

  close(): void {
    this.#file.close()
  }

  get #watchedFolders(): readonly string[] {
    return this.#deps.folders?.(this.door.secret.path) ?? this.#folders
  }

  /** @throws FileError, or an Error with the faults if there is no previous state */
  #read(): State {
    const { door, state: before } = this
    const { read, say, content } = this.#deps
    const { faults, state, left, files = [], folders = [] } = read(door, before)
    this.#files = files
    this.#folders = folders
    const texts = faults.slice(0, FAULTS_SAID_MAX).map((fault) => formatFault(door.secret.path, fault))
    if (!faults.some(({ severity }) => severity === 'error')) {
      if (texts.length > 0) say('warning', texts.join('\n'))
      return state()
    }
    if (before === undefined) throw new Error(texts.join('\n'))
    say('error', [...texts, `${door.name}: keeping the previous ${content}`].join('\n'))
    return left(before)
  }
}

/** Returns the path of a watched file, with a warning for the case that the kernel cannot watch it. */
export function watchedPath(
  path: string,
  say: AuthenticatorDeps['say'],
): Pick<WatchedDeps<never>, 'path' | 'unwatched'> {
  return { path, unwatched: (error) => say('warning', `${path} is not watched: ${error.message}`) }
}

/** Returns the first time after `now`, in milliseconds since 1970, or `Infinity`. */
export function firstAfter(now: number, times: Iterable<number | undefined>): number {
  let first = Infinity
  for (const time of times) if (time !== undefined && time > now && time < first) first = time
  return first
}
