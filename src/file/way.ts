import { lstatSync, readlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileErrorOf } from './file-error.ts'
import { judgeFolder, judgeLink } from './policy.ts'
import type { FileFault, FileStat } from './policy.ts'
import { isPrivateGroup } from './private-group.ts'

/** Most symbolic links on the way to a file: as many as Linux follows (path_resolution(7)). */
const LINKS_MAX = 40

/** The way to a file: every folder and symbolic link that a path leads through. */
export interface Way {
  /** The path without symbolic links. */
  readonly real: string
  /** What stands there. */
  readonly stat: Links
  /** What lets others put another file there. */
  readonly faults: readonly FileFault[]
  /** Paths that lead there, the real one last: a change of any of them is a change of the file. */
  readonly names: readonly string[]
}

/** What lstat(2) says, as far as it is asked. */
export interface Links extends FileStat {
  readonly dev: number
  readonly ino: number
  isSymbolicLink(): boolean
}

/**
 * Walks to a file as the kernel does, and looks at each folder and symbolic link. Where nothing is at fault, nobody but
 * trusted users can change where the path leads, so that what is seen here still counts a moment later.
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

  /** A folder is passed more than once where links lead back: it is told once. */
  #note(fault: FileFault | undefined): void {
    if (fault !== undefined && !this.#faults.some(({ message }) => message === fault.message)) this.#faults.push(fault)
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
