import { readListing } from '../firewall/base/listing.ts'
import { BASE_TABLE } from '../firewall/base/ruleset.ts'
import { readBootId } from '../state/boot-clock.ts'
import type { Config } from '../config/config.ts'
import type { Confirmed } from './confirmed.ts'
import type { Firewall } from './firewall.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { misfitWith, servicesText } from './problem.ts'
import type { Problem } from './problem.ts'

/** Whether what was confirmed is gone from the rules: a table that somebody edited is not. */
export function isGone(firewall: Firewall): boolean {
  return readListing(firewall.list(BASE_TABLE)) !== 'rules'
}

/**
 * Why a ruleset that is gone is not put back without being asked for; `undefined`: nothing is against it. Nobody may be locked
 * out by it: it has to let knockers in at every port that the config opens, and a reboot gets rid of one that was not persisted.
 *
 * @param certain whether the record is certainly this host's
 */
export function reasonAgainst(confirmed: Confirmed, config: Config, certain: boolean): Problem | undefined {
  const { refused } = misfitWith(confirmed, config)
  if (refused.length > 0) {
    const message = `it would refuse ${servicesText(refused)}, which the config opens`
    return { message, command: REMEDIES.applyBase(confirmed, config.file) }
  }
  if (!isOfThisBoot(confirmed) && confirmed.persist === undefined) {
    const message = 'it was confirmed before the machine was started, without --persist'
    return { message, command: REMEDIES.applyBase({ ...confirmed, persist: '' }, config.file) }
  }
  if (!certain)
    return { message: 'this kernel does not tell one network namespace from another', command: REMEDIES.restoreBase() }
  return undefined
}

/** Whether it was confirmed since the machine was started. */
export function isOfThisBoot({ boot }: Confirmed): boolean {
  return boot !== undefined && boot === readBootId()
}
