import { concatenate, sameBytes } from '../../spa/bytes.ts'
import { KEY_BYTES, sharedSecret } from '../../spa/noise/curve.ts'
import type { KeyPair } from '../../spa/noise/curve.ts'
import { TAG_AGE_MAX_MS, minuteOf, minuteStart, tagKeyOf, tagOf } from '../../spa/noise/tag.ts'
import { NOBODY, TagTable } from '../../spa/noise/tag-table.ts'
import type { Clock } from '../clock.ts'
import type { TokenBucket } from '../../limit/token-bucket.ts'

/** The time of a slice of work in milliseconds, after which packets have their turn. A user more may take 0.2. */
export const SLICE_MS = 2
/**
 * The users whose tags are made at once, however long it takes: some 10 milliseconds. With so few, the tags are ready
 * when the file has been read.
 */
export const AT_ONCE = 100
/** The longest time between two looks at the clock without packets, in milliseconds. The clock may be set. */
const LOOK_EVERY_MS = 30_000
/** The columns of tags with a minute: those of the longest age in both directions, this minute, and the next one. */
const MINUTES = 2 * minuteOf(TAG_AGE_MAX_MS) + 2
/** The column of the tag without a minute. */
const WITHOUT_MINUTE = MINUTES

/** The tags that a user needs. */
export interface NeededTags {
  readonly publicKey: Uint8Array
  /** Tags are needed for the minutes within this many milliseconds of the present, at most TAG_AGE_MAX_MS. */
  readonly ageMs: number
  /** True if the tag without a minute is needed as well. */
  readonly withoutMinute: boolean
}

/** A user in the table of tags. */
export interface TaggedUser {
  readonly publicKey: Uint8Array
  /** The shared secret with the server. */
  readonly secret: Uint8Array
  /** The allowance for packets with the user's tags, once one has come. */
  allowance: TokenBucket | undefined
}

class User implements TaggedUser {
  readonly id: number
  readonly publicKey: Uint8Array
  needed: NeededTags
  /** The shared secret and the key of the tags. `undefined`: not computed yet; empty: the public key makes no secret. */
  derived: Uint8Array | undefined
  /** The first and the last minute with a tag in the table. If the first is above the last, no minute has one. */
  first = 0
  last = -1
  hasPlain = false
  allowance: TokenBucket | undefined

  constructor(id: number, needed: NeededTags) {
    this.id = id
    this.needed = needed
    this.publicKey = needed.publicKey
  }

  get secret(): Uint8Array {
    return this.derived!.subarray(0, KEY_BYTES)
  }
}

/**
 * The users' tags for one server key. Shared secrets are computed once a user, and tags a minute ahead, in slices.
 * Users who opened a door before come first. Users who leave are out of the table at once.
 */
export class UserTags {
  readonly #clock: Clock
  readonly #hasOpened: (publicKey: Uint8Array) => boolean
  readonly #table = new TagTable(MINUTES + 1)
  readonly #users = new Map<string, User>()
  readonly #byId: (User | undefined)[] = []
  readonly #free: number[] = []
  #server: KeyPair | undefined
  /** The minute for which the tags are, or are being made. */
  #minute = Number.NaN
  #work: Iterator<void> | undefined
  /** Cancels the next slice, or the next look at the clock. */
  #cancel = (): void => undefined

  /** @param hasOpened returns true for the key of a user who has opened a door before */
  constructor(clock: Clock, hasOpened: (publicKey: Uint8Array) => boolean) {
    this.#clock = clock
    this.#hasOpened = hasOpened
  }

  /**
   * Sets the server's key and the users. Users who stay keep their secrets and allowances, unless the key is another.
   * The first slice of the work is done at once.
   *
   * @param needed the users, by a text for each public key
   */
  replace(server: KeyPair | undefined, needed: ReadonlyMap<string, NeededTags>): void {
    const isSame =
      server !== undefined && this.#server !== undefined && sameBytes(server.publicKey, this.#server.publicKey)
    for (const [key, user] of this.#users) if (!isSame || !needed.has(key)) this.#remove(key, user)
    this.#server = server
    if (server !== undefined) {
      this.#table.reserve(needed.size)
      for (const [key, tags] of needed) {
        const user = this.#users.get(key)
        if (user === undefined) this.#add(key, tags)
        else user.needed = tags
      }
    }
    this.#begin()
  }

  /**
   * Returns the user of the tag at an offset of `bytes`. If the clock was set, a slice of the tags for the new time is
   * made first.
   */
  find(bytes: Uint8Array, at: number): TaggedUser | undefined {
    let id = this.#table.find(bytes, at)
    if (id === NOBODY && this.#users.size > 0 && minuteOf(this.#clock.now()) !== this.#minute) {
      this.#begin()
      id = this.#table.find(bytes, at)
    }
    return id === NOBODY ? undefined : this.#byId[id]
  }

  /** Removes all users and stops the renewal. */
  close(): void {
    this.replace(undefined, new Map())
  }

  #add(key: string, needed: NeededTags): void {
    const id = this.#free.pop() ?? this.#byId.length
    const user = new User(id, needed)
    this.#byId[id] = user
    this.#users.set(key, user)
  }

  #remove(key: string, user: User): void {
    this.#setMinutes(user, 0, -1)
    if (user.hasPlain) this.#table.clear(user.id, WITHOUT_MINUTE)
    user.derived?.fill(0)
    this.#users.delete(key)
    this.#byId[user.id] = undefined
    this.#free.push(user.id)
  }

  /** Begins the work for the present minute, and does the first slice. */
  #begin(): void {
    this.#cancel()
    const now = this.#clock.now()
    this.#minute = minuteOf(now)
    this.#work = this.#users.size === 0 ? undefined : this.#renew(now)
    // Two steps a user: the tags of the nearest minutes, and all.
    this.#slice(2 * AT_ONCE)
  }

  /** @param least the number of steps that are done whatever their time */
  #slice(least = 1): void {
    const work = this.#work
    if (work === undefined) return
    const end = performance.now() + SLICE_MS
    for (let step = 0; step < least || performance.now() < end; step++) {
      if (work.next().done === true) {
        this.#look()
        return
      }
    }
    this.#cancel = this.#clock.after(0, () => (this.#isPresent ? this.#slice() : this.#begin()))
  }

  /** Sets a timer for the next minute. */
  #look(): void {
    const wait = Math.max(1, minuteStart(this.#minute + 1) - this.#clock.now())
    this.#cancel = this.#clock.after(Math.min(wait, LOOK_EVERY_MS), () => {
      if (this.#isPresent) this.#look()
      else this.#begin()
    })
  }

  get #isPresent(): boolean {
    return minuteOf(this.#clock.now()) === this.#minute
  }

  /** Renews the tags, a user at a time: first for clocks that differ by a minute at most. */
  *#renew(now: number): Generator<void> {
    const minute = minuteOf(now)
    for (const user of this.#users.values()) {
      if (user.derived !== undefined || !this.#hasOpened(user.publicKey)) continue
      yield this.#tag(user, now, 1)
    }
    for (const user of this.#users.values()) {
      if (user.first > minute || user.last < minute) yield this.#tag(user, now, 1)
    }
    for (const user of this.#users.values()) yield this.#tag(user, now, MINUTES)
  }

  /** Makes the missing tags of a user for minutes that are at most `span` away, and removes the others. */
  #tag(user: User, now: number, span: number): void {
    user.derived ??= this.#derive(user.publicKey)
    if (user.derived.length === 0) return
    const { ageMs, withoutMinute } = user.needed
    const minute = minuteOf(now)
    // The clock may be set back within the minute.
    const [first, last] = [minuteOf(minuteStart(minute) - ageMs), minuteOf(now + ageMs) + 1]
    this.#setMinutes(user, Math.max(first, minute - span), Math.min(last, minute + span))
    if (withoutMinute === user.hasPlain) return
    user.hasPlain = withoutMinute
    if (withoutMinute) this.#table.set(user.id, WITHOUT_MINUTE, tagOf(tagKeyIn(user), undefined))
    else this.#table.clear(user.id, WITHOUT_MINUTE)
  }

  #setMinutes(user: User, first: number, last: number): void {
    const before = { first: user.first, last: user.last }
    for (let minute = before.first; minute <= before.last; minute++) {
      if (minute < first || minute > last) this.#table.clear(user.id, columnOf(minute))
    }
    for (let minute = first; minute <= last; minute++) {
      if (minute >= before.first && minute <= before.last) continue
      this.#table.set(user.id, columnOf(minute), tagOf(tagKeyIn(user), minute))
    }
    user.first = first
    user.last = last
  }

  #derive(publicKey: Uint8Array): Uint8Array {
    const server = this.#server!
    const secret = sharedSecret(server, publicKey)
    if (secret === undefined) return new Uint8Array()
    return concatenate(secret, tagKeyOf(secret, server.publicKey, publicKey))
  }
}

function tagKeyIn({ derived }: User): Uint8Array {
  return derived!.subarray(KEY_BYTES)
}

/** Returns the column of a minute. The minutes of a user's tags never share one. */
function columnOf(minute: number): number {
  return ((minute % MINUTES) + MINUTES) % MINUTES
}
