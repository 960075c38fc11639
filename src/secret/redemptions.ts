import type { Grant } from '../door/grant.ts'
import type { Opener } from '../door/opener.ts'
import type { Log } from '../log/log.ts'
import { formatAddress } from '../packet/address.ts'
import type { Authenticator, Claim } from './authenticator.ts'

/** The most claims that wait for their secret to be redeemed, or for their door to open. */
export const REDEMPTIONS_MAX = 4_096

/** The dependencies of redemptions. */
export interface RedemptionDeps {
  readonly opener: Pick<Opener, 'prepare' | 'open'>
  readonly reconciler: {
    /** Returns true if the grant may still open its door. Otherwise the reason is logged. */
    isStillMay(grant: Grant): boolean
    /** Waits for a slow opening, and closes it if access was revoked in the meantime. */
    during(opening: Promise<unknown>): Promise<void>
  }
  readonly log: Pick<Log, 'event'>
  /** Calls back once the disk is busy with the next records. Returns a function that cancels it. */
  readonly whileSyncing?: (work: () => void) => () => void
  /** Returns the time of the steady clock in milliseconds. Without it, openings are logged without what they took. */
  readonly now?: () => number
  /** Runs something without a waiting caller. A failure is recorded as a fault, and the daemon continues. */
  readonly attempt: (work: () => Promise<void>) => Promise<void>
}

/**
 * The way from a claim to an opening: the secret is redeemed, its door opens for the grant, and the opening is logged
 * once. Nothing opens before the secret is durably used up.
 */
export class Redemptions {
  readonly #deps: RedemptionDeps
  #count = 0

  constructor(deps: RedemptionDeps) {
    this.#deps = deps
  }

  /**
   * Redeems a claim, and opens its door. Claims beyond {@link REDEMPTIONS_MAX} open nothing, but are redeemed, so that
   * nobody can replay them, and the door's next one-time sequence comes into force.
   *
   * @param by the authenticator of the proof, which uses it up durably
   */
  begin<Proof>(claim: Claim<Proof>, by: Pick<Authenticator<Proof>, 'redeem'>): void {
    const { attempt, log } = this.#deps
    if (this.#count >= REDEMPTIONS_MAX) {
      const source = formatAddress(claim.source)
      log.event({ kind: 'refused', level: 'error', source, door: claim.door, reason: 'too many doors open at once' })
      void attempt(async () => void (await by.redeem(claim)))
      return
    }
    this.#count++
    void attempt(async () => await this.#redeem(claim, by)).finally(() => this.#count--)
  }

  async #redeem<Proof>(claim: Claim<Proof>, by: Pick<Authenticator<Proof>, 'redeem'>): Promise<void> {
    const { opener, reconciler, log, whileSyncing, now } = this.#deps
    // The firewall's transaction is made while the disk is busy, and committed once the secret is used up.
    const likely = claim.likely
    const cancel = likely === undefined ? undefined : whileSyncing?.(() => opener.prepare?.(likely))
    const redeemed = await by.redeem(claim)
    cancel?.()
    if ('refused' in redeemed) {
      if (redeemed.refused !== undefined) log.event(redeemed.refused)
      return
    }
    if (!reconciler.isStillMay(redeemed)) return
    const { source, door, user, claimedUser } = redeemed
    const opened = (): void => {
      const took = claim.time === undefined || now === undefined ? {} : { tookMs: tenths(now() - claim.time) }
      log.event({ kind: 'open', source, door: door.name, user, claimedUser, ...took })
    }
    await reconciler.during(opener.open(redeemed, opened))
  }
}

/** Rounds milliseconds to tenths. The clock of captures may be a little ahead. */
function tenths(ms: number): number {
  return Math.max(0, Math.round(ms * 10) / 10)
}
