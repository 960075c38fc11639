import { quote } from '../../config/fault.ts'
import type { Value } from './settings.ts'

/** How deep files may include each other, the access.conf not counted; fwknopd 2.6.10 takes one. */
export const INCLUDE_DEPTH_MAX = 3
/** Most files that an access.conf may include, files of keys among them. */
export const INCLUDED_FILES_MAX = 1_024
/** Longest that they may be together, in UTF-16 units. */
export const INCLUDED_MAX_CHARS = 4 * 1_048_576
/** Longest path, with its closing NUL (PATH_MAX of Linux). */
const PATH_MAX_CHARS = 4_096

/** How included files are read. A fault is about the path, in words that can follow it. */
export interface AccessSource {
  /** The access.conf itself, as an absolute path. */
  readonly path: string
  /** A path as absolute: fwknopd takes a relative one from the folder that it runs in. */
  readonly resolve: (path: string) => string
  readonly text: (path: string) => Value<string>
  /** Names in a folder. */
  readonly names: (folder: string) => Value<readonly string[]>
}

/** A file that is included: its absolute path and its text. */
export interface Included {
  readonly path: string
  readonly text: string
}

/** The files that one access.conf includes, within bounds: each is given once, but for files of keys. */
export class Includes {
  readonly #source: AccessSource
  readonly #stanzas = new Set<string>()
  #files = 0
  #chars = 0

  constructor(source: AccessSource) {
    this.#source = source
  }

  /** The whole path that a directive names. */
  path(text: string): Value<string> {
    if (/^[^\p{C}]+$/u.test(text) && text.length < PATH_MAX_CHARS) return { value: this.#source.resolve(text) }
    return { fault: `${quote(text)} is not a path`, hint: 'as in `/etc/fwknop/users/alice.conf`' }
  }

  /** The paths of a folder's `*.conf`, by name; a lock that an editor leaves there, `.#alice.conf`, is not one. */
  folder(path: string): Value<readonly string[]> {
    const read = this.#source.names(path)
    if ('fault' in read) return read
    const names = read.value.filter((name) => name.endsWith('.conf') && !name.startsWith('.#')).sort()
    return { value: names.map((name) => `${path.replace(/\/+$/, '')}/${name}`) }
  }

  /**
   * A file with stanzas. `chain`: the files that lead to it, by absolute path; `undefined`: it was read before.
   */
  stanzas(path: string, chain: readonly string[]): Value<Included | undefined> {
    if (chain.includes(path)) {
      return { fault: 'includes itself', hint: `by way of ${[...chain, path].join(', ')}` }
    }
    if (chain.length > INCLUDE_DEPTH_MAX) {
      return { fault: 'is included too deep', hint: `at most ${INCLUDE_DEPTH_MAX} files deep` }
    }
    if (this.#stanzas.has(path)) return { value: undefined }
    this.#stanzas.add(path)
    return this.keys(path)
  }

  /** A file with keys. */
  keys(path: string): Value<Included> {
    this.#files += 1
    if (this.#files > INCLUDED_FILES_MAX) {
      return { fault: 'is one file too many', hint: `at most ${INCLUDED_FILES_MAX} are included` }
    }
    const read = this.#source.text(path)
    if ('fault' in read) return read
    this.#chars += read.value.length
    if (this.#chars > INCLUDED_MAX_CHARS) {
      return { fault: 'makes the included files too large', hint: `at most ${INCLUDED_MAX_CHARS} characters together` }
    }
    return { value: { path, text: read.value } }
  }
}
