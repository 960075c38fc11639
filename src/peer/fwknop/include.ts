import type { Read } from '../../text/read.ts'
import { quote } from '../../text/fault.ts'

/** The maximum depth of nested includes below the access.conf. fwknopd 2.6.10 accepts one level. */
export const INCLUDE_DEPTH_MAX = 3
/** The maximum number of files that an access.conf includes, files of keys among them. */
export const INCLUDED_FILES_MAX = 1_024
/** The maximum size of all included files together, in UTF-16 units. */
export const INCLUDED_MAX_CHARS = 4 * 1_048_576
/** The maximum length of a path, with its final NUL (PATH_MAX of Linux). */
const PATH_MAX_CHARS = 4_096

/** The access to included files. A fault is a phrase that follows the path. */
export interface AccessSource {
  /** The absolute path of the access.conf. */
  readonly path: string
  /** Makes a path absolute. fwknopd starts relative paths at its working folder. */
  readonly resolve: (path: string) => string
  readonly text: (path: string) => Read<string>
  /** Returns the names in a folder. */
  readonly names: (folder: string) => Read<readonly string[]>
}

/** An included file: its absolute path and its text. */
export interface Included {
  readonly path: string
  readonly text: string
}

/** The files that one access.conf includes, within bounds. Each file is returned once, except files of keys. */
export class Includes {
  readonly #source: AccessSource
  readonly #stanzas = new Set<string>()
  #files = 0
  #chars = 0

  constructor(source: AccessSource) {
    this.#source = source
  }

  /** Returns the absolute path that a directive names. */
  path(text: string): Read<string> {
    if (/^[^\p{C}]+$/u.test(text) && text.length < PATH_MAX_CHARS) return { value: this.#source.resolve(text) }
    return { message: `${quote(text)} is not a path`, hint: 'as in `/etc/fwknop/users/alice.conf`' }
  }

  /**
   * Returns the paths of a folder's `*.conf` files, sorted by name. The lock file of an editor, `.#alice.conf`, is
   * skipped.
   */
  folder(path: string): Read<readonly string[]> {
    const read = this.#source.names(path)
    if ('message' in read) return read
    const names = read.value.filter((name) => name.endsWith('.conf') && !name.startsWith('.#')).sort()
    return { value: names.map((name) => `${path.replace(/\/+$/, '')}/${name}`) }
  }

  /**
   * Reads a file with stanzas, or returns `undefined` if it was read before.
   *
   * @param chain the absolute paths of the files that lead to it
   */
  stanzas(path: string, chain: readonly string[]): Read<Included | undefined> {
    if (chain.includes(path)) {
      return { message: 'includes itself', hint: `through ${[...chain, path].join(', ')}` }
    }
    if (chain.length > INCLUDE_DEPTH_MAX) {
      return { message: 'is nested too deeply', hint: `at most ${INCLUDE_DEPTH_MAX} files deep` }
    }
    if (this.#stanzas.has(path)) return { value: undefined }
    this.#stanzas.add(path)
    return this.keys(path)
  }

  /** Reads a file with keys. */
  keys(path: string): Read<Included> {
    this.#files += 1
    if (this.#files > INCLUDED_FILES_MAX) {
      return { message: 'is one file too many', hint: `at most ${INCLUDED_FILES_MAX} are included` }
    }
    const read = this.#source.text(path)
    if ('message' in read) return read
    this.#chars += read.value.length
    if (this.#chars > INCLUDED_MAX_CHARS) {
      return {
        message: 'makes the included files too large',
        hint: `at most ${INCLUDED_MAX_CHARS} characters together`,
      }
    }
    return { value: { path, text: read.value } }
  }
}
