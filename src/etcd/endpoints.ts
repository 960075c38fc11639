/** Milliseconds for which a member that failed is tried after the others. */
export const FAILED_FOR_MS = 5_000

/** The order in which members are tried: the one that answered last first, those that failed a short time ago last. */
export class Endpoints<Member> {
  readonly #members: readonly Member[]
  readonly #failedAt = new Map<Member, number>()
  #preferred: Member

  /** @param first the place of the member that is tried first */
  constructor(members: readonly Member[], first = 0) {
    this.#members = members
    this.#preferred = members[first]!
  }

  get size(): number {
    return this.#members.length
  }

  /** Returns all members in the order in which to try them. */
  order(now: number): readonly Member[] {
    const at = this.#members.indexOf(this.#preferred)
    const round = [...this.#members.slice(at), ...this.#members.slice(0, at)]
    return round.sort((one, other) => Number(this.#isFailed(one, now)) - Number(this.#isFailed(other, now)))
  }

  /** @param now milliseconds of a monotonic clock */
  answered(member: Member, now: number): void {
    this.#failedAt.delete(member)
    if (this.#isFailed(this.#preferred, now)) this.#preferred = member
  }

  failed(member: Member, now: number): void {
    this.#failedAt.set(member, now)
  }

  #isFailed(member: Member, now: number): boolean {
    return now - (this.#failedAt.get(member) ?? -Infinity) < FAILED_FOR_MS
  }
}
