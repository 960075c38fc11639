import { setTimeout as pause } from 'node:timers/promises'
import type { Service } from '../config/config.ts'
import type { Address, Family } from '../packet/address.ts'
import { sameAddress } from '../packet/address.ts'
import { ADDRESS_BITS } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { isConnected, isServedElsewhere, isServedHere } from './connections.ts'
import { trackedConnections } from './conntrack.ts'
import type { TrackedConnection, TrackedFilter } from './conntrack.ts'
import { establishedSockets } from './socket-diag.ts'
import type { SocketFilter } from './socket-diag.ts'
import { SourceIndex } from './source-index.ts'

/** Questions that are asked one by one, each for its own source; more are asked together. */
export const ASKED_ALONE_MAX = 4
/** How often a table is asked for that changed meanwhile, before what it told is taken for all there is. */
const ASKED_MAX = 2
const FAMILIES: readonly Family[] = [4, 6]

/** How the kernel is asked; the tests' kernel is their own. */
export interface KernelTables {
  sockets(filter: SocketFilter, each: (peer: Address, port: number) => void): Promise<boolean>
  tracked(filter: TrackedFilter, each: (connection: TrackedConnection) => void): Promise<boolean>
  /** What answers where the kernel does not. */
  printed(services: readonly Service[], from: Network): boolean
}

const KERNEL: KernelTables = { sockets: establishedSockets, tracked: trackedConnections, printed: isConnected }

interface Question {
  /** TCP alone. */
  readonly services: readonly Service[]
  readonly from: Network
  connected: boolean
  readonly answer: (connected: boolean) => void
}

/**
 * Tells who is connected: one question an opening at a time. The kernel is asked for the sources and ports that are in question, on a thread, and never for more
 * than one table at a time; after each it is left alone for as long as that took, so that all questions together cost half of
 * a core at the most. What is asked meanwhile is asked together.
 */
export class ConnectionLookup {
  readonly #kernel: KernelTables
  #waiting: Question[] = []
  #asking = false

  constructor(kernel: KernelTables = KERNEL) {
    this.#kernel = kernel
  }

  /** Whether one of these addresses has an established TCP connection to one of the services. Never rejects. */
  async isConnected(services: readonly Service[], from: Network): Promise<boolean> {
    const tcp = services.filter(({ protocol }) => protocol === TCP)
    if (tcp.length === 0) return false
    return await new Promise((answer) => {
      this.#waiting.push({ services: tcp, from, connected: false, answer })
      if (!this.#asking) void this.#askAll()
    })
  }

  /** Never rejects. */
  async #askAll(): Promise<void> {
    this.#asking = true
    while (this.#waiting.length > 0) {
      const questions = this.#waiting
      this.#waiting = []
      const groups = questions.length <= ASKED_ALONE_MAX ? questions.map((one) => [one]) : [questions]
      for (const group of groups) {
        const begun = performance.now()
        await this.#ask(group)
        for (const { answer, connected } of group) answer(connected)
        await pause(performance.now() - begun)
      }
    }
    this.#asking = false
  }

  /** Never rejects. */
  async #ask(questions: readonly Question[]): Promise<void> {
    try {
      await this.#askSockets(questions)
      await this.#askTracked(questions)
    } catch {
      // Such tables are small where they are printed alone: a kernel that has a great many connections answers questions.
      for (const question of questions) question.connected ||= this.#printed(question)
    }
  }

  #printed({ services, from }: Question): boolean {
    try {
      return this.#kernel.printed(services, from)
    } catch {
      return false
    }
  }

  /** What this host serves itself. IPv4 may come to sockets for both families. */
  async #askSockets(all: readonly Question[]): Promise<void> {
    const questions = all.filter(({ services }) => services.some(({ host }) => host === undefined))
    for (const family of FAMILIES) {
      const open = questions.filter(({ connected, from }) => !connected && from.address.family <= family)
      if (open.length === 0) continue
      const bySource = indexOf(open)
      const filter = { family, from: open.length === 1 ? open[0]!.from : undefined, port: commonPort(open) }
      await this.#kernel.sockets(filter, (peer, port) => {
        bySource.find(peer, (question) => {
          question.connected ||= isServedHere(question.services, port)
        })
      })
    }
  }

  /** What is handed on to others, or to another port, is in no socket's name here. */
  async #askTracked(questions: readonly Question[]): Promise<void> {
    for (const family of FAMILIES) {
      const open = questions.filter(({ connected, from }) => !connected && from.address.family === family)
      if (open.length === 0) continue
      const bySource = indexOf(open)
      const filter = { family, source: commonSource(open), port: commonPort(open) }
      for (let asked = 0; asked < ASKED_MAX; asked++) {
        const whole = await this.#kernel.tracked(filter, (connection) => {
          bySource.find(connection.source, (question) => {
            question.connected ||= passes(connection, question)
          })
        })
        if (whole || open.every(({ connected }) => connected)) break
      }
    }
  }
}

function indexOf(questions: readonly Question[]): SourceIndex<Question> {
  const index = new SourceIndex<Question>()
  for (const question of questions) index.add(question.from, question)
  return index
}

function passes({ destination, port, answering, answeringPort }: TrackedConnection, { services }: Question): boolean {
  const handedOn = port !== answeringPort || !sameAddress(destination, answering)
  return isServedElsewhere(services, destination, port, handedOn)
}

/** The address that all ask for; `undefined`: there are several, or a network. */
function commonSource(questions: readonly Question[]): Address | undefined {
  const [first] = questions
  const { address, prefix } = first!.from
  const alone = prefix === ADDRESS_BITS[address.family] && questions.every(({ from }) => from === first!.from)
  return alone ? address : undefined
}

/** The port that all ask for; `undefined`: there are several. */
function commonPort(questions: readonly Question[]): number | undefined {
  const services = questions.flatMap((question) => question.services)
  const { first = 0 } = services[0] ?? {}
  return services.every((service) => service.first === first && service.last === first) ? first : undefined
}
