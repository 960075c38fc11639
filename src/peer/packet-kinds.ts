import type { PacketKinds } from '../secret/authenticators.ts'
import { WorkBudget } from '../secret/work-budget.ts'

/** Returns the rows of the kinds of single packets. They share one limit on the time for packets. */
export function packetKinds(): PacketKinds['rows'] {
  let shared: WorkBudget | undefined
  const work = (): WorkBudget => (shared ??= new WorkBudget())
  return {
    postern: async (deps) => {
      const { NoiseAuthenticator } = await import('../secret/noise/noise-authenticator.ts')
      return new NoiseAuthenticator(deps, work())
    },
    fwknop: async (deps) => {
      const { FwknopAuthenticator } = await import('./fwknop/authenticator/fwknop-authenticator.ts')
      return new FwknopAuthenticator(deps, work())
    },
    knockknock: async (deps) => {
      const { KnockknockAuthenticator } = await import('./knockknock/authenticator/knockknock-authenticator.ts')
      return new KnockknockAuthenticator(deps, work())
    },
  }
}
