/** Milliseconds for which a member that failed is tried after the others. */
export const FAILED_FOR_MS = 5_000

/** The order in which members are tried: the one that answered last first, those that failed a short time ago last. */
export class Endpoints<Member> {
  readonly #members: readonly Member[]
  readonly #answeredAt = new Map<Member, number>()
  readonly #failedAt = new Map<Member, number>()
  /** The number of the last request to each member. */
  readonly #asked = new Map<Member, number>()
  #asks = 0
  #preferred: Member

  /** @param first the place of the member that is tried first */
  constructor(members: readonly Member[], first = 0) {
    this.#members = members
    this.#preferred = members[first]!
  }

  get size(): number {
    return this.#members.length
  }

  /**
   * Returns the members that did not fail lately. If all did, it returns all, the one that was asked longest ago first:
   * otherwise all requests would wait for the same member.
   */
  order(now: number): readonly Member[] {
    const all = this.all(now)
    const well = all.filter((member) => !this.#isFailed(member, now))
    if (well.length > 0) return well
    return all.toSorted((one, other) => (this.#asked.get(one) ?? 0) - (this.#asked.get(other) ?? 0))
  }

  /** Notes that a member is being asked. */
  asks(member: Member): void {
    this.#asked.set(member, ++this.#asks)
  }

  /** Returns all members in the order in which to try them. */
  all(now: number): readonly Member[] {
    const at = this.#members.indexOf(this.#preferred)
    const round = [...this.#members.slice(at), ...this.#members.slice(0, at)]
    return round.sort((one, other) => Number(this.#isFailed(one, now)) - Number(this.#isFailed(other, now)))
  }

  /** @param now milliseconds of a monotonic clock */
  answered(member: Member, now: number): void {
    this.#answeredAt.set(member, now)
    this.#failedAt.delete(member)
    if (this.#isFailed(this.#preferred, now)) this.#preferred = member
  }

  /**
   * Notes that an attempt at a member failed, or took too long.
   *
   * @param began the time at which the attempt began; a member that has answered another one since did not fail
   */
  failed(member: Member, now: number, began = now): void {
    if ((this.#answeredAt.get(member) ?? -Infinity) >= began) return
    this.#failedAt.set(member, now)
  }

  #isFailed(member: Member, now: number): boolean {
    return now - (this.#failedAt.get(member) ?? -Infinity) < FAILED_FOR_MS
  }
}
