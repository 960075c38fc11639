import { randomInt } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { ENDPOINTS_MAX, endpointFault, type EtcdAccess } from './access.ts'
import { attempt, ATTEMPT_MS, type Limits, WITHIN_MS } from './attempts.ts'
import { type Call, Connection } from './connection.ts'
import { Endpoints } from './endpoints.ts'
import { Login } from './login.ts'
import { type Listed, listAll, rangeOf } from './range.ts'
import { alarmsOf, type EndpointStatus, type EtcdAlarm, type EtcdMember, membersOf, statusOf } from './status.ts'
import { Pace } from './pace.ts'
import { EtcdUnavailable } from './unavailable.ts'
import {
  type Compare,
  encoded,
  fieldsOf,
  type KeyValue,
  listOf,
  numberOf,
  type Op,
  putBody,
  revisionOf,
  textOf,
  txnBody,
} from './values.ts'
import { type EtcdWatch, Watch, type WatchEvent, type WatchListener } from './watch.ts'
import { changesAt } from './watch-stream.ts'
import { within } from './within.ts'

export { EtcdUnavailable } from './unavailable.ts'
export type { UnavailableKind } from './unavailable.ts'
export type { Compare, KeyValue, Op } from './values.ts'
export type { Listed } from './range.ts'
export type { EndpointStatus, EtcdAlarm, EtcdMember } from './status.ts'
export type { EtcdWatch, WatchEvent, WatchListener, WatchState } from './watch.ts'

/** The maximum number of requests under way. Above it, a request fails at once. */
export const PENDING_MAX = 512

/** Milliseconds between two looks whether a member has a revision. */
const APPLIED_EVERY_MS = 50

/** Options for tests. */
export interface EtcdOptions extends Partial<Limits> {
  /** Returns a random number from 0, below another one. Default: that of node:crypto. */
  readonly random?: (below: number) => number
}

/** The result of a transaction. */
export interface TxnResult {
  /** True if all conditions held, so that the first steps were carried out. */
  readonly won: boolean
  readonly revision: string
  /** The keys that each step of that branch read. */
  readonly kvs: readonly (readonly KeyValue[])[]
}

/** The number of members that have come to a revision, and of all that the client knows. */
export interface Applied {
  readonly applied: number
  readonly members: number
}

/**
 * A client of etcd 3.4 and later, by its JSON gateway and mutual TLS. Each request is tried at one member after the
 * other (see {@link attempt}), so it may be carried out several times: a transaction needs a mark of its own.
 * Every method rejects with {@link EtcdUnavailable} alone.
 */
export class Etcd {
  readonly #connections: readonly Connection[]
  readonly #members: Endpoints<Connection>
  readonly #limits: Limits
  readonly #random: (below: number) => number
  readonly #login: Login | undefined
  readonly #pace = new Pace()
  readonly #closed = new AbortController()
  readonly #watches = new Set<Watch>()
  #pending = 0

  /** Throws an Error when an endpoint is not an https address, or there are none or too many. */
  constructor(
    access: EtcdAccess,
    { attemptMs = ATTEMPT_MS, withinMs = WITHIN_MS, random = randomInt }: EtcdOptions = {},
  ) {
    if (access.endpoints.length === 0 || access.endpoints.length > ENDPOINTS_MAX) {
      throw new Error(`${access.endpoints.length} endpoints: expected 1 to ${ENDPOINTS_MAX}`)
    }
    for (const endpoint of access.endpoints) {
      const fault = endpointFault(endpoint)
      if (fault !== undefined) throw new Error(`${fault}: ${endpoint}`)
    }
    this.#limits = { attemptMs, withinMs }
    this.#random = random
    this.#connections = access.endpoints.map((endpoint) => new Connection(endpoint, access))
    // Hosts of a fleet do not all begin with the same member.
    this.#members = new Endpoints(this.#connections, random(this.#connections.length))
    const { login } = access
    if (login !== undefined) this.#login = new Login(async () => await this.#authenticate(login))
    setMaxListeners(0, this.#closed.signal)
  }

  /**
   * Carries out a transaction: the first steps if all conditions hold, otherwise the other ones.
   *
   * @param withinMs milliseconds for the answer, if less is left than usual
   */
  async txn(
    compare: readonly Compare[],
    then: readonly Op[],
    otherwise: readonly Op[] = [],
    withinMs?: number,
  ): Promise<TxnResult> {
    const call = { path: '/v3/kv/txn', body: txnBody(compare, then, otherwise) }
    const answer = fieldsOf(await this.#call(call, this.#members, this.#within(withinMs)))
    const kvs = listOf(answer['responses']).map((each) => rangeOf(fieldsOf(each)['response_range']).kvs)
    return { won: answer['succeeded'] === true, revision: revisionOf(answer), kvs }
  }

  async get(key: string): Promise<KeyValue | undefined> {
    return rangeOf(await this.#range({ key: encoded(key) })).kvs[0]
  }

  /**
   * Writes a key. An attempt that hung at a member that was stopped may be carried out much later, over a newer value.
   * Where that matters, use {@link txn} with a condition.
   */
  async put(key: string, value: string, lease?: string): Promise<{ readonly revision: string }> {
    const answer = await this.#call({ path: '/v3/kv/put', body: putBody(key, value, lease) })
    return { revision: revisionOf(fieldsOf(answer)) }
  }

  async delete(key: string): Promise<void> {
    await this.#call({ path: '/v3/kv/deleterange', body: { key: encoded(key) } })
  }

  /** Lists all keys with a prefix at one revision. Rejects when there are more than `LIST_MAX`. */
  async list(prefix: string): Promise<Listed> {
    return await listAll(prefix, async (body) => await this.#range(body))
  }

  /** Makes a lease and returns its number. A repeated attempt may leave another one behind, which ends by itself. */
  async grant(ttlS: number, withinMs?: number): Promise<string> {
    const call = { path: '/v3/lease/grant', body: { TTL: String(ttlS) } }
    return numberOf(fieldsOf(await this.#call(call, this.#members, this.#within(withinMs)))['ID'])
  }

  /**
   * Tells a listener what is below a prefix and every change to it, in order, without a gap, until it is closed.
   *
   * @param only the keys that are listed: however much else is below the prefix, the list does not fail
   */
  watch(prefix: string, listener: WatchListener, only?: readonly string[]): EtcdWatch {
    const watch = new Watch(prefix, listener, {
      connections: this.#connections,
      random: this.#random,
      token: async () => await this.#login?.token(),
      refused: async (token) => await this.#login?.refused(token),
      list: async () => await (only === undefined ? this.list(prefix) : this.#listOnly(only)),
      closed: () => this.#watches.delete(watch),
    })
    this.#watches.add(watch)
    watch.start()
    return watch
  }

  /**
   * Returns the changes of one key from a revision on, up to the first that is enough: what a watch has not told yet.
   *
   * @param withinMs milliseconds for the answer, if less is left than usual
   */
  async changes(
    key: string,
    from: number,
    isEnough: (event: WatchEvent) => boolean,
    withinMs?: number,
  ): Promise<readonly WatchEvent[]> {
    return await this.#attempt(
      async (member, signal) =>
        await this.#withToken(async (token) => await changesAt(member, key, BigInt(from), token, isEnough, signal)),
      this.#members,
      this.#within(withinMs),
    )
  }

  /**
   * Waits until all members but so many have come to a revision, and at most for some milliseconds: one that is down never
   * does. Returns the number of those that have. Never rejects.
   */
  async applied(revision: number, but: number, withinMs: number): Promise<Applied> {
    const members = this.#connections.length
    const end = performance.now() + withinMs
    const over = new AbortController()
    let applied = 0
    const looks = this.#connections.map(async (each) => {
      if (!(await this.#applies(each, revision, end, over.signal))) return
      applied++
      if (applied >= members - but) over.abort()
    })
    const onClosed = (): void => over.abort()
    this.#closed.signal.addEventListener('abort', onClosed)
    if (this.#closed.signal.aborted) onClosed()
    await Promise.all(looks)
    this.#closed.signal.removeEventListener('abort', onClosed)
    return { applied, members }
  }

  /**
   * Asks one member for its state, at most twice, as a connection that was kept may have ended. It answers without a
   * leader, too. Other requests go on as before.
   */
  async statusOf(endpoint: string): Promise<EndpointStatus> {
    const connection = this.#connections.find((each) => each.endpoint === endpoint)
    if (connection === undefined) throw new EtcdUnavailable('answer', `not an endpoint of this client: ${endpoint}`)
    const began = performance.now()
    const call = { path: '/v3/maintenance/status', body: {}, needsLeader: false }
    const answer = await within(this.#limits.withinMs, this.#closed.signal, async (signal) => {
      const once = async (): Promise<unknown> => await this.#send(connection, call, signal)
      return await once().catch(once)
    })
    return statusOf(answer, performance.now() - began)
  }

  async members(): Promise<readonly EtcdMember[]> {
    return membersOf(await this.#call({ path: '/v3/cluster/member/list', body: {} }))
  }

  async alarms(): Promise<readonly EtcdAlarm[]> {
    return alarmsOf(await this.#call({ path: '/v3/maintenance/alarm', body: { action: 'GET' } }))
  }

  /** Ends all watches and connections. What is under way rejects, and so does everything afterwards. */
  close(): void {
    for (const watch of this.#watches) watch.close()
    this.#closed.abort()
    for (const connection of this.#connections) connection.close()
  }

  async #listOnly(keys: readonly string[]): Promise<Listed> {
    const { revision, kvs } = await this.txn(
      [],
      keys.map((key) => ({ get: key })),
    )
    return { revision, kvs: kvs.flat() }
  }

  #within(ms = this.#limits.withinMs): Limits {
    return { ...this.#limits, withinMs: Math.min(ms, this.#limits.withinMs) }
  }

  async #range(body: object): Promise<unknown> {
    return await this.#call({ path: '/v3/kv/range', body })
  }

  /** Looks until a member's own state, which it reads without the others, has come to a revision. */
  async #applies(member: Connection, revision: number, end: number, over: AbortSignal): Promise<boolean> {
    const call = { path: '/v3/kv/range', body: { key: encoded('/'), count_only: true, serializable: true } }
    for (;;) {
      const leftMs = end - performance.now()
      if (leftMs <= 0 || over.aborted) return false
      try {
        // oxlint-disable-next-line no-await-in-loop -- one look after another
        const answer = await within(leftMs, over, async (signal) => await this.#send(member, call, signal))
        if (Number(rangeOf(answer).revision) >= revision) return true
      } catch {
        // It may answer the next time.
      }
      // oxlint-disable-next-line no-await-in-loop -- as above
      await pause(APPLIED_EVERY_MS, undefined, { signal: over }).catch(() => undefined)
    }
  }

  async #call(call: Call, members = this.#members, limits = this.#limits): Promise<unknown> {
    const send = async (member: Connection, signal: AbortSignal): Promise<unknown> =>
      await this.#send(member, call, signal)
    return await this.#attempt(send, members, limits)
  }

  async #send(member: Connection, call: Call, signal: AbortSignal): Promise<unknown> {
    return await this.#withToken(async (token) => await member.send({ ...call, token }, signal))
  }

  async #attempt<Answer>(
    send: (member: Connection, signal: AbortSignal) => Promise<Answer>,
    members: Endpoints<Connection>,
    limits: Limits,
  ): Promise<Answer> {
    if (this.#pending >= PENDING_MAX) {
      throw new EtcdUnavailable('busy', `${PENDING_MAX} requests to etcd are waiting`)
    }
    this.#pending++
    try {
      return await attempt(members, send, limits, this.#closed.signal, this.#pace)
    } finally {
      this.#pending--
    }
  }

  /** Sends a request with the token of access control, and once more with a new one. */
  async #withToken<Answer>(send: (token: string | undefined) => Promise<Answer>): Promise<Answer> {
    const token = await this.#login?.token()
    try {
      return await send(token)
    } catch (error) {
      if (!(error instanceof EtcdUnavailable)) throw error
      if (this.#login === undefined && (error.kind === 'token' || error.kind === 'login')) {
        throw new EtcdUnavailable('login', 'etcd asks for a name and a password')
      }
      if (token === undefined || error.kind !== 'token') throw error
      await this.#login?.refused(token)
      return await send(await this.#login?.token())
    }
  }

  async #authenticate(login: NonNullable<EtcdAccess['login']>): Promise<string> {
    const call = { path: '/v3/auth/authenticate', body: login }
    const send = async (member: Connection, signal: AbortSignal): Promise<unknown> => await member.send(call, signal)
    return textOf(fieldsOf(await attempt(this.#members, send, this.#limits, this.#closed.signal, this.#pace))['token'])
  }
}
