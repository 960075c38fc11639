import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { walk } from './way.ts'
import { watch, watchFolder } from './watch.ts'
import type { Watch } from './watch.ts'

/** Milliseconds between two checks of a file in addition to the kernel's watch, as its folder may be replaced. */
export const LOOK_EVERY_MS = 30_000

/** The functions and values that a watched file needs from its caller. */
export interface WatchedDeps<T> {
  readonly path: string
  /** Reads the file. If it throws, the last good state stays. */
  readonly read: () => T
  /** Called with each good state, including the first. */
  readonly changed: (state: T) => void
  /** Called when the file could not be read. `kept`: there is a good state that stays. */
  readonly failed: (error: Error, kept: boolean) => void
  /** Called if the kernel cannot watch the file. It is still checked every {@link LOOK_EVERY_MS}. */
  readonly unwatched: (error: Error) => void
  /** Further files to watch, existing or not. Called after each reading. */
  readonly files?: () => readonly string[]
  /** Further folders to watch, with all their files. Called after each reading. */
  readonly folders?: () => readonly string[]
  /** Returns false to postpone reading. The caller then reads the file later. */
  readonly ready?: () => boolean
  /** True if the file is read by {@link WatchedFile.refresh} alone, and not watched. */
  readonly isReadOnce?: boolean | undefined
  /** A good state of the same file to begin with. */
  readonly before?: T | undefined
}

/**
 * A file that is read again when it changes. If it cannot be read, the last good state stays. An editing mistake
 * therefore locks nobody out, and readmits nobody who was removed before. Every symbolic link on the path is watched.
 */
export class WatchedFile<T> {
  readonly #deps: WatchedDeps<T>
  readonly #timer: NodeJS.Timeout | undefined
  #watches: Watch[] = []
  #watched = ''
  #seen = ''
  #state: T | undefined
  #failure: Error | undefined
  #saidUnwatched = false
  #closed = false

  /** Creates the watch. Nothing is read before {@link refresh}. */
  constructor(deps: WatchedDeps<T>) {
    this.#deps = deps
    this.#state = deps.before
    if (deps.isReadOnce !== true) this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
  }

  /** The last good state; `undefined`: there never was one. */
  get state(): T | undefined {
    return this.#state
  }

  /** The reason why the present file is not the last good state; `undefined`: it is. */
  get failure(): Error | undefined {
    return this.#failure
  }

  /** Reads the file again. */
  refresh(): void {
    const { read, changed, failed } = this.#deps
    if (this.#closed) return
    // The watch starts before the reading, so that no change during the reading is missed.
    const [names, listed] = [this.#names(), this.#listed()]
    this.#watch(names)
    // Files that this reading adds are not included: they are read again at the next check.
    this.#seen = this.#fingerprint(names)
    let state: T
    try {
      state = read()
    } catch (error) {
      if (this.#listed() !== listed) this.#watch(this.#names())
      this.#failure = error as Error
      failed(this.#failure, this.#state !== undefined)
      return
    }
    this.#state = state
    this.#failure = undefined
    if (this.#listed() !== listed) this.#watch(this.#names())
    changed(state)
  }

  /** Stops watching. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#unwatch()
  }

  #noticed(): void {
    if (this.#closed || this.#deps.ready?.() === false) return
    this.refresh()
  }

  #look(): void {
    if (this.#fingerprint(this.#names()) !== this.#seen) this.#noticed()
  }

  #watch(everything: readonly string[]): void {
    const { unwatched, isReadOnce } = this.#deps
    if (isReadOnce === true) return
    const folders = this.#deps.folders?.() ?? []
    const names = everything.filter((name) => !folders.includes(dirname(name)))
    const all = [...names, '', ...folders].join('\n')
    if (all === this.#watched) return
    this.#unwatch()
    const ended = (error: Error): void => {
      this.#watched = ''
      // The reading says that it is missing, and it is looked for at intervals.
      if ('code' in error && error.code === 'ENOENT') return
      if (!this.#saidUnwatched) unwatched(error)
      this.#saidUnwatched = true
    }
    this.#watched = all
    const noticed = (): void => this.#noticed()
    for (const [names_, how] of [
      [names, watch],
      [folders, watchFolder],
    ] as const) {
      for (const name of names_) {
        try {
          this.#watches.push(how(name, noticed, ended))
        } catch (error) {
          ended(error as Error)
        }
      }
    }
    if (this.#watched !== '') this.#saidUnwatched = false
  }

  #unwatch(): void {
    for (const each of this.#watches) each.close()
    this.#watches = []
  }

  /** Returns the properties of all files by stat(2) as a text, which differs after a change. */
  #fingerprint(names: readonly string[]): string {
    return [...names, ...(this.#deps.folders?.() ?? [])].map(statText).join('\n')
  }

  /** Returns the watched files and folders other than the path. */
  #listed(): string {
    return [...(this.#deps.files?.() ?? []), '', ...(this.#deps.folders?.() ?? [])].join('\n')
  }

  /** Returns every path that leads to one of the files. */
  #names(): readonly string[] {
    const { path, files } = this.#deps
    return [...new Set([path, ...(files?.() ?? [])].flatMap(namesOf))]
  }
}

/** Returns every path that leads to a file, including the path itself. */
function namesOf(path: string): readonly string[] {
  try {
    return walk(path).names
  } catch {
    return [path]
  }
}

function statText(path: string): string {
  try {
    const { dev, ino, size, mode, uid, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true })
    return [path, dev, ino, size, mode, uid, mtimeNs, ctimeNs].join(' ')
  } catch (error) {
    return `${path} ${(error as NodeJS.ErrnoException).code}`
  }
}
