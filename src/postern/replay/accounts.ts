import type { LogEvent } from '../../log/event.ts'
import { sourceOf } from '../../log/format.ts'

/** The most sources that are counted. If there are more, those with at most a first knock are dropped. */
export const ACCOUNTS_MAX = 10_000
/** The most accounts that are searched for one to drop. */
const LOOKED_AT_MAX = 64

/** The kinds of events that no packet of its own causes. */
const UNCOUNTED: ReadonlySet<string> = new Set(['sequence-timeout', 'withheld'])

/** The results of one source. */
export interface Account {
  readonly source: string
  /** The number of packets that counted as knocks, opened a door alone, or have a reason why not. */
  packets: number
  /** The furthest stage that the source reached, by door. */
  readonly stages: Map<string, number>
  /** The number of times that the source opened a door, by door. */
  readonly opened: Map<string, number>
  /** The number of failed attempts, by reason. */
  readonly reasons: Map<string, number>
}

/** Counts the results of each source. */
export class Accounts {
  readonly #accounts = new Map<string, Account>()
  #leftOut = false

  /** True if sources are missing because there were too many. */
  get leftOut(): boolean {
    return this.#leftOut
  }

  /** The accounts: first the sources that opened most doors, then those that reached the furthest stage. */
  get all(): readonly Account[] {
    return [...this.#accounts.values()].sort((one, other) => rank(other) - rank(one))
  }

  /** Counts the events of a decision of the gate. */
  note(events: readonly LogEvent[]): void {
    const [first] = events
    const source = first === undefined ? undefined : sourceOf(first)
    if (first === undefined || source === undefined) return
    // Packets that are no part of an attempt begin no account.
    const account = this.#of(source, first.kind !== 'explanation' || first.door !== undefined)
    if (account === undefined) return
    // The last knock is counted before its door opens. A door without a stage was opened by a single packet.
    const counted = first.kind === 'open' ? !account.stages.has(first.door) : !UNCOUNTED.has(first.kind)
    if (counted) account.packets++
    const reason = reasonOf(first)
    if (reason !== undefined) add(account.reasons, reason)
    if (first.kind === 'open') add(account.opened, first.door)
    for (const event of events) if (event.kind === 'stage') raise(account.stages, event.door, event.stage)
  }

  /** @param opens true to make an account if the source has none */
  #of(source: string, opens: boolean): Account | undefined {
    const there = this.#accounts.get(source)
    if (there !== undefined || !opens) return there
    if (this.#accounts.size >= ACCOUNTS_MAX) {
      this.#leftOut = true
      if (!this.#giveWay()) return undefined
    }
    const account: Account = { source, packets: 0, stages: new Map(), opened: new Map(), reasons: new Map() }
    this.#accounts.set(source, account)
    return account
  }

  #giveWay(): boolean {
    let looked = 0
    for (const [source, account] of this.#accounts) {
      if (rank(account) <= 1) return this.#accounts.delete(source)
      // The account moves to the end, so that the next search begins with others.
      this.#accounts.delete(source)
      this.#accounts.set(source, account)
      if (++looked >= LOOKED_AT_MAX) return false
    }
    return false
  }
}

/** Returns why an attempt failed. */
function reasonOf(event: LogEvent): string | undefined {
  if (event.kind === 'explanation' || event.kind === 'rejected') return event.reason
  if (event.kind === 'sequence-timeout') return 'too slow'
  if (event.kind === 'scan') return 'port scan'
  if (event.kind === 'wrong-codes') return 'wrong codes'
  if (event.kind !== 'withheld') return undefined
  return event.reason === 'codes' ? 'too many wrong codes' : 'too many other ports'
}

/** Ranks a source by the number of doors that it opened, then by its furthest stage. */
function rank({ stages, opened }: Account): number {
  let furthest = 0
  for (const stage of stages.values()) if (stage > furthest) furthest = stage
  return opened.size * 1_000 + furthest
}

function add(counts: Map<string, number>, what: string): void {
  counts.set(what, (counts.get(what) ?? 0) + 1)
}

function raise(stages: Map<string, number>, door: string, stage: number): void {
  if ((stages.get(door) ?? 0) < stage) stages.set(door, stage)
}
