import { FleetMember } from '../../src/fleet/member.ts'
import { loadFleet } from '../../src/fleet/settings.ts'
import { SYSTEM_CLOCK } from '../../src/secret/clock.ts'
import type { Ledger } from '../../src/state/ledger.ts'
import type { Store } from '../../src/state/store.ts'

/** The part of the journal that a member writes to. */
export type MemberStore = Pick<Store, 'newest' | 'keys' | 'advance' | 'forget'>

/**
 * Makes a host of the fleet as a daemon has it, without doors: its connections to etcd, its watch, its signs of life and its
 * claims are real.
 */
export function simulatedMember(
  conf: string,
  store: MemberStore,
  local: Ledger,
): { readonly member: FleetMember; readonly ledger: Ledger } {
  const log = { notice: () => undefined }
  const member = new FleetMember(loadFleet(conf), {
    log,
    steady: () => performance.now(),
    hostsChanged: () => undefined,
    doors: () => [],
    spaKeyFile: () => '',
    store,
    refresh: () => undefined,
  })
  const ledger = member.ledger({ local, isOfFleet: () => true, store, clock: SYSTEM_CLOCK, log })
  return { member, ledger }
}
