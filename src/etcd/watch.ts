import type { Connection } from './connection.ts'
import { Endpoints } from './endpoints.ts'
import { type Listed, rangeOf } from './range.ts'
import { EtcdUnavailable } from './unavailable.ts'
import { encoded, type KeyValue } from './values.ts'
import { within } from './within.ts'
import { PROBE_WITHIN_MS } from './member-look.ts'
import { rangeBelow, watchAt, type WatchEvent } from './watch-stream.ts'

export type { WatchEvent } from './watch-stream.ts'

/** The number of streams of a watch, each at another member, so that a member that stops costs no time. */
const STREAMS = 2
/** Milliseconds before a broken stream is opened again: at first, and at most. A part of it is random. */
export const BACKOFF_FIRST_MS = 100
export const BACKOFF_MAX_MS = 2_000
/** Milliseconds after which a stream counts as one that worked. */
const LASTED_MS = 5_000

/** `seeing`: changes arrive. `blind`: no stream is open, for that reason. */
export type WatchState = 'seeing' | { readonly blind: string }

/**
 * The receiver of a watch's changes: in the order of the store's revisions, each change once. The methods must not throw.
 */
export interface WatchListener {
  /** Everything below the prefix at a revision: at the start, and after a gap. It replaces what was told before. */
  listed(kvs: readonly KeyValue[], revision: string): void
  /** Changes since; those of one revision come together. */
  changed(events: readonly WatchEvent[]): void
  /** The state is another one. A watch begins blind. */
  state(state: WatchState): void
}

/** A watch that is under way. */
export interface EtcdWatch {
  readonly state: WatchState
  /** Ends it. Nothing is told afterwards. */
  close(): void
}

/** The functions and values that a watch needs from its client. */
export interface WatchDeps {
  readonly connections: readonly Connection[]
  readonly random: (below: number) => number
  readonly token: () => Promise<string | undefined>
  readonly refused: (token: string) => Promise<void>
  readonly list: () => Promise<Listed>
  readonly closed: () => void
}

/** Lists what is below a prefix, and follows it by several streams, whose events are told once. */
export class Watch implements EtcdWatch {
  readonly #prefix: string
  readonly #listener: WatchListener
  readonly #deps: WatchDeps
  readonly #members: Endpoints<Connection>
  readonly #closed = new AbortController()
  /** The member of each stream, by the stream's number. */
  readonly #used = new Map<number, Connection>()
  readonly #open = new Set<number>()
  #state: WatchState = { blind: 'not connected yet' }
  #list: Promise<void> | undefined
  /** Ends the streams that go on from the present list. */
  #round = new AbortController()
  /** The revision up to which everything was told. */
  #told = 0n

  constructor(prefix: string, listener: WatchListener, deps: WatchDeps) {
    this.#prefix = prefix
    this.#listener = listener
    this.#deps = deps
    this.#members = new Endpoints(deps.connections, deps.random(deps.connections.length))
  }

  get state(): WatchState {
    return this.#state
  }

  start(): void {
    for (let stream = 0; stream < Math.min(STREAMS, this.#deps.connections.length); stream++) void this.#run(stream)
  }

  close(): void {
    this.#closed.abort()
    this.#round.abort()
    this.#deps.closed()
  }

  /** Keeps one stream open. */
  async #run(stream: number): Promise<void> {
    let backoffMs = BACKOFF_FIRST_MS
    while (!this.#closed.signal.aborted) {
      const began = performance.now()
      try {
        await this.#listed()
        await this.#follow(stream, this.#round)
      } catch (error) {
        this.#broken(stream, error)
      }
      if (performance.now() - began > LASTED_MS) backoffMs = BACKOFF_FIRST_MS
      await this.#pause(backoffMs / 2 + this.#deps.random(backoffMs / 2))
      backoffMs = Math.min(backoffMs * 2, BACKOFF_MAX_MS)
    }
  }

  /** Lists once for all streams. */
  async #listed(): Promise<void> {
    const list = (this.#list ??= this.#begin())
    try {
      await list
    } catch (error) {
      if (this.#list === list) this.#list = undefined
      throw error
    }
  }

  async #begin(): Promise<void> {
    const { revision, kvs } = await this.#deps.list()
    if (this.#closed.signal.aborted) return
    this.#round = new AbortController()
    this.#told = BigInt(revision)
    this.#listener.listed(kvs, revision)
  }

  /** Has everything listed again, and ends the streams: what they tell could be older than the list. */
  #again(round: AbortController): void {
    if (this.#round !== round || round.signal.aborted) return
    round.abort()
    this.#list = undefined
  }

  async #follow(stream: number, round: AbortController): Promise<void> {
    if (round.signal.aborted) return
    const connection = this.#choose(stream)
    this.#used.set(stream, connection)
    const token = await this.#deps.token()
    try {
      const told = this.#told
      if ((await this.#revisionAt(connection, token, round.signal)) < told) {
        throw new EtcdUnavailable('compacted', 'etcd has lost revisions that it had before')
      }
      const listener = {
        created: () => this.#created(stream, connection, round),
        changed: (events: readonly WatchEvent[]) => this.#changed(events, round),
      }
      await watchAt(connection, rangeBelow(this.#prefix), this.#told + 1n, token, listener, round.signal)
    } catch (error) {
      this.#members.failed(connection, performance.now())
      const kind = error instanceof EtcdUnavailable ? error.kind : undefined
      if (kind === 'token' && token !== undefined) await this.#deps.refused(token)
      // What was too much at once would be so again.
      if (kind === 'compacted' || kind === 'size') this.#again(round)
      throw error
    } finally {
      this.#used.delete(stream)
    }
  }

  /** Returns a member that no other stream uses. */
  #choose(stream: number): Connection {
    const others = new Set([...this.#used].filter(([each]) => each !== stream).map(([, connection]) => connection))
    return this.#members.all(performance.now()).find((each) => !others.has(each))!
  }

  /**
   * Asks a member for the revision that the majority has now. One that is lower than before means that the cluster was
   * set up anew or from a copy. A watch from a later revision would then be silent until that one is reached.
   */
  async #revisionAt(connection: Connection, token: string | undefined, signal: AbortSignal): Promise<bigint> {
    const body = { key: encoded(this.#prefix), count_only: true }
    const call = { path: '/v3/kv/range', body, token }
    const answer = await within(PROBE_WITHIN_MS, signal, async (limited) => await connection.send(call, limited))
    return BigInt(rangeOf(answer).revision)
  }

  #created(stream: number, connection: Connection, round: AbortController): void {
    if (round.signal.aborted) return
    this.#members.answered(connection, performance.now())
    this.#open.add(stream)
    this.#enter('seeing')
  }

  #changed(events: readonly WatchEvent[], round: AbortController): void {
    if (round.signal.aborted) return
    const fresh = events.filter(({ kv }) => BigInt(kv.modRevision) > this.#told)
    if (fresh.length === 0) return
    this.#told = BigInt(fresh.at(-1)!.kv.modRevision)
    this.#listener.changed(fresh)
  }

  #broken(stream: number, error: unknown): void {
    this.#open.delete(stream)
    const kind = error instanceof EtcdUnavailable ? error.kind : undefined
    const listsAgain = this.#list === undefined && (kind === 'compacted' || kind === 'size')
    if (this.#open.size > 0 || listsAgain) return
    this.#enter({ blind: error instanceof EtcdUnavailable ? error.reason : (error as Error).message })
  }

  #enter(state: WatchState): void {
    const same =
      state === 'seeing' ? this.#state === 'seeing' : this.#state !== 'seeing' && state.blind === this.#state.blind
    this.#state = state
    if (!same && !this.#closed.signal.aborted) this.#listener.state(state)
  }

  async #pause(ms: number): Promise<void> {
    if (this.#closed.signal.aborted) return
    await new Promise<void>((resolve) => {
      const over = (): void => {
        clearTimeout(timer)
        this.#closed.signal.removeEventListener('abort', over)
        resolve()
      }
      const timer = setTimeout(over, ms).unref()
      this.#closed.signal.addEventListener('abort', over)
    })
  }
}
