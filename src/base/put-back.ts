import { readListing } from '../firewall/base/listing.ts'
import { BASE_TABLE } from '../firewall/base/ruleset.ts'
import { readBootId } from '../state/boot-clock.ts'
import type { Config } from '../config/config.ts'
import type { Confirmed } from './confirmed.ts'
import type { Firewall } from './firewall.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { misfitWith, servicesText } from './problem.ts'
import type { Problem } from './problem.ts'

/** Returns true if the confirmed table no longer exists. A table that somebody edited still counts as existing. */
export function isGone(firewall: Firewall): boolean {
  return readListing(firewall.list(BASE_TABLE)) !== 'rules'
}

/**
 * Returns the reason why a missing ruleset is not restored automatically; `undefined`: it may be restored. Nobody may
 * be locked out by it. It must let knockers in at every port that the config opens. A reboot removes one that was not
 * persisted.
 *
 * @param certain true if the record certainly belongs to this host
 */
export function reasonAgainst(confirmed: Confirmed, config: Config, certain: boolean): Problem | undefined {
  const { refused } = misfitWith(confirmed, config)
  if (refused.length > 0) {
    const message = `it would refuse ${servicesText(refused)}, which the config opens`
    return { message, command: REMEDIES.applyBase(confirmed, config.file) }
  }
  const isOfThisBoot = confirmed.boot !== undefined && confirmed.boot === readBootId()
  if (!isOfThisBoot && confirmed.persist === undefined) {
    const message = 'it was confirmed before the machine was started, without --persist'
    return { message, command: REMEDIES.applyBase({ ...confirmed, persist: '' }, config.file) }
  }
  if (!certain) return { message: 'this kernel cannot tell network namespaces apart', command: REMEDIES.restoreBase() }
  return undefined
}
