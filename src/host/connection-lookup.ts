import { setTimeout as pause } from 'node:timers/promises'
import type { Service } from '../config/config.ts'
import { hasPort } from '../config/service.ts'
import type { Address } from '../packet/address.ts'
import { FAMILIES } from '../packet/address.ts'
import { ADDRESS_BITS } from '../packet/network.ts'
import type { Network } from '../packet/network.ts'
import { TCP } from '../packet/packet.ts'
import { isConnected, isServedElsewhere } from './connections.ts'
import { trackedConnections } from './conntrack.ts'
import type { TrackedConnection, TrackedFilter } from './conntrack.ts'
import { establishedSockets } from './socket-diag.ts'
import type { SocketFilter } from './socket-diag.ts'
import { SourceIndex } from './source-index.ts'

/** Most questions that are asked one by one, each for its own source. More are asked together. */
export const ASKED_ALONE_MAX = 4
/** Most requests for a table that keeps changing. After that, the result counts as complete. */
const ASKED_MAX = 2

/** The kernel's tables. Tests replace them. */
export interface KernelTables {
  sockets(filter: SocketFilter, each: (peer: Address, port: number) => void): Promise<boolean>
  tracked(filter: TrackedFilter, each: (connection: TrackedConnection) => void): Promise<boolean>
  /** Reads the printed tables, if the kernel does not answer requests. */
  printed(services: readonly Service[], from: Network): boolean
}

const KERNEL: KernelTables = { sockets: establishedSockets, tracked: trackedConnections, printed: isConnected }

interface Question {
  /** TCP services only. */
  readonly services: readonly Service[]
  readonly from: Network
  connected: boolean
  readonly answer: (connected: boolean) => void
}

/**
 * Tells which sources are connected, for each opening that asks. The kernel is asked on a thread, and only for the
 * sources and ports in question. It is asked for one table at a time. After each, a pause as long as the request keeps
 * all questions together below half of a core. Questions that arrive meanwhile are asked together.
 */
export class ConnectionLookup {
  readonly #kernel: KernelTables
  #waiting: Question[] = []
  #asking = false

  constructor(kernel: KernelTables = KERNEL) {
    this.#kernel = kernel
  }

  /** Returns true if one of these addresses has an established TCP connection to one of the services. Never rejects. */
  async isConnected(services: readonly Service[], from: Network): Promise<boolean> {
    const tcp = services.filter(({ protocol }) => protocol === TCP)
    if (tcp.length === 0) return false
    return await new Promise((answer) => {
      this.#waiting.push({ services: tcp, from, connected: false, answer })
      if (!this.#asking) void this.#askAll()
    })
  }

  /** Asks all waiting questions. Never rejects. */
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

  /** Asks some questions. Never rejects. */
  async #ask(questions: readonly Question[]): Promise<void> {
    try {
      await this.#askSockets(questions)
      await this.#askTracked(questions)
    } catch {
      // A kernel that only prints its tables has small ones: kernels with very many connections answer requests.
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

  /** Looks for connections to services of this host. IPv4 connections may use sockets for both families. */
  async #askSockets(all: readonly Question[]): Promise<void> {
    const questions = all.filter(({ services }) => services.some(({ host }) => host === undefined))
    for (const family of FAMILIES) {
      const open = questions.filter(({ connected, from }) => !connected && from.address.family <= family)
      if (open.length === 0) continue
      const bySource = indexOf(open)
      const filter = { family, from: open.length === 1 ? open[0]!.from : undefined, port: commonPort(open) }
      await this.#kernel.sockets(filter, (peer, port) => {
        bySource.find(peer, (question) => {
          question.connected ||= hasPort(question.services, { protocol: TCP, port })
        })
      })
    }
  }

  /** Looks for connections that are forwarded to other hosts or ports. They have no socket here. */
  async #askTracked(questions: readonly Question[]): Promise<void> {
    for (const family of FAMILIES) {
      const open = questions.filter(({ connected, from }) => !connected && from.address.family === family)
      if (open.length === 0) continue
      const bySource = indexOf(open)
      const filter = { family, source: commonSource(open), port: commonPort(open) }
      for (let asked = 0; asked < ASKED_MAX; asked++) {
        const whole = await this.#kernel.tracked(filter, (connection) => {
          bySource.find(connection.source, (question) => {
            question.connected ||= isServedElsewhere(question.services, connection)
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

/** Returns the address that all questions are about; `undefined`: there are several, or a network. */
function commonSource(questions: readonly Question[]): Address | undefined {
  const [first] = questions
  const { address, prefix } = first!.from
  const alone = prefix === ADDRESS_BITS[address.family] && questions.every(({ from }) => from === first!.from)
  return alone ? address : undefined
}

/** Returns the port that all questions are about; `undefined`: there are several. */
function commonPort(questions: readonly Question[]): number | undefined {
  const services = questions.flatMap((question) => question.services)
  const { first = 0 } = services[0] ?? {}
  return services.every((service) => service.first === first && service.last === first) ? first : undefined
}
