import type { Door } from '../config/config.ts'
import { formatService } from '../config/service.ts'
import type { Grant } from '../door/grant.ts'
import { formatPorts } from '../door/part.ts'
import type { Openings } from '../door/openings.ts'
import { formatAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { hasCommands } from './control.ts'
import type { Claim } from '../secret/authenticator.ts'
import type { Authenticators } from '../secret/authenticators.ts'
import type { Faults } from './faults.ts'
import type { Guarding } from './guarding.ts'
import type { Log } from './log/log.ts'
import type { Reconciler } from './reconcile.ts'
import { once } from './report.ts'

/** The most openings that wait for their secret to be redeemed, or for the journal. */
const OPENING_MAX = 4_096

/** The dependencies of an opener. */
export interface OpenerDeps {
  readonly authenticators: Pick<Authenticators, 'redeem'>
  readonly guarding: Pick<Guarding, 'open'>
  readonly openings: Pick<Openings, 'open'>
  readonly reconciler: Pick<Reconciler, 'isStillMay' | 'during'>
  readonly log: Log
  readonly faults: Pick<Faults, 'attempt'>
}

/**
 * Opens doors for knocks and for single packets, by the guard, by commands, or both. An opening is logged when the door
 * opens. A failure is recorded as a fault, and the daemon continues.
 */
export class Opener {
  readonly #deps: OpenerDeps
  #count = 0

  constructor(deps: OpenerDeps) {
    this.#deps = deps
  }

  /** Opens the door of a claim, after redeeming it. */
  claimed(claim: Claim<unknown>): void {
    this.#begin(claim.door, claim.source, async () => {
      const { authenticators, log } = this.#deps
      const redeemed = await authenticators.redeem(claim)
      if (!('refused' in redeemed)) await this.#open(redeemed)
      else if (redeemed.refused !== undefined) log.notice(redeemed.refused.level, redeemed.refused.text)
    })
  }

  /** Opens what was granted, or runs the grant's commands in place of the door's. */
  async #open(grant: Grant): Promise<void> {
    const { door, source, ms, services, asked, forward, user, claimedUser, holder, protocol, port, commands } = grant
    const { guarding, openings, reconciler, log } = this.#deps
    if (!reconciler.isStillMay(door, { ...grant, user })) return
    const opened = once(() => log.open(source, door.name, user, claimedUser))
    const whose = { user, claimedUser, holder, opened }
    const some = services?.map(formatService).join() ?? (asked === undefined ? undefined : formatPorts(asked))
    const knocked = { source, protocol, port, services: some, ...whose }
    if (commands !== undefined) {
      const alone = { ...timed(door, ms), commands4: commands, commands6: commands, cooldownMs: 0 }
      await reconciler.during(openings.open(alone, knocked))
      return
    }
    if (door.opens.length > 0) guarding.open(door, source, { ms, services, forward, ...whose })
    else if (!hasCommands(door)) opened()
    if (hasCommands(door)) await reconciler.during(openings.open(timed(door, ms), knocked))
  }

  #begin(door: string, source: Address, work: () => Promise<void>): void {
    const { log, faults } = this.#deps
    if (this.#count >= OPENING_MAX) {
      log.notice('error', `${formatAddress(source)}: ${door}: stays shut, too many doors open at once`)
      return
    }
    this.#count++
    void faults.attempt(work).finally(() => this.#count--)
  }
}

function timed(door: Door, ms: number): Door {
  return { ...door, cmdTimeoutMs: ms }
}
