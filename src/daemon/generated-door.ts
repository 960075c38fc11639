import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PUBLISH_OVERLAP_DEFAULT_MS } from '../config/config.ts'
import type { Door, Knock, ListTerms } from '../config/config.ts'
import type { Gate } from '../gate/gate.ts'
import type { Secret } from '../gate/secret.ts'
import { fileNameOf } from '../publish/order.ts'
import { makeSequence } from '../publish/sequence.ts'
import { listText } from '../publish/text.ts'
import type { Held } from '../door/held.ts'
import type { LogEvent } from '../log/event.ts'
import type { HolderMarks } from '../state/holder-marks.ts'
import type { OneTimeLeft } from '../state/one-time.ts'
import { writeSequences } from '../state/sequence-file.ts'
import type { Store } from '../state/store.ts'
import { OneTimeDoor } from './one-time-door.ts'
import { Publishing } from './publishing.ts'
import type { HolderJudge, Verdict } from './verdict.ts'

/** The longest timer in milliseconds. */
const TIMER_MAX_MS = 3_600_000
/** Characters of the hash that distinguishes doors whose names give similar file names. */
const PRINT_CHARS = 8

/** The dependencies of a door whose list the daemon makes. */
export interface GeneratedDoorTerms {
  readonly door: Door
  readonly lowWater: number
  readonly list: ListTerms
  /** The folder of the lists. */
  readonly folder: string
  readonly gate: Gate
  readonly store: Store
  readonly event: (event: LogEvent) => void
  readonly say: (level: 'notice' | 'warning' | 'error', text: string) => void
  readonly changed: () => void
  readonly holdersChanged: () => void
  readonly marks: HolderMarks
  /** Ports with a listening socket. */
  readonly busy: () => ReadonlySet<number>
}

/**
 * A door with a list of one-time sequences that the daemon makes, refills and publishes. After a new list replaces it,
 * the previous list stays valid. It expires some time after the new list was published. So both lists open the door for
 * a while.
 */
export class GeneratedDoor implements HolderJudge {
  readonly #of: GeneratedDoorTerms
  readonly #path: string
  readonly #publishing: Publishing | undefined
  #now: OneTimeDoor | undefined
  #before: OneTimeDoor | undefined
  /**
   * The end of the previous list's validity, in milliseconds since 1970; `undefined` until the new list is published.
   */
  #until: number | undefined
  #timer: NodeJS.Timeout | undefined
  /** The number of lists since the start. */
  #edition = 0
  /** The last of the file changes, which run one after another. */
  #turn: Promise<void> = Promise.resolve()
  #closed = false

  constructor(of: GeneratedDoorTerms) {
    this.#of = of
    const { door, list, folder } = of
    const name = listName(door.name)
    this.#path = join(folder, name)
    if (list.publish === undefined) return
    this.#publishing = new Publishing(
      { door: door.name, name, terms: list.publish },
      () => ({ text: this.#text(), edition: this.#edition }),
      (edition) => this.#published(edition),
      (why) => of.say('warning', `${door.name}: its list is not published: ${why}`),
    )
  }

  /** Yields the sequences that open the door now. */
  *secrets(): Generator<Secret> {
    for (const each of [this.#now, this.#before]) if (each?.secret !== undefined) yield each.secret
  }

  /** The number of sequences left in the list. */
  get left(): number {
    return this.#now?.left ?? 0
  }

  /**
   * Loads the list, or makes one if the file is missing.
   *
   * @param after the closing of a previous door that kept the same files; it has to finish first
   */
  begin(after?: Promise<void>): void {
    if (after === undefined && existsSync(this.#path)) this.#takeUp()
    else this.#turn = after ?? this.#turn
    this.#next(async () => {
      if (this.#now === undefined) {
        if (!existsSync(this.#path)) await writeSequences(this.#path, this.#make(this.#of.list.count), randomUUID())
        this.#takeUp()
      }
      await this.#fillUp()
      this.#publishing?.want()
    })
  }

  /** Lets a holder keep the door if the current list, or the previous one while it is valid, opened it. */
  mayHold({ holder }: Held): Verdict {
    const now = this.#now?.known
    if (now === undefined || holder === undefined) return 'unknown'
    const before = this.#before?.known
    const marks = [now, ...(before === undefined ? [] : [before])].map((list) => this.#markOf(list))
    return marks.includes(holder) ? 'may' : 'may not'
  }

  #markOf({ name = '' }: OneTimeLeft): string {
    return this.#of.marks.mark('generated', this.#of.door.name, name)
  }

  /** Marks a sequence as used. @returns the mark of the new holder, once the use is durable and the door may open */
  async strike(secret: Secret): Promise<string | undefined> {
    const list = this.#before?.secret === secret ? this.#before : this.#now
    const strike = await list?.strike(secret)
    const struck = strike === undefined ? undefined : this.#markOf(strike)
    if (!this.#closed) {
      this.#next(async () => await this.#fillUp())
      this.#publishing?.want()
    }
    return struck
  }

  /** Replaces the list with a new one. @throws the system's error; nothing has changed then */
  async rotate(): Promise<number> {
    let failure: unknown
    this.#next(async () => {
      try {
        await this.#replace()
      } catch (error) {
        failure = error
      }
    })
    await this.#turn
    if (failure !== undefined) throw failure as Error
    return this.left
  }

  /** Removes the sequences from the gate. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    this.#now?.close()
    this.#before?.close()
    await this.#turn
    await this.#publishing?.close()
  }

  #next(what: () => Promise<void>): void {
    this.#turn = this.#behind(this.#turn, what)
  }

  async #behind(before: Promise<void>, what: () => Promise<void>): Promise<void> {
    await before
    if (this.#closed) return
    try {
      await what()
    } catch (error) {
      this.#of.say('error', `${this.#of.door.name}: cannot update its list: ${(error as Error).message}`)
    }
  }

  #open(path: string): OneTimeDoor {
    const { door, gate, store, say, event, changed, holdersChanged } = this.#of
    const list = new OneTimeDoor({ door, path, lowWater: 0, gate, store, say, event, changed, holdersChanged })
    list.refresh()
    return list
  }

  #make(count: number): readonly (readonly Knock[])[] {
    const { list, busy } = this.#of
    const avoid = busy()
    return Array.from({ length: count }, () => makeSequence(list, avoid))
  }

  /** Appends sequences when few are left. Sequences that users have fetched stay valid. */
  async #fillUp(): Promise<void> {
    const { door, lowWater, list, say } = this.#of
    const now = this.#now
    if (now === undefined || now.left > lowWater) return
    const before = now.left
    const more = this.#make(Math.max(1, list.count - before))
    // The list keeps its name, so its previous holders may keep the door.
    await writeSequences(this.#path, [...now.sequences, ...more], now.known?.name)
    now.refresh()
    say('notice', `${door.name}: list refilled: ${before} sequences were left, now ${now.left}`)
    this.#publishing?.want()
  }

  async #replace(): Promise<void> {
    const { door, list, store, say } = this.#of
    const fresh = this.#make(list.count)
    const old = `${this.#path}.old`
    // A list that nobody could fetch needs no overlap. The previous list stays valid instead.
    const unpublished = this.#before !== undefined && this.#until === undefined
    if (unpublished) this.#now?.close()
    else {
      clearTimeout(this.#timer)
      this.#before?.close()
      this.#now?.close()
      await store.forget(this.#untilKey)
      await rename(this.#path, old)
    }
    await writeSequences(this.#path, fresh, randomUUID())
    this.#now = this.#open(this.#path)
    this.#edition++
    if (!unpublished) {
      this.#before = this.#open(old)
      this.#until = undefined
    }
    say('notice', `${door.name}: has a new list of ${this.#now.left} sequences`)
    if (this.#publishing === undefined) this.#limit(Date.now() + overlapOf(list))
    else this.#publishing.want()
  }

  /** Loads the current list and the previous one after a restart. */
  #takeUp(): void {
    this.#now = this.#open(this.#path)
    const old = `${this.#path}.old`
    if (!existsSync(old)) return
    this.#before = this.#open(old)
    const until = Number(this.#of.store.newest(this.#untilKey) ?? Number.NaN)
    if (Number.isFinite(until)) {
      this.#until = until
      this.#wait()
    } else if (this.#publishing === undefined) {
      this.#limit(Date.now() + overlapOf(this.#of.list))
    }
  }

  #text(): string {
    const { door, list } = this.#of
    const now = Date.now()
    const before = this.#before === undefined ? undefined : (this.#until ?? now + overlapOf(list))
    const { host } = list.publish ?? {}
    return listText({ door: door.name, host, made: now, before }, this.#now?.sequences ?? [])
  }

  /** Starts the overlap of the previous list, because users can now fetch the new one. */
  #published(edition: number): void {
    if (edition !== this.#edition || this.#before === undefined || this.#until !== undefined) return
    this.#limit(Date.now() + overlapOf(this.#of.list))
  }

  /** Sets the end of the previous list's validity. */
  #limit(until: number): void {
    this.#until = until
    this.#of.store
      .advance(this.#untilKey, String(until), () => true)
      .catch((error: unknown) => {
        this.#of.say(
          'warning',
          `${this.#of.door.name}: its previous list can still be used: ${(error as Error).message}`,
        )
      })
    this.#wait()
  }

  #wait(): void {
    clearTimeout(this.#timer)
    const left = (this.#until ?? Infinity) - Date.now()
    this.#timer = setTimeout(
      () => {
        if (left <= TIMER_MAX_MS) this.#next(async () => await this.#withdraw())
        else this.#wait()
      },
      Math.max(0, Math.min(left, TIMER_MAX_MS)),
    ).unref()
  }

  /** Removes the previous list when it expires. */
  async #withdraw(): Promise<void> {
    const { door, store, say, changed, holdersChanged } = this.#of
    this.#before?.close()
    this.#before = undefined
    this.#until = undefined
    await unlink(`${this.#path}.old`)
    await store.forget(this.#untilKey)
    say('notice', `${door.name}: the previous list has expired`)
    changed()
    holdersChanged()
    this.#publishing?.want()
  }

  get #untilKey(): string {
    return `list\n${this.#of.door.name}`
  }
}

/** Returns the file name of a door's list. */
export function listName(door: string): string {
  return fileNameOf(door, (text) => createHash('sha256').update(text).digest('hex').slice(0, PRINT_CHARS))
}

function overlapOf({ publish }: ListTerms): number {
  return publish?.overlapMs ?? PUBLISH_OVERLAP_DEFAULT_MS
}
