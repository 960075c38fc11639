import { lstatSync, mkdirSync, readdirSync, readlinkSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { SECRET } from '../../file/policy.ts'
import { readPrivateFile } from '../../file/private-file.ts'
import { realDisk } from '../../state/disk.ts'
import type { Disk } from '../../state/disk.ts'
import { bytesOf } from './parts.ts'
import { foldersOf } from './users-document.ts'
import type { UsersDocument, UsersFile, UsersFiles } from './users-document.ts'

/** The link to the folder of the version in force, which doors name. */
export const USERS_LINK = 'users.d'
/** The folder of a version. A number follows if there was an earlier attempt. */
const VERSION_FOLDER = /^users-([0-9]+)(?:\.[0-9]+)?$/
/** Files that are written at once. */
const AT_ONCE = 8
/** Only the daemon's user may enter. */
const FOLDER_MODE = 0o700

/** The file system functions that the folder needs. Folders and links are changed at once, so that nothing is read between. */
export interface FolderDisk extends Pick<Disk, 'create' | 'link' | 'syncFolder'> {
  mkdir(path: string): void
  /** Makes a symbolic link. */
  symlink(target: string, path: string): void
  /** Renames a file or link, at once. */
  replace(path: string, name: string): void
  /** Removes a file, a link, or a folder with everything in it. A missing one is no error. */
  remove(path: string): Promise<void>
}

export const realFolderDisk: FolderDisk = {
  ...realDisk,
  mkdir: (path) => mkdirSync(path, { mode: FOLDER_MODE }),
  symlink: symlinkSync,
  replace: renameSync,
  remove: async (path) => await rm(path, { recursive: true, force: true }),
}

/**
 * The versions of the fleet's users on disk, a folder each. The link `users.d` leads to the one in force: a rename puts
 * all files in force at once.
 */
export class UsersFolder {
  /** The path of the link. */
  readonly path: string
  readonly #state: string
  readonly #disk: FolderDisk

  /** @param state the folder of what a host keeps of the fleet. Nobody else can write it */
  constructor(state: string, disk: FolderDisk = realFolderDisk) {
    this.#state = state
    this.#disk = disk
    this.path = join(state, USERS_LINK)
  }

  /** Returns the name below `users.d` of a path; `undefined`: it is elsewhere; empty: `users.d` itself. */
  nameOf(path: string): string | undefined {
    const name = relative(this.path, resolve(path))
    return name === '..' || name.startsWith('../') || name.startsWith('/') ? undefined : name
  }

  /** The folder in force; `undefined`: no version is. */
  get inForce(): string | undefined {
    try {
      return readlinkSync(this.path)
    } catch {
      return undefined
    }
  }

  /**
   * Writes the files of a version durably. Nothing is in force yet. Files of the version in force that are the same get a
   * second name: with a thousand of them, writing and syncing each would take seconds.
   *
   * @param present the files in force, as they are on disk
   * @returns the name of their folder
   * @throws the system's error, or Error if something else has the name of the link; nothing is left behind
   */
  async write(version: number, files: UsersFiles, present: UsersFiles): Promise<string> {
    const there = lstatSync(this.path, { throwIfNoEntry: false })
    if (there !== undefined && !there.isSymbolicLink()) {
      throw new Error(`${this.path} is not a link of knockd's\nmove it away: doors read the fleet's users there`)
    }
    const name = this.#freeName(version)
    const folder = join(this.#state, name)
    try {
      this.#disk.mkdir(folder)
      const folders = new Set([...files.keys()].flatMap(foldersOf))
      for (const each of folders) this.#disk.mkdir(join(folder, each))
      const left = [...files]
      const some = async (): Promise<void> => {
        for (let next = left.pop(); next !== undefined; next = left.pop()) {
          const [path, content] = next
          const same = present.get(path)?.equals(content) === true && (await this.#linkPresent(path, folder))
          if (!same) await this.#writeFile(join(folder, path), content)
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, some))
      for (const each of folders) await this.#disk.syncFolder(join(folder, each))
      await this.#disk.syncFolder(folder)
      await this.#disk.syncFolder(this.#state)
      return name
    } catch (error) {
      await this.#disk.remove(folder).catch(() => undefined)
      throw error
    }
  }

  /** Puts a folder in force, at once. @throws the system's error; the previous one then stays */
  putInForce(name: string): void {
    const fresh = `${this.path}.new`
    rmSync(fresh, { force: true })
    this.#disk.symlink(name, fresh)
    this.#disk.replace(fresh, this.path)
  }

  /** Takes the link away: no version is in force. @throws the system's error */
  takeOut(): void {
    rmSync(this.path, { force: true })
  }

  /** Makes the change of the link durable, and removes versions but for some. @throws the system's error */
  async keepOnly(names: readonly (string | undefined)[]): Promise<void> {
    // What is written from now on is another version's.
    const old = this.#versions().filter((each) => !names.includes(each))
    await this.#disk.syncFolder(this.#state)
    for (const each of old) await this.#disk.remove(join(this.#state, each))
  }

  /** Returns the folders of a version, the newest attempt first. */
  foldersOf(version: number): readonly string[] {
    return this.#versions()
      .filter((each) => Number(VERSION_FOLDER.exec(each)?.[1]) === version)
      .toReversed()
  }

  /** Reads the files of a document from a folder, as far as they are there and no longer than signed. */
  async read(folder: string, { files }: UsersDocument): Promise<UsersFiles> {
    const found = new Map<string, Buffer>()
    for (const file of files) {
      const content = this.readFile(folder, file)
      if (content !== undefined) found.set(file.name, content)
      await setImmediate()
    }
    return found
  }

  /** Reads a file of a folder. `undefined`: it is missing, or larger than signed, or others could have changed it. */
  readFile(folder: string, file: UsersFile): Buffer | undefined {
    try {
      return readPrivateFile(join(this.#state, folder, file.name), bytesOf(file), SECRET)
    } catch {
      return undefined
    }
  }

  /** Gives a file in force another name in a folder. Returns false if that is not possible. */
  async #linkPresent(path: string, folder: string): Promise<boolean> {
    try {
      await this.#disk.link(join(this.path, path), join(folder, path))
      return true
    } catch {
      return false
    }
  }

  async #writeFile(path: string, content: Buffer): Promise<void> {
    const file = await this.#disk.create(path)
    try {
      await file.write(content, 0)
      await file.sync()
    } finally {
      await file.close()
    }
  }

  #freeName(version: number): string {
    const used = new Set(this.#versions())
    const base = `users-${version}`
    if (!used.has(base)) return base
    for (let attempt = 2; ; attempt++) if (!used.has(`${base}.${attempt}`)) return `${base}.${attempt}`
  }

  #versions(): readonly string[] {
    const names = readdirSync(dirname(this.path)).filter((name) => VERSION_FOLDER.test(name))
    return names.toSorted((one, other) => one.length - other.length || (one < other ? -1 : 1))
  }
}
