import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileErrorOf } from './file-error.ts'
import { judgeFolder, judgeLink } from './policy.ts'
import type { FileFault, FileStat } from './policy.ts'
import { isPrivateGroup } from './private-group.ts'

/** Most symbolic links on a path: as many as Linux follows (path_resolution(7)). */
const LINKS_MAX = 40

/** The folders and symbolic links through which a path leads to its file. */
export interface Way {
  /** The path without symbolic links. */
  readonly real: string
  /** The properties of the file at the end. */
  readonly stat: Links
  /** Faults that let others put another file in its place. */
  readonly faults: readonly FileFault[]
  /** All paths that lead to the file, the real one last. A change of any of them changes the file. */
  readonly names: readonly string[]
}

/** The properties by lstat(2) that are needed. */
export interface Links extends FileStat {
  readonly dev: number
  readonly ino: number
  isSymbolicLink(): boolean
}

/**
 * Follows a path as the kernel does, and checks each folder and symbolic link. Without faults, only trusted users can
 * change where the path leads. The result is then still valid a moment later.
 *
 * @throws FileError if the path leads nowhere
 */
export function walk(path: string): Way {
  try {
    return new Walk(path).run()
  } catch (error) {
    throw fileErrorOf(path, error)
  }
}

class Walk {
  readonly #faults: FileFault[] = []
  readonly #names: string[] = []
  #at = '/'
  #ahead: string[]
  #links = 0

  constructor(path: string) {
    this.#ahead = partsOf(resolve(path))
  }

  run(): Way {
    let stat: Links = lstatSync('/')
    for (let name = this.#ahead.shift(); name !== undefined; name = this.#ahead.shift()) {
      this.#note(judgeFolder(this.#at, stat, isPrivateGroup))
      if (name === '..') {
        this.#at = dirname(this.#at)
        stat = lstatSync(this.#at)
        continue
      }
      const here = join(this.#at, name)
      const found = lstatSync(here)
      if (found.isSymbolicLink()) this.#follow(here, found)
      else {
        this.#at = here
        stat = found
        continue
      }
      stat = lstatSync(this.#at)
    }
    return { real: this.#at, stat, faults: this.#faults, names: [...this.#names, this.#at] }
  }

  #follow(link: string, stat: Links): void {
    if (++this.#links > LINKS_MAX) throw Object.assign(new Error('too many links'), { code: 'ELOOP' })
    this.#note(judgeLink(link, stat))
    this.#names.push(link)
    const target = readlinkSync(link)
    if (target.startsWith('/')) this.#at = '/'
    this.#ahead = [...partsOf(target), ...this.#ahead]
  }

  /** Adds a fault once, even if links lead through a folder repeatedly. */
  #note(fault: FileFault | undefined): void {
    if (fault !== undefined && !this.#faults.some(({ message }) => message === fault.message)) this.#faults.push(fault)
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
