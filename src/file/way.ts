import { lstatSync, readlinkSync } from 'node:fs'
import type { Stats } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileErrorOf } from './file-error.ts'
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
    let stat = lstatSync('/')
    for (let name = this.#ahead.shift(); name !== undefined; name = this.#ahead.shift()) {
      this.#note(judgeFolder(this.#at, stat))
      const here = join(this.#at, name)
      stat = lstatSync(here)
      if (stat.isSymbolicLink()) stat = this.#follow(here, stat)
      else this.#at = here
    }
    return { real: this.#at, stat, faults: this.#faults, names: [...this.#names, this.#at] }
  }

  /** Goes on at the target of a link. Returns the properties of the folder where the target begins. */
  #follow(link: string, stat: Stats): Stats {
    if (++this.#links > LINKS_MAX) throw Object.assign(new Error('too many links'), { code: 'ELOOP' })
    this.#note(judgeLink(link, stat))
    this.#names.push(link)
    const target = readlinkSync(link)
    if (target.startsWith('/')) this.#at = '/'
    this.#ahead = [...partsOf(target), ...this.#ahead]
    return lstatSync(this.#at)
  }

  /** Adds a fault once, even if links lead through a folder repeatedly. */
  #note(fault: FileFault | undefined): void {
    if (fault !== undefined && !this.#faults.some(({ message }) => message === fault.message)) this.#faults.push(fault)
  }
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '' && part !== '.')
}
