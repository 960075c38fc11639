import { explained } from '../etcd/advice.ts'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { Etcd } from '../etcd/client.ts'

/** Milliseconds between two looks at the nodes of etcd, and the part of it by which they vary. */
export const NODES_EVERY_MS = 30_000
const JITTER = 0.2

/** The functions and values that looks at the nodes need. */
export interface NodeStatesDeps {
  readonly etcd: Pick<Etcd, 'statusOf'>
  readonly endpoints: readonly string[]
  /** Returns a number from 0, below 1. */
  readonly random: () => number
}

/**
 * Looks at each node that fleet.conf names, whether a stream goes to it or not: all goes on while a majority answers, and
 * nobody would be told of a node that is gone until the next one is.
 */
export class NodeStates {
  readonly #deps: NodeStatesDeps
  /** The problems of nodes, by their addresses. */
  readonly #faults = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(deps: NodeStatesDeps) {
    this.#deps = deps
  }

  /** Begins to look. */
  start(): void {
    void this.#look()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  /** The problem of each node, with its remedy. */
  get problems(): readonly string[] {
    const { endpoints } = this.#deps
    const faults = endpoints.flatMap((endpoint) => this.#faults.get(endpoint) ?? [])
    if (faults.length === 0) return []
    const left = endpoints.length - faults.length
    const enough = left > endpoints.length / 2
    return faults.map((fault) => (enough ? `${fault}; the fleet works with the other ${left}` : fault))
  }

  async #look(): Promise<void> {
    const { endpoints, random } = this.#deps
    await Promise.all(endpoints.map(async (endpoint) => await this.#ask(endpoint)))
    if (this.#isClosed) return
    const ms = NODES_EVERY_MS * (1 + JITTER * (2 * random() - 1))
    this.#timer = setTimeout(() => void this.#look(), ms).unref()
  }

  async #ask(endpoint: string): Promise<void> {
    try {
      const { leader } = await this.#deps.etcd.statusOf(endpoint)
      if (leader === '0') this.#faults.set(endpoint, `${endpoint} has no leader: let it reach the other nodes`)
      else this.#faults.delete(endpoint)
    } catch (error) {
      const why = error instanceof EtcdUnavailable ? explained(error) : (error as Error).message
      // A node that refuses the login is there.
      if (error instanceof EtcdUnavailable && error.kind === 'login') this.#faults.delete(endpoint)
      else this.#faults.set(endpoint, `${endpoint} does not answer: ${why}`)
    }
  }
}
