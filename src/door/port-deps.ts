import type { Service } from '../config/config.ts'
import type { Network } from '../packet/network.ts'
import type { Kept } from './connected.ts'
import type { Guard } from './guard.ts'
import type { OpenerDeps } from './live-opener.ts'
import type { Admission } from './sessions.ts'

/** The functions and values that openings of ports need from their caller. */
export interface PortDeps extends OpenerDeps {
  readonly guard: Guard
  /**
   * Tells whether addresses of the network have a TCP connection to one of the services. Never rejects, may take
   * seconds.
   */
  isConnected(services: readonly Service[], from: Network): Promise<boolean>
  /** Called after each repair of the guard. */
  readonly restored?: () => void
  /** Called with each opening that a connection extends, and its milliseconds from now on. */
  readonly kept?: (opening: Kept) => void
  /** Called with each opening that has ended. Connections that began in it may continue. */
  readonly past?: (admission: Admission) => void
}
