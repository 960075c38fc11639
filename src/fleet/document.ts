import type { KeyObject } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { FileError } from '../file/file-error.ts'
import { SECRET } from '../file/policy.ts'
import { readPrivateText } from '../file/private-file.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import { TokenBucket } from '../limit/token-bucket.ts'
import type { Log } from '../log/log.ts'
import { realDisk } from '../state/disk.ts'
import type { Disk } from '../state/disk.ts'
import { replaceDurably } from '../state/replace.ts'
import type { LeastVersion } from './least-versions.ts'
import { SIGNED_MAX_CHARS, openSigned, readSigned } from './signed.ts'

/** Milliseconds until a document is stored again that could not be, as on a full disk. */
export const STORE_AGAIN_MS = 5_000

/** Texts whose signatures are checked, a second, and at once: 1 MiB takes some 5 ms. */
const CHECKED_PER_SECOND = 10
const CHECKED_AT_ONCE = 50
/** Milliseconds until a text is checked for which there was no check left. */
const LATE_MS = 200

/** The state of a document, for the status. */
export interface DocumentStatus {
  /** The version in force; `undefined`: none. */
  readonly version: number | undefined
  /** The operator who signed it. */
  readonly by: string | undefined
  /** The reason why a newer text is not in force; `undefined`: no text was refused. */
  readonly refused: string | undefined
}

/** The functions and values that a signed document needs from its caller. */
export interface DocumentDeps<T> {
  /** Its name for messages: `the hosts of the fleet`. */
  readonly what: string
  /** Its key in etcd, which its signature covers. */
  readonly place: string
  /** The file with the last good text. Nobody else can write its folder. */
  readonly path: string
  readonly keyOf: (operator: string) => KeyObject | undefined
  /** The lowest version that is taken, wherever it comes from. */
  readonly least: LeastVersion
  /** Reads the content; `undefined`: it is something else. */
  readonly read: (body: unknown) => T | undefined
  /**
   * Checks a document, and prepares all that it needs. Nothing changes yet.
   *
   * @returns puts it in force; called once the document is on disk, so it has to work
   * @throws Error (as a rejection) if the document cannot be put in force; the previous one then stays
   */
  readonly prepare: (next: T, before: T | undefined) => Promise<() => void>
  /**
   * Called at the start with the last good document. A crash may have come before it was in force.
   *
   * @throws Error if it cannot be in force; the same text from etcd then repairs it
   */
  readonly restored: (document: T) => void
  readonly log: Pick<Log, 'notice'>
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
  readonly disk?: Disk
}

interface Kept<T> {
  readonly by: string
  readonly document: T
}

/**
 * A document that operators sign, and that all hosts keep. The last good one is on disk, and in force without etcd. A text
 * with an older version, or with another content under the same version, is refused.
 */
export class SignedDocument<T extends { readonly version: number }> {
  readonly #deps: DocumentDeps<T>
  readonly #throttle = new LogThrottle()
  readonly #checks = new TokenBucket(CHECKED_PER_SECOND, CHECKED_AT_ONCE)
  #kept: Kept<T> | undefined
  #text = ''
  /** False if what the document in force needs is damaged. */
  #isWhole = true
  #refused: string | undefined
  /** The newest text that waits for the one before it. */
  #waiting: string | undefined
  #working: Promise<void> | undefined
  #again: NodeJS.Timeout | undefined
  /** The timer of the newest text that is not checked yet. */
  #late: { readonly timer: NodeJS.Timeout } | undefined
  #newest = ''
  #fault: unknown

  constructor(deps: DocumentDeps<T>) {
    this.#deps = deps
  }

  /** The document in force; `undefined`: none. */
  get present(): T | undefined {
    return this.#kept?.document
  }

  get status(): DocumentStatus {
    return { version: this.#kept?.document.version, by: this.#kept?.by, refused: this.#refused }
  }

  /**
   * Reads the last good text from disk. It was checked when it came, so its operator may have left since.
   *
   * @returns false if it is older than one that this host had: somebody restored a copy
   */
  load(): boolean {
    const { path, read, log, what, restored, least } = this.#deps
    let isNewest = true
    try {
      const text = readPrivateText(path, SIGNED_MAX_CHARS, SECRET)
      const { by, body } = readSigned(text)
      const document = read(body)
      if (document === undefined) throw new Error('its content cannot be read')
      isNewest = document.version >= least.version
      if (!isNewest) throw new Error(olderText(document.version, least.version))
      least.raise(document.version)
      this.#kept = { by, document }
      this.#text = text
      this.#isWhole = false
      restored(document)
      this.#isWhole = true
    } catch (error) {
      if (this.#kept === undefined && error instanceof FileError && error.reason === 'missing') return true
      log.notice('error', `${path}: ${what}: ${(error as Error).message}\nthe text in etcd replaces it`)
    }
    return isNewest
  }

  /** The operator who signed what is in force, if the signature would not count any more; `undefined`: it would. */
  get leftOperator(): string | undefined {
    const by = this.#kept?.by
    return by === undefined || this.#deps.keyOf(by) !== undefined ? undefined : by
  }

  /** The error of the newest text that an operator signed, if it is not in force. */
  get fault(): unknown {
    return this.#fault
  }

  /** The newest text that an operator signed; empty: none came since the start. */
  get newest(): string {
    return this.#newest
  }

  /**
   * Takes a text from etcd. Of those that operators signed, and that wait, only the newest is looked at. Anyone's texts take
   * nobody's turn. Never rejects.
   *
   * @returns false if no operator signed it
   */
  async offer(text: string): Promise<boolean> {
    if (text === this.#text && this.#isWhole) {
      this.#refused = undefined
      return true
    }
    if (!this.#isSigned(text)) return false
    await this.#enqueue(text)
    return true
  }

  /** Tries the newest text again, if there is one. Never rejects. */
  async again(): Promise<boolean> {
    if (this.#newest === '') return false
    await this.#enqueue(this.#newest)
    return true
  }

  /** Ends the wait for a disk, and for the budget of checks. */
  close(): void {
    clearTimeout(this.#again)
    clearTimeout(this.#late?.timer)
  }

  /** Refuses a text that no operator signed, and has one wait for which there is no check left. */
  #isSigned(text: string): boolean {
    const { place, keyOf, steady } = this.#deps
    clearTimeout(this.#late?.timer)
    this.#late = undefined
    if (!this.#checks.take(steady())) {
      this.#late = { timer: setTimeout(() => void this.offer(text), LATE_MS).unref() }
      return false
    }
    try {
      openSigned(place, text, keyOf)
      return true
    } catch (error) {
      this.#refuse((error as Error).message)
      return false
    }
  }

  async #enqueue(text: string): Promise<void> {
    clearTimeout(this.#again)
    this.#newest = text
    this.#waiting = text
    this.#working ??= this.#work().finally(() => (this.#working = undefined))
    await this.#working
  }

  async #work(): Promise<void> {
    while (this.#waiting !== undefined) {
      const text = this.#waiting
      this.#waiting = undefined
      this.#fault = undefined
      try {
        // oxlint-disable-next-line no-await-in-loop -- one after another
        await this.#take(text)
      } catch (error) {
        this.#fault = error
        this.#refuse((error as Error).message)
      }
    }
  }

  /** @throws SignatureError, or Error with the reason why it is refused */
  async #take(text: string): Promise<void> {
    const { place, keyOf, read, prepare, what, log, least } = this.#deps
    const { by, body } = openSigned(place, text, keyOf)
    const document = read(body)
    if (document === undefined) throw new Error('its content cannot be read')
    const before = this.#kept?.document
    if (before !== undefined && document.version < before.version) {
      throw new Error(`version ${document.version} is older than ${before.version}, which is in force`)
    }
    if (document.version < least.version) throw new Error(olderText(document.version, least.version))
    if (document.version === before?.version) {
      if (!isDeepStrictEqual(document, before)) throw new Error(`there is another version ${document.version} already`)
      if (this.#isWhole) {
        this.#refused = undefined
        return
      }
    }
    const putInForce = await prepare(document, before)
    // The operator may have been removed meanwhile: who writes to etcd decides how long it takes.
    openSigned(place, text, keyOf)
    try {
      await this.#store(text)
    } catch (error) {
      // etcd tells it once.
      this.#again = setTimeout(() => void this.#enqueue(text), STORE_AGAIN_MS).unref()
      throw error
    }
    least.raise(document.version)
    this.#kept = { by, document }
    this.#text = text
    this.#isWhole = true
    this.#refused = undefined
    putInForce()
    log.notice('notice', `${what}: version ${document.version}, signed by ${by}, is in force`)
  }

  #refuse(reason: string): void {
    const { what, log, steady } = this.#deps
    this.#refused = reason
    if (this.#throttle.due(`${what} ${reason}`, steady())) {
      log.notice('error', `${what}: a text in etcd is refused: ${reason}\nthe previous version stays in force`)
    }
  }

  /** @throws the system's error; the previous text then stays */
  async #store(text: string): Promise<void> {
    const { path, disk = realDisk } = this.#deps
    await replaceDurably(disk, path, text)
  }
}

function olderText(version: number, least: number): string {
  return `version ${version} is older than ${least}, which this host had, or with which it joined`
}
