import type { Service } from '../config/config.ts'
import { contains } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { sameAddress } from '../packet/address.ts'
import { flowName } from '../host/flows.ts'
import type { Flow } from '../host/flows.ts'

/** Most flows that are known at a time. With more nothing can be told about any. */
export const KNOWN_MAX = 65_536
/** Most openings that have ended since the last look: with more nothing can be told about any flow. */
const PAST_MAX = 4_096

/** Who may begin flows to what. */
export interface Admission {
  readonly from: Network
  readonly services: readonly Service[]
}

/**
 * Which flows to guarded ports were let in. While the guard stands, all that are there were: so they are noted from time
 * to time, and at once when an opening has ended in which more may have begun.
 */
export class Sessions {
  #known: Known | undefined
  /** Of the look before that: a list of sockets that changes while it is read may leave one out. */
  #before: Known | undefined
  #past: readonly Admission[] = []
  #pastLost = false

  /** An opening has ended: flows that began in it may be there. */
  ended(admission: Admission): void {
    if (this.#past.length < PAST_MAX) this.#past = [...this.#past, admission]
    else this.#pastLost = true
  }

  /** Looks at the flows to these services. */
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

/** One look at what is there. */
export interface Look {
  /** Whether it can be told of a flow if it was let in. */
  readonly tells: boolean
  /** Whether an opening that has ended since the last look may have let a flow in. */
  wasAdmitted(flow: Flow): boolean
  /** Whether a flow was let in before this look, or may have been. */
  wasLetIn(flow: Flow): boolean
  /** Notes one that may be there. */
  add(flow: Flow): void
  /** All are noted, and the guard stood all the while. */
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

  /** Whether the flow was there, or may have been. */
  has(flow: Flow): boolean {
    // Of what was not guarded then, nothing is known.
    return !this.#services.some((service) => isTo(service, flow)) || this.lists(flow)
  }

  /** Whether the flow was there. */
  lists(flow: Flow): boolean {
    const name = flowName(flow)
    if (!this.#inodes.has(name)) return false
    const inode = this.#inodes.get(name)
    // One that no program had yet may have got its number since.
    return inode === 0 || inode === flow.inode
  }
}

/** Whether who may begin flows may have begun this one. */
export function admits({ from, services }: Admission, flow: Flow): boolean {
  return contains(from, flow.peer) && services.some((service) => isTo(service, flow))
}

function isTo({ protocol, first, last, host }: Service, flow: Flow): boolean {
  if (protocol !== flow.protocol || flow.port < first || last < flow.port) return false
  return host === undefined || sameAddress(host, flow.address)
}
