import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import type { Door } from '../../config/config.ts'
import type { Log } from '../../log/log.ts'
import { realDisk } from '../../state/disk.ts'
import type { Disk } from '../../state/disk.ts'
import { SignedDocument } from '../document.ts'
import type { DocumentStatus } from '../document.ts'
import type { Keyspace } from '../keyspace.ts'
import type { LeastVersion } from '../least-versions.ts'
import type { Change, NewsListener, Record } from '../news.ts'
import { withMarksOf } from './carried-marks.ts'
import { UsersFilesError, checkFiles } from './check-files.ts'
import { differenceLines, differencesOf } from './difference.ts'
import { fetchFiles } from './fetch.ts'
import type { PartSource } from './fetch.ts'
import { KnownFiles, doorsOfFleet } from './known-files.ts'
import { bytesOf, partsIn } from './parts.ts'
import { PartSeal } from './sealed-part.ts'
import { readUsersDocument } from './users-document.ts'
import type { UsersDocument, UsersFiles } from './users-document.ts'
import { UsersFolder, realFolderDisk } from './users-folder.ts'
import type { FolderDisk } from './users-folder.ts'

/** The file with the last good document, in the folder of what a host keeps of the fleet. */
export const USERS_SIGNED = 'users.signed'
/** Milliseconds until a version is tried again that could not be fetched or written: at first, and at most. */
export const RETRY_FIRST_MS = 1_000
export const RETRY_MAX_MS = 60_000

const WHAT = 'the users of the fleet'

/** A version could not be had or written. That may pass. */
class PassingFault extends Error {}

/** The dependencies of the fleet's users. */
export interface FleetUsersDeps {
  readonly keyspace: Keyspace
  readonly fleetKey: Uint8Array
  /** The folder of what this host keeps of the fleet. It exists, and nobody else can write it. */
  readonly stateFolder: string
  /** Returns the key of an operator who may sign now. */
  readonly keyOf: (operator: string) => KeyObject | undefined
  /** The lowest version that is taken. */
  readonly least: LeastVersion
  readonly etcd: PartSource
  /** Returns the doors in force. */
  readonly doors: () => readonly Door[]
  /** Has every door read its files again that are in a folder, before it returns. Never throws. */
  readonly refresh: (folder: string) => void
  /** Called when a version was put in force, or refused. */
  readonly tried?: () => void
  readonly log: Pick<Log, 'notice'>
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
  readonly disk?: FolderDisk & Disk
}

/**
 * The users of the fleet on this host: fetched when an operator has pushed them, checked by the doors' own readers, and put
 * in force all at once. Listens to the key of their document in etcd.
 */
export class FleetUsers implements NewsListener {
  readonly #deps: FleetUsersDeps
  readonly #document: SignedDocument<UsersDocument>
  readonly #folder: UsersFolder
  readonly #seal: PartSeal
  /** The text that was tried last. */
  #tried = ''
  #isClosed = false
  #waitMs = RETRY_FIRST_MS
  #timer: NodeJS.Timeout | undefined
  #tidying: Promise<void> = Promise.resolve()

  constructor(deps: FleetUsersDeps) {
    this.#deps = deps
    const {
      stateFolder,
      keyspace,
      fleetKey,
      keyOf,
      least,
      log,
      steady,
      disk = { ...realDisk, ...realFolderDisk },
    } = deps
    this.#folder = new UsersFolder(stateFolder, disk)
    this.#seal = new PartSeal(fleetKey, keyspace.fleet)
    this.#document = new SignedDocument({
      what: WHAT,
      place: keyspace.document('users'),
      path: join(stateFolder, USERS_SIGNED),
      keyOf,
      least,
      read: readUsersDocument,
      prepare: async (next, before) => await this.#prepare(next, before),
      restored: (document) => this.#restore(document),
      log,
      steady,
      disk,
    })
  }

  get leftOperator(): string | undefined {
    return this.#document.leftOperator
  }

  get status(): DocumentStatus {
    return this.#document.status
  }

  /** Puts the last good version in force. Call it before doors read their files. */
  load(): void {
    const { log } = this.#deps
    if (!this.#document.load()) {
      // Users that were removed since would be back.
      this.#folder.takeOut()
      log.notice('error', `${WHAT}: doors have none until newer ones come from etcd`)
    } else if (this.#document.present === undefined)
      log.notice('notice', `${WHAT}: there are none yet: \`postern fleet push\` puts them into etcd`)
  }

  listed(records: readonly Record[]): void {
    for (const { value } of records) this.#offer(value)
  }

  changed(changes: readonly Change[]): void {
    for (const { type, kv } of changes) if (type === 'put') this.#offer(kv.value)
    const { version } = this.status
    if (changes.at(-1)?.type === 'delete' && version !== undefined) {
      this.#deps.log.notice('warning', `${WHAT}: they were deleted from etcd\nversion ${version} stays in force`)
    }
  }

  /** Tries the newest version again, if it is not in force. Call it after doors have changed. */
  recheck(): void {
    if (this.status.refused !== undefined) this.#again()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#document.close()
  }

  #offer(text: string): void {
    void this.#after(this.#document.offer(text))
  }

  #again(): void {
    void this.#after(this.#document.again())
  }

  async #after(trying: Promise<boolean>): Promise<void> {
    if (await trying) this.#planAgain()
    this.#deps.tried?.()
  }

  /** Plans the next try of a version that could not be had or written. That may pass. */
  #planAgain(): void {
    const { fault, newest } = this.#document
    clearTimeout(this.#timer)
    if (newest !== this.#tried) this.#waitMs = RETRY_FIRST_MS
    this.#tried = newest
    if (this.#isClosed || !(fault instanceof PassingFault)) return
    this.#timer = setTimeout(() => this.#again(), this.#waitMs).unref()
    this.#waitMs = Math.min(2 * this.#waitMs, RETRY_MAX_MS)
  }

  /** @throws UsersFilesError, or PassingFault */
  async #prepare(next: UsersDocument, before: UsersDocument | undefined): Promise<() => void> {
    try {
      await this.#tidying
      const present = before === undefined ? new Map<string, Buffer>() : await this.#present(before)
      const known = new Map(
        before?.files.flatMap((file) => {
          const content = present.get(file.name)
          return content === undefined ? [] : [...partsIn(file, content, this.#seal)]
        }),
      )
      const fetched = await fetchFiles(next, known, { ...this.#deps, seal: this.#seal })
      const nameOf = (path: string): string | undefined => this.#folder.nameOf(path)
      const doors = doorsOfFleet(this.#deps.doors(), nameOf)
      const old = new KnownFiles(present, nameOf, doors)
      const fresh = new KnownFiles(withMarks(fetched, old), nameOf, doors)
      await checkFiles(fresh, doors, old.units)
      const lines = differenceLines(differencesOf(old, fresh))
      const name = await this.#folder.write(next.version, fresh.files, present)
      return () => this.#putInForce(name, lines)
    } catch (error) {
      if (error instanceof UsersFilesError) throw error
      throw new PassingFault((error as Error).message, { cause: error })
    }
  }

  async #present(before: UsersDocument): Promise<UsersFiles> {
    const { inForce } = this.#folder
    return inForce === undefined ? new Map() : await this.#folder.read(inForce, before)
  }

  #putInForce(name: string, lines: readonly string[]): void {
    const { log, refresh } = this.#deps
    const before = this.#folder.inForce
    try {
      this.#folder.putInForce(name)
    } catch (error) {
      // The document is stored, so the next start puts its files in force, too.
      log.notice(
        'error',
        `${WHAT}: ${(error as Error).message}\nrestart knockd: the previous version is in force until then`,
      )
      return
    }
    for (const line of lines) log.notice('notice', `${WHAT}: ${line}`)
    refresh(this.#folder.path)
    this.#tidying = this.#folder.keepOnly([name, before]).catch((error: unknown) => {
      log.notice('warning', `${WHAT}: cannot remove older versions: ${(error as Error).message}`)
    })
  }

  /** @throws Error if no folder has all files */
  #restore(document: UsersDocument): void {
    const { inForce } = this.#folder
    const folders = this.#folder.foldersOf(document.version)
    if (inForce !== undefined && folders.includes(inForce) && this.#isWhole(inForce, document)) return
    const whole = folders.find((folder) => this.#isWhole(folder, document))
    if (whole === undefined) throw new Error(`files below ${this.#folder.path} are damaged or missing`)
    this.#folder.putInForce(whole)
  }

  /** Returns true if a folder has all files as signed. Lists have the marks of this host. */
  #isWhole(folder: string, { files }: UsersDocument): boolean {
    const nameOf = (path: string): string | undefined => this.#folder.nameOf(path)
    const kinds = new KnownFiles(new Map(), nameOf, doorsOfFleet(this.#deps.doors(), nameOf))
    return files.every((file) => {
      const content = this.#folder.readFile(folder, file)
      if (content?.length !== bytesOf(file)) return false
      return kinds.kindOf(file.name) === 'list' || [...partsIn(file, content, this.#seal)].length === file.parts.length
    })
  }
}

/** Returns files with the marks of used lines that the lists in force have. */
function withMarks(files: UsersFiles, present: KnownFiles): UsersFiles {
  return new Map(
    Array.from(files, ([name, content]) => {
      const old = present.kindOf(name) === 'list' ? present.files.get(name) : undefined
      return [name, old === undefined ? content : withMarksOf(content, old)]
    }),
  )
}
