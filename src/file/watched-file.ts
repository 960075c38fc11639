import { lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { walk } from './way.ts'
import { watch, watchFolder } from './watch.ts'
import type { Watch } from './watch.ts'

/** Milliseconds between two looks at a file beside the kernel's news of it: its folder may have been replaced. */
export const LOOK_EVERY_MS = 30_000

/** What a watched file needs of its surroundings. */
export interface WatchedDeps<T> {
  readonly path: string
  /** Reads the file. What it throws means that the last good state counts. */
  readonly read: () => T
  /** Called with each good state, a first one included. */
  readonly changed: (state: T) => void
  /** Called when the file could not be read. `kept`: whether there is a good state to go on with. */
  readonly failed: (error: Error, kept: boolean) => void
  /** Called when the kernel tells nothing of the file; it is still looked at every {@link LOOK_EVERY_MS}. */
  readonly unwatched: (error: Error) => void
  /** Files besides the path, there or not; asked after each reading. */
  readonly files?: () => readonly string[]
  /** Folders in which everything counts, besides the path; asked after each reading. */
  readonly folders?: () => readonly string[]
  /** False: the file is not to be read at the moment, and whoever says so reads it later. */
  readonly ready?: () => boolean
  /** A good state to begin with, of the same file. */
  readonly before?: T | undefined
}

/**
 * A file that is read again when it changes. Where it cannot be read, the last good state counts: nobody is shut out by a
 * slip in an editor, and nobody comes back in who was taken out before. Behind symbolic links every link is watched.
 */
export class WatchedFile<T> {
  readonly #deps: WatchedDeps<T>
  readonly #timer: NodeJS.Timeout
  #watches: Watch[] = []
  #watched = ''
  #seen = ''
  #state: T | undefined
  #saidUnwatched = false
  #closed = false

  /** Reads nothing yet: {@link refresh} does. */
  constructor(deps: WatchedDeps<T>) {
    this.#deps = deps
    this.#state = deps.before
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS).unref()
  }

  /** The last good state; `undefined`: there never was one. */
  get state(): T | undefined {
    return this.#state
  }

  /** Reads the file again. */
  refresh(): void {
    const { read, changed, failed } = this.#deps
    if (this.#closed) return
    // Before it is read: a change during the reading must not go unnoticed.
    const [names, listed] = [this.#names(), this.#listed()]
    this.#watch(names)
    // Files that turn out to count only now have no part in it: they are read once more at the next look.
    this.#seen = this.#fingerprint(names)
    let state: T
    try {
      state = read()
    } catch (error) {
      if (this.#listed() !== listed) this.#watch(this.#names())
      failed(error as Error, this.#state !== undefined)
      return
    }
    this.#state = state
    if (this.#listed() !== listed) this.#watch(this.#names())
    changed(state)
  }

  /** Watches no more. */
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
    const { unwatched } = this.#deps
    const folders = this.#deps.folders?.() ?? []
    const names = everything.filter((name) => !folders.includes(dirname(name)))
    const all = [...names, '', ...folders].join('\n')
    if (all === this.#watched) return
    this.#unwatch()
    const ended = (error: Error): void => {
      this.#watched = ''
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

  /** What stat(2) says of all of them: another text after a change. */
  #fingerprint(names: readonly string[]): string {
    return [...names, ...(this.#deps.folders?.() ?? [])].map(statText).join('\n')
  }

  /** What counts besides the path. */
  #listed(): string {
    return [...(this.#deps.files?.() ?? []), '', ...(this.#deps.folders?.() ?? [])].join('\n')
  }

  /** Every path that leads to one of the files. */
  #names(): readonly string[] {
    const { path, files } = this.#deps
    return [...new Set([path, ...(files?.() ?? [])].flatMap(namesOf))]
  }
}

/** Every path that leads to a file, itself included. */
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
