import { lstatSync, readlinkSync } from 'node:fs'
import type { Stats } from 'node:fs'
import type { PlatformPath } from 'node:path'
import { fileErrorOf } from './file-error.ts'
import { HERE, hasOwners } from './platform.ts'
import type { Platform } from './platform.ts'
import { judgeFolder, judgeLink } from './policy.ts'
import type { FileFault } from './policy.ts'

/** Most symbolic links on a path: as many as Linux follows (path_resolution(7)). */
const LINKS_MAX = 40

/** The folders and symbolic links through which a path leads to its file. */
export interface Way {
  /** The path without symbolic links. */
  readonly real: string
  /** The properties of the file at the end. */
  readonly stat: Stats
  /** Faults that let others put another file in its place. */
  readonly faults: readonly FileFault[]
  /** All paths that lead to the file, the real one last. A change of any of them changes the file. */
  readonly names: readonly string[]
}

/** The functions of the file system that follow a path. */
export interface Links {
  readonly lstat: (path: string) => Stats
  readonly readlink: (path: string) => string
}

const LINKS: Links = { lstat: lstatSync, readlink: readlinkSync }

/**
 * Follows a path as the kernel does, and checks each folder and symbolic link. Without faults, only trusted users can
 * change where the path leads. The result is then still valid a moment later. On Windows nothing is checked.
 *
 * @throws FileError if the path leads nowhere
 */
export function walk(path: string, platform: Platform = HERE, links: Links = LINKS): Way {
  try {
    return new Walk(path, platform, links).run()
  } catch (error) {
    throw fileErrorOf(path, error)
  }
}

class Walk {
  readonly #faults: FileFault[] = []
  readonly #names: string[] = []
  readonly #path: PlatformPath
  readonly #isJudged: boolean
  readonly #files: Links
  #at: string
  #ahead: string[]
  #links = 0

  constructor(path: string, platform: Platform, files: Links) {
    this.#path = platform.path
    this.#isJudged = hasOwners(platform)
    this.#files = files
    const absolute = this.#path.resolve(path)
    this.#at = this.#path.parse(absolute).root
    this.#ahead = this.#partsOf(absolute)
  }

  run(): Way {
    let stat = this.#files.lstat(this.#at)
    for (let name = this.#ahead.shift(); name !== undefined; name = this.#ahead.shift()) {
      if (this.#isJudged) this.#note(judgeFolder(this.#at, stat))
      const here = this.#path.join(this.#at, name)
      stat = this.#files.lstat(here)
      if (stat.isSymbolicLink()) stat = this.#follow(here, stat)
      else this.#at = here
    }
    return { real: this.#at, stat, faults: this.#faults, names: [...this.#names, this.#at] }
  }

  /** Goes on at the target of a link. Returns the properties of the folder where the target begins. */
  #follow(link: string, stat: Stats): Stats {
    if (++this.#links > LINKS_MAX) throw Object.assign(new Error('too many links'), { code: 'ELOOP' })
    if (this.#isJudged) this.#note(judgeLink(link, stat))
    this.#names.push(link)
    const target = this.#files.readlink(link)
    if (this.#path.isAbsolute(target)) this.#at = this.#path.parse(target).root
    this.#ahead = [...this.#partsOf(target), ...this.#ahead]
    return this.#files.lstat(this.#at)
  }

  /** Adds a fault once, even if links lead through a folder repeatedly. */
  #note(fault: FileFault | undefined): void {
    if (fault !== undefined && !this.#faults.some(({ message }) => message === fault.message)) this.#faults.push(fault)
  }

  /** Returns the names on a path, without its root. */
  #partsOf(path: string): string[] {
    const names = path.slice(this.#path.parse(path).root.length)
    return names
      .replaceAll('/', this.#path.sep)
      .split(this.#path.sep)
      .filter((name) => name !== '' && name !== '.')
  }
}
