import type { Effect } from '../../gate/effect.ts'
import { formatAddress } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'

/** Sources that are kept account of; of more, those that got no further than a first knock give way. */
export const ACCOUNTS_MAX = 10_000
/** Accounts that are looked at to find one that gives way. */
const LOOKED_AT_MAX = 64

/** What came of one source. */
export interface Account {
  readonly source: string
  /** Packets that counted as knocks, or were told why not. */
  packets: number
  /** The furthest stage it reached of each door. */
  readonly stages: Map<string, number>
  /** How often it opened each door. */
  readonly opened: Map<string, number>
  /** How often something came to nothing, by reason. */
  readonly reasons: Map<string, number>
}

/** Keeps account of what came of each source. */
export class Accounts {
  readonly #accounts = new Map<string, Account>()
  #leftOut = false

  /** Whether there are sources that are not listed, though something came of them: there was no room. */
  get leftOut(): boolean {
    return this.#leftOut
  }

  /** Those that opened a door first, then those that came furthest. */
  get all(): readonly Account[] {
    return [...this.#accounts.values()].sort((one, other) => rank(other) - rank(one))
  }

  /** Notes what the gate decided. */
  note(effect: Effect): void {
    const account = this.#of(effect.source, effect.kind !== 'passed')
    if (account === undefined) return
    switch (effect.kind) {
      case 'stage':
        account.packets++
        for (const door of effect.doors) raise(account.stages, door, effect.stage)
        break
      case 'open':
        // The stage of the last knock was told before.
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

  /** @param opens whether an account is opened where there is none */
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
      // To the end of the row, so that the next search does not find it first again.
      this.#accounts.delete(source)
      this.#accounts.set(source, account)
      if (++looked >= LOOKED_AT_MAX) return false
    }
    return false
  }
}

/** How far a source came: the more doors it opened, the further; then by stages. */
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
