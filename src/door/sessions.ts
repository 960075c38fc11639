import type { Service } from '../config/config.ts'
import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { sameAddress } from '../packet/address.ts'
import { flowName } from '../host/flows.ts'
import type { Flow } from '../host/flows.ts'

/** Most flows that are known at a time. With more, nothing is known about any flow. */
export const KNOWN_MAX = 65_536
/** Most openings that have ended since the last look. With more, nothing is known about any flow. */
const PAST_MAX = 4_096

/** A network that was let in, and the services to which it may begin flows. */
export interface Admission {
  readonly from: Network
  readonly services: readonly Service[]
}

/**
 * Remembers which flows to guarded ports were let in. While the guard is in place, every existing flow was let in. They
 * are therefore recorded from time to time, and at once after an opening in which flows may have begun.
 */
export class Sessions {
  #known: Known | undefined
  /** The flows of the look before that one. A list of sockets that changes during reading may omit some. */
  #before: Known | undefined
  #past: readonly Admission[] = []
  #pastLost = false

  /** Adds an opening that has ended. Flows that began in it may still exist. */
  ended(admission: Admission): void {
    if (this.#past.length < PAST_MAX) this.#past = [...this.#past, admission]
    else this.#pastLost = true
  }

  /** Begins a look at the flows to these services. */
  look(services: readonly Service[]): Look {
    const known = this.#pastLost ? undefined : this.#known
    const before = this.#before
    const past = this.#past
    const lost = this.#pastLost
    const inodes = new Map<string, number | undefined>()
    let tooMany = false
    const wasAdmitted = (flow: Flow): boolean => past.some((admission) => admits(admission, flow))
    return {
      tells: known !== undefined,
      wasAdmitted,
      wasLetIn: (flow) => known === undefined || known.has(flow) || before?.lists(flow) === true || wasAdmitted(flow),
      add: (flow) => {
        const name = flowName(flow)
        if (inodes.size < KNOWN_MAX || inodes.has(name)) inodes.set(name, flow.inode)
        else tooMany = true
      },
      done: () => {
        this.#before = this.#known
        this.#known = tooMany ? undefined : new Known(services, inodes)
        this.#past = this.#past.slice(past.length)
        if (lost) this.#pastLost = false
      },
    }
  }
}

/** One look at the existing flows. */
export interface Look {
  /** True if it is known which flows were let in. */
  readonly tells: boolean
  /** Returns true if an opening that ended since the last look may have let the flow in. */
  wasAdmitted(flow: Flow): boolean
  /** Returns true if the flow was let in before this look, or may have been. */
  wasLetIn(flow: Flow): boolean
  /** Adds a flow that may exist. */
  add(flow: Flow): void
  /** Ends the look: all flows are added, and the guard was in place throughout. */
  done(): void
}

/** The flows of one look. */
class Known {
  readonly #services: readonly Service[]
  readonly #inodes: ReadonlyMap<string, number | undefined>

  constructor(services: readonly Service[], inodes: ReadonlyMap<string, number | undefined>) {
    this.#services = services
    this.#inodes = inodes
  }

  /** Returns true if the flow existed then, or may have existed. */
  has(flow: Flow): boolean {
    // Nothing is known about services that were not guarded then.
    return !this.#services.some((service) => isTo(service, flow)) || this.lists(flow)
  }

  /** Returns true if the look recorded the flow. */
  lists(flow: Flow): boolean {
    const name = flowName(flow)
    if (!this.#inodes.has(name)) return false
    const inode = this.#inodes.get(name)
    // A socket that no program had accepted yet (inode 0) may have got its inode since.
    return inode === 0 || inode === flow.inode
  }
}

/** Returns true if the admission allows the flow. */
export function admits({ from, services }: Admission, flow: Flow): boolean {
  return contains(from, flow.peer) && services.some((service) => isTo(service, flow))
}

function isTo({ protocol, first, last, host }: Service, flow: Flow): boolean {
  if (protocol !== flow.protocol || flow.port < first || last < flow.port) return false
  return host === undefined || sameAddress(host, flow.address)
}
