import type { PacketAuthenticators, PacketAuthenticatorsDeps } from '../secret/deps.ts'
import { NoiseAuthenticator } from '../secret/noise/noise-authenticator.ts'
import { WorkBudget } from '../secret/work-budget.ts'
import { FwknopAuthenticator } from './fwknop/authenticator/fwknop-authenticator.ts'
import { KnockknockAuthenticator } from './knockknock/authenticator/knockknock-authenticator.ts'

/**
 * Makes the authenticators of all kinds of single packets. They share one limit on the time for packets. In a replay no
 * time passes during the work, so that nothing is limited.
 */
export function makePacketAuthenticators(deps: PacketAuthenticatorsDeps): PacketAuthenticators {
  const work = new WorkBudget(() => deps.clock.working())
  const noise: NoiseAuthenticator = new NoiseAuthenticator(
    { ...deps, claimed: (claim) => deps.claimed(claim, noise) },
    work,
  )
  const fwknop: FwknopAuthenticator = new FwknopAuthenticator(
    { ...deps, claimed: (claim) => deps.claimed(claim, fwknop) },
    work,
  )
  const knockknock: KnockknockAuthenticator = new KnockknockAuthenticator(
    { ...deps, claimed: (claim) => deps.claimed(claim, knockknock) },
    work,
  )
  return { postern: noise, fwknop, 'fwknop-keys': fwknop, knockknock }
}
