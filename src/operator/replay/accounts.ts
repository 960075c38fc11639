import type { Effect } from '../../gate/effect.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'

/** The most sources that are counted. If there are more, those with at most a first knock are dropped. */
export const ACCOUNTS_MAX = 10_000
/** The most accounts that are searched for one to drop. */
const LOOKED_AT_MAX = 64

/** The results of one source. */
export interface Account {
  readonly source: string
  /** The number of packets that counted as knocks, or have a reason why not. */
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

  /** Counts a decision of the gate. */
  note(effect: Effect): void {
    const account = this.#of(effect.source, effect.kind !== 'passed')
    if (account === undefined) return
    switch (effect.kind) {
      case 'stage':
        account.packets++
        for (const door of effect.doors) raise(account.stages, door, effect.stage)
        break
      case 'open':
        // The stage of the last knock is counted already.
        add(account.opened, effect.secret.door)
        break
      case 'broken':
        account.packets++
        add(account.reasons, 'wrong knock')
        break
      case 'timeout':
        add(account.reasons, 'too slow')
        break
      case 'scan':
        account.packets++
        add(account.reasons, 'port scan')
        break
      case 'guesses':
        account.packets++
        add(account.reasons, 'wrong codes')
        break
      case 'withheld':
        add(account.reasons, effect.why === 'codes' ? 'too many wrong codes' : 'too many other ports')
        break
      case 'passed':
        account.packets++
        add(account.reasons, effect.reason)
        break
      default:
        effect satisfies never
    }
  }

  /** @param opens true to make an account if the source has none */
  #of(address: Address, opens: boolean): Account | undefined {
    const source = formatAddress(address)
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
