/** Most connections of one member, and of all of them together, at a time. Root's are counted apart. */
export const MEMBER_CLIENTS_MAX = 4
export const MEMBERS_CLIENTS_MAX = 12
/** Most requests of one member in a window, and its length in milliseconds. */
export const MEMBER_REQUESTS_MAX = 30
export const MEMBER_WINDOW_MS = 10_000
/** Most members that are remembered at a time. */
const MEMBERS_MAX = 256

interface Member {
  clients: number
  requests: number
  windowEnds: number
}

/**
 * What members of Control_Group use of the control socket: each a share, so that none keeps root or another one from it. Times are
 * milliseconds on any steady clock.
 */
export class Members {
  readonly #members = new Map<number, Member>()
  #clients = 0

  /** A member has connected. False: it has too many connections, and this one is to be ended. */
  enter(user: number, now: number): boolean {
    const member = this.#find(user, now)
    if (member === undefined || member.clients >= MEMBER_CLIENTS_MAX || this.#clients >= MEMBERS_CLIENTS_MAX)
      return false
    member.clients++
    this.#clients++
    return true
  }

  /** A connection that entered has ended. */
  leave(user: number): void {
    const member = this.#members.get(user)
    if (member === undefined) return
    member.clients--
    this.#clients--
  }

  /** A member asks for something. False: it has asked too often. */
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
