import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { PUBLISH_OVERLAP_DEFAULT_MS } from '../config/config.ts'
import type { Knock } from '../config/config.ts'
import type { GateSequence } from '../gate/sequence.ts'
import type { Listening } from '../host/listening.ts'
import { TCP, UDP } from '../packet/packet.ts'
import { fileNameOf } from '../publish/order.ts'
import { makeSequence } from '../publish/sequence.ts'
import { listText } from '../publish/text.ts'
import type { Held } from '../door/held.ts'
import type { OneTimeLeft } from './one-time-list.ts'
import { writeSequences } from './sequence-file.ts'
import type { Refusal, Verdict } from './authenticator.ts'
import type { AuthenticatorDeps } from './deps.ts'
import type { DoorOf } from './door-set.ts'
import { REFUSED } from './gate-authenticator.ts'
import type { GateDoor } from './gate-authenticator.ts'
import { Publishing } from './publishing.ts'
import { SequenceList } from './sequence-list.ts'

/** The longest timer in milliseconds. */
const TIMER_MAX_MS = 3_600_000
/** Characters of the hash that distinguishes doors whose names give similar file names. */
const PRINT_CHARS = 8

/** The dependencies of doors whose lists the daemon makes. */
export interface GeneratedDeps extends AuthenticatorDeps {
  readonly listFolder: string
  /** Returns the ports that programs listen on. Lists have none of them. */
  readonly listening: () => Listening
}

/**
 * A door with a list of one-time sequences that the daemon makes, refills and publishes. After a new list replaces it,
 * the previous list stays valid. It expires some time after the new list was published. So both lists open the door for
 * a while.
 */
export class GeneratedDoor implements GateDoor {
  readonly #door: DoorOf<'generated'>
  readonly #deps: GeneratedDeps
  readonly #path: string
  readonly #publishing: Publishing | undefined
  #now: SequenceList | undefined
  #before: SequenceList | undefined
  /**
   * The end of the previous list's validity, in milliseconds since 1970; `undefined` until the new list is published.
   */
  #until: number | undefined
  /** Cancels the wait for the end of the previous list. */
  #cancel = (): void => undefined
  /** The number of lists since the start. */
  #edition = 0
  /** The last of the file changes, which run one after another. */
  #turn: Promise<unknown> = Promise.resolve()
  #closed = false

  /**
   * Loads the list, or makes one if the file is missing.
   *
   * @param after the closing of a previous door that kept the same files; it has to finish first
   */
  constructor(door: DoorOf<'generated'>, deps: GeneratedDeps, after: Promise<unknown> | undefined) {
    this.#door = door
    this.#deps = deps
    const name = listName(door.name)
    this.#path = join(deps.listFolder, name)
    const { publish } = door.secret.list
    if (publish !== undefined) {
      this.#publishing = new Publishing({
        door: door.name,
        name,
        terms: publish,
        clock: deps.clock,
        list: () => ({ text: this.#text(), edition: this.#edition }),
        done: (edition) => this.#published(edition),
        failed: (cause) => this.#trouble('warning', 'its list is not published', cause),
      })
    }
    this.#begin(after)
  }

  /** Yields the sequences that open the door now. */
  *sequences(): Generator<GateSequence> {
    for (const { sequence } of this.#lists) if (sequence !== undefined) yield sequence
  }

  /** The number of sequences left in the current list. */
  get status(): { readonly left: number } {
    return { left: this.#now?.left ?? 0 }
  }

  get files(): readonly string[] {
    return this.#before === undefined ? [this.#path] : [this.#path, this.#oldPath]
  }

  refresh(): void {
    for (const list of this.#lists) list.refresh()
  }

  #begin(after: Promise<unknown> | undefined): void {
    if (after === undefined && existsSync(this.#path)) this.#takeUp()
    else this.#turn = after ?? this.#turn
    this.#next(async () => {
      if (this.#now === undefined) {
        if (!existsSync(this.#path))
          await writeSequences(this.#path, this.#make(this.#door.secret.list.count), randomUUID())
        this.#takeUp()
      }
      await this.#fillUp()
      this.#publishing?.want()
    })
  }

  /** Lets a holder keep the door if the current list, or the previous one while it is valid, opened it. */
  mayHold({ holder }: Held): Verdict {
    if (holder === this.holderFor()) return 'may'
    if (this.#now?.known === undefined || holder === undefined) return 'unknown'
    const isOf = ({ known }: SequenceList): boolean => known !== undefined && this.#markOf(known) === holder
    return this.#lists.some(isOf) ? 'may' : 'may not'
  }

  /** The sequence was one of another host's list. */
  holderFor(): string {
    return this.#deps.marks.mark('generated', this.#door.name)
  }

  #markOf({ name = '' }: OneTimeLeft): string {
    return this.#deps.marks.mark('generated', this.#door.name, name)
  }

  async redeem(proof: GateSequence): Promise<string | Refusal> {
    const list = this.#before?.sequence === proof ? this.#before : this.#now
    const redeemed = (await list?.redeem(proof)) ?? REFUSED
    if (!this.#closed) {
      this.#next(async () => await this.#fillUp())
      this.#publishing?.want()
    }
    return 'refused' in redeemed ? redeemed : this.#markOf(redeemed)
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
    return this.status.left
  }

  /** Removes the sequences from the gate. */
  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    for (const list of this.#lists) list.close()
    await this.#turn
    await this.#publishing?.close()
  }

  #next(what: () => Promise<void>): void {
    this.#turn = this.#behind(this.#turn, what)
  }

  async #behind(before: Promise<unknown>, what: () => Promise<void>): Promise<void> {
    await before
    if (this.#closed) return
    try {
      await what()
    } catch (error) {
      this.#trouble('error', 'cannot update its list', (error as Error).message)
    }
  }

  #open(path: string): SequenceList {
    const { holdersChanged: changed } = this.#deps
    const list = new SequenceList({ ...this.#deps, door: this.#door, path, lowWater: 0, changed })
    list.refresh()
    return list
  }

  #make(count: number): readonly (readonly Knock[])[] {
    const listening = this.#deps.listening()
    const avoid = new Set([...listening[TCP], ...listening[UDP]])
    return Array.from({ length: count }, () => makeSequence(this.#door.secret.list, avoid))
  }

  /** Appends sequences when few are left. Sequences that users have fetched stay valid. */
  async #fillUp(): Promise<void> {
    const { name, secret } = this.#door
    const { lowWater, list } = secret
    const now = this.#now
    if (now === undefined || now.left > lowWater) return
    const before = now.left
    const more = this.#make(Math.max(1, list.count - before))
    // The list keeps its name, so its previous holders may keep the door.
    await writeSequences(this.#path, [...now.sequences, ...more], now.known?.name)
    now.refresh()
    this.#deps.log.notice('notice', `${name}: list refilled: ${before} sequences were left, now ${now.left}`)
    this.#publishing?.want()
  }

  async #replace(): Promise<void> {
    const { store, log } = this.#deps
    const fresh = this.#make(this.#door.secret.list.count)
    const old = this.#oldPath
    // A list that nobody could fetch needs no overlap. The previous list stays valid instead.
    const unpublished = this.#before !== undefined && this.#until === undefined
    if (unpublished) this.#now?.close()
    else {
      this.#cancel()
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
    log.notice('notice', `${this.#door.name}: has a new list of ${this.#now.left} sequences`)
    if (this.#publishing === undefined) this.#limit(this.#deps.clock.now() + this.#overlapMs)
    else this.#publishing.want()
  }

  /** Loads the current list and the previous one after a restart. */
  #takeUp(): void {
    this.#now = this.#open(this.#path)
    if (!existsSync(this.#oldPath)) return
    this.#before = this.#open(this.#oldPath)
    const until = Number(this.#deps.store.newest(this.#untilKey) ?? Number.NaN)
    if (Number.isFinite(until)) {
      this.#until = until
      this.#wait()
    } else if (this.#publishing === undefined) {
      this.#limit(this.#deps.clock.now() + this.#overlapMs)
    }
  }

  #text(): string {
    const { name: door, secret } = this.#door
    const made = this.#deps.clock.now()
    const before = this.#before === undefined ? undefined : (this.#until ?? made + this.#overlapMs)
    const { host } = secret.list.publish ?? {}
    return listText({ door, host, made, before }, this.#now?.sequences ?? [])
  }

  /** Starts the overlap of the previous list, because users can now fetch the new one. */
  #published(edition: number): void {
    if (edition !== this.#edition || this.#before === undefined || this.#until !== undefined) return
    this.#limit(this.#deps.clock.now() + this.#overlapMs)
  }

  /** Sets the end of the previous list's validity. */
  #limit(until: number): void {
    this.#until = until
    this.#deps.store
      .advance(this.#untilKey, String(until), () => true)
      .catch((error: unknown) => {
        this.#trouble('warning', 'its previous list can still be used', (error as Error).message)
      })
    this.#wait()
  }

  #wait(): void {
    this.#cancel()
    const left = (this.#until ?? Infinity) - this.#deps.clock.now()
    this.#cancel = this.#deps.clock.after(Math.max(0, Math.min(left, TIMER_MAX_MS)), () => {
      if (left <= TIMER_MAX_MS) this.#next(async () => await this.#withdraw())
      else this.#wait()
    })
  }

  /** Removes the previous list when it expires. */
  async #withdraw(): Promise<void> {
    const { store, log, needsChanged, holdersChanged } = this.#deps
    this.#before?.close()
    this.#before = undefined
    this.#until = undefined
    await unlink(this.#oldPath)
    await store.forget(this.#untilKey)
    log.notice('notice', `${this.#door.name}: the previous list has expired`)
    needsChanged()
    holdersChanged()
    this.#publishing?.want()
  }

  #trouble(level: 'warning' | 'error', what: string, cause: string): void {
    this.#deps.log.event({ kind: 'trouble', level, door: this.#door.name, what, cause })
  }

  /** The current list, and the previous one while it is valid. */
  get #lists(): readonly SequenceList[] {
    return [this.#now, this.#before].filter((list) => list !== undefined)
  }

  get #oldPath(): string {
    return `${this.#path}.old`
  }

  get #overlapMs(): number {
    return this.#door.secret.list.publish?.overlapMs ?? PUBLISH_OVERLAP_DEFAULT_MS
  }

  get #untilKey(): string {
    return `list\n${this.#door.name}`
  }
}

/** Returns the file name of a door's list. */
export function listName(door: string): string {
  return fileNameOf(door, (text) => createHash('sha256').update(text).digest('hex').slice(0, PRINT_CHARS))
}
