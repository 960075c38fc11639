/** The most simultaneous connections of one member, and of all members. Root's count separately. */
export const MEMBER_CLIENTS_MAX = 4
export const MEMBERS_CLIENTS_MAX = 12
/** The most requests of one member in a time window, and the window's length in milliseconds. */
export const MEMBER_REQUESTS_MAX = 30
export const MEMBER_WINDOW_MS = 10_000
/** The most members that are remembered. */
const MEMBERS_MAX = 256

interface Member {
  clients: number
  requests: number
  windowEnds: number
}

/**
 * Limits the use of the control socket by members of Control_Group. No member can block root or other members. Times
 * are milliseconds on any steady clock.
 */
export class Members {
  readonly #members = new Map<number, Member>()
  #clients = 0

  /** Records a connection of a member. Returns false if the member has too many, so the connection must end. */
  enter(user: number, now: number): boolean {
    const member = this.#find(user, now)
    if (member === undefined || member.clients >= MEMBER_CLIENTS_MAX || this.#clients >= MEMBERS_CLIENTS_MAX)
      return false
    member.clients++
    this.#clients++
    return true
  }

  /** Records the end of a connection. */
  leave(user: number): void {
    const member = this.#members.get(user)
    if (member === undefined) return
    member.clients--
    this.#clients--
  }

  /** Records a request of a member. Returns false if the member sends too many. */
  ask(user: number, now: number): boolean {
    const member = this.#find(user, now)
    if (member === undefined) return false
    if (now >= member.windowEnds) {
      member.requests = 0
      member.windowEnds = now + MEMBER_WINDOW_MS
    }
    member.requests++
    return member.requests <= MEMBER_REQUESTS_MAX
  }

  #find(user: number, now: number): Member | undefined {
    const known = this.#members.get(user)
    if (known !== undefined) return known
    if (this.#members.size >= MEMBERS_MAX) {
      for (const [id, { clients, windowEnds }] of this.#members) {
        if (clients === 0 && now >= windowEnds) this.#members.delete(id)
      }
      if (this.#members.size >= MEMBERS_MAX) return undefined
    }
    const member = { clients: 0, requests: 0, windowEnds: now + MEMBER_WINDOW_MS }
    this.#members.set(user, member)
    return member
  }
}
