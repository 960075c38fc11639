import type { Rate } from '../../limit/source-budget.ts'
import { TokenBucket } from '../../limit/token-bucket.ts'
import type { TaggedUser } from './user-tags.ts'

/** The packets with a user's tags that are opened, a second. Anyone who has seen a tag can send it again. */
export const USER_PACKETS: Rate = { perSecond: 20, burst: 40 }
/** The packets of all users that are opened, a second. They take a fifth of the daemon's time. */
export const ALL_PACKETS: Rate = { perSecond: 3_000, burst: 600 }

/** Limits the number of packets that are opened: for each user first, and then in all. */
export class Allowances {
  readonly #all = new TokenBucket(ALL_PACKETS.perSecond, ALL_PACKETS.burst)

  /**
   * Returns true if a packet with a user's tag may be opened now.
   *
   * @param now the packet's time, in milliseconds of a steady clock
   */
  has(user: TaggedUser, now: number): boolean {
    return this.#all.has(now, 1) && bucketOf(user).has(now, 1)
  }

  /** Charges a packet to its user, and to all. */
  spend(user: TaggedUser, now: number): void {
    bucketOf(user).spend(now, 1)
    this.#all.spend(now, 1)
  }
}

function bucketOf(user: TaggedUser): TokenBucket {
  return (user.allowance ??= new TokenBucket(USER_PACKETS.perSecond, USER_PACKETS.burst))
}
