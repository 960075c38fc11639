import type { KeyObject } from 'node:crypto'
import type { Door } from '../config/config.ts'
import { BY_HAND, fleetHolder, readFleetHolder } from '../door/held.ts'
import type { Grant } from '../door/grant.ts'
import type { Opener } from '../door/opener.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import { LruMap } from '../limit/lru-map.ts'
import type { Log } from '../log/log.ts'
import type { Clock } from '../secret/clock.ts'
import { boundedBy } from '../secret/vouched.ts'
import type { Judged, Vouched } from '../secret/vouched.ts'
import type { Store } from '../state/store.ts'
import { isInGroups } from './hosts.ts'
import type { FleetHost } from './hosts.ts'
import type { Keyspace } from './keyspace.ts'
import type { Change, NewsListener, Record } from './news.ts'
import { EVENT_MAX_CHARS, isByHand, readEvent, vouchedOf } from './opening-event.ts'
import type { OpeningEvent } from './opening-event.ts'
import { OwnGroups } from './own-groups.ts'
import type { OwnGroupsDeps } from './own-groups.ts'
import { SignatureError, openSigned, readSigned } from './signed.ts'
import { RefusedOpenings } from './refused-openings.ts'
import type { SignedEvent } from './refused-openings.ts'
import type { TakenOpenings } from './taken-openings.ts'
import { VerifyBudget } from './verify-budget.ts'

/** Milliseconds after which events that wait are looked at again. */
export const LOOK_EVERY_MS = 500
/** Most events of hosts that are unknown for the present, or that their hosts have not signed by the keys of the present. */
export const UNKNOWN_MAX = 4_096

/** The functions and values that openings of other hosts need from the daemon. */
export interface GroupDeps {
  readonly keyspace: Pick<Keyspace, 'openings'>
  /** The name of this host. */
  readonly host: string
  /** This host in the document in force; `undefined`: it is not in the fleet. */
  readonly own: () => FleetHost | undefined
  readonly keyOfHost: (name: string) => KeyObject | undefined
  readonly fleetKey: Buffer
  readonly clockSkewMs: number
  /** Returns the reason why this host may open nothing of the fleet now, such as its clock; `undefined`: it may. */
  readonly doubt: () => string | undefined
  readonly list: OwnGroupsDeps['list']
  /** The opener that tells nobody. */
  readonly opener: Pick<Opener, 'open' | 'release'>
  readonly authenticators: { find(door: string): Door | undefined; grantFor(vouched: Vouched): Judged }
  readonly reconciler: { isStillMay(grant: Grant): boolean; during(opening: Promise<unknown>): Promise<void> }
  readonly taken: Pick<TakenOpenings, 'numberOf' | 'wasOver' | 'take' | 'start' | 'stop'>
  readonly store: Pick<Store, 'loss'>
  readonly clock: Pick<Clock, 'now' | 'steady' | 'after'>
  readonly log: Pick<Log, 'event' | 'notice'>
  /** Runs something without a waiting caller, and records a failure as a fault. */
  readonly attempt: (work: () => Promise<void>) => Promise<void>
}

/**
 * Opens the doors of this host that other hosts of the fleet tell of, for the same address and user, as far as the config
 * and the files here allow, and never beyond their deadline. Write access to etcd opens nothing: each event is
 * signed, counts once, and is on disk before it opens.
 */
export class GroupOpenings implements NewsListener {
  readonly #deps: GroupDeps
  readonly #ownGroups: OwnGroups
  readonly #budget = new VerifyBudget()
  readonly #refused = new RefusedOpenings()
  readonly #unknown = new LruMap<string, Unknown>(UNKNOWN_MAX)
  /** The openings that are worked on, and the latest event of each that waits. */
  readonly #turns = new Map<string, SignedEvent | undefined>()
  readonly #throttle = new LogThrottle()
  #cancel = (): void => undefined
  #isBegun = false

  constructor(deps: GroupDeps) {
    this.#deps = deps
    this.#ownGroups = new OwnGroups(deps, (records) => this.listed(records))
  }

  /** Begins to open doors. Doors and users are in force. */
  start(): void {
    this.#isBegun = true
    this.#ownGroups.start()
    this.#deps.taken.start()
    this.#lookAgain()
  }

  stop(): void {
    this.#isBegun = false
    this.#deps.taken.stop()
    this.#cancel()
  }

  listed(records: readonly Record[]): void {
    for (const { key, value } of records) this.#offer(key, value, false)
  }

  /** A deleted event changes nothing: what is open goes on until its deadline. */
  changed(changes: readonly Change[]): void {
    for (const { type, kv } of changes) if (type === 'put') this.#offer(kv.key, kv.value, true)
  }

  /** Looks at an event. Nothing is checked that would change nothing. */
  #offer(key: string, value: string, isNews: boolean): void {
    const { keyspace, host: own, keyOfHost, clock } = this.#deps
    const [, host, id] = /^([^/]+)\/([\w-]{22})$/.exec(key.slice(keyspace.openings.length)) ?? []
    if (host === undefined || id === undefined || host === own || value.length > EVENT_MAX_CHARS) return
    const by = keyOfHost(host)
    if (!this.#isBegun || by === undefined) {
      this.#await(key, value, undefined)
      return
    }
    const now = clock.steady()
    if (this.#budget.isFull(host, key, now)) {
      this.#lose(host)
      return
    }
    const event = eventIn(value)
    if (event === undefined || event.id !== id || !this.#concerns(host, event, isNews)) return
    if (this.#budget.take(host, now)) this.#verify({ host, key, value, event, by })
    else if (!this.#budget.wait(host, { key, value })) this.#lose(host)
  }

  /** Keeps an event until its host has another key. Its end is read once: anyone who can write to etcd can write many. */
  #await(key: string, value: string, by: KeyObject | undefined): void {
    const until = eventIn(value)?.until
    if (until !== undefined) this.#unknown.set(key, { value, by, until })
  }

  #lose(host: string): void {
    this.#say(`waiting ${host}`, 'error', `too many events of ${host} in etcd: some openings are lost`)
  }

  /** Returns true if an event could change something here, if it is genuine. */
  #concerns(host: string, event: OpeningEvent, isNews: boolean): boolean {
    const { taken, clock } = this.#deps
    if (event.number <= taken.numberOf(host, event.id) || taken.wasOver(event.until)) return false
    if (event.until <= clock.now() && !isNews) return false
    return this.#isFor(event) || taken.numberOf(host, event.id) > 0
  }

  #isFor({ groups }: OpeningEvent): boolean {
    const own = this.#deps.own()
    return own !== undefined && isInGroups(own, groups)
  }

  #verify(told: SignedEvent): void {
    const { clock } = this.#deps
    const { host, key, value, event, by } = told
    try {
      openSigned(key, value, (name) => (name === host ? by : undefined))
    } catch (error) {
      if (!(error instanceof SignatureError)) throw error
      // The list of hosts with its new key may be on its way.
      this.#await(key, value, by)
      this.#say(
        `forged ${host}`,
        'error',
        `an opening in etcd that ${host} has not signed is refused: ${error.message}`,
      )
      return
    }
    if (event.until > clock.now()) this.#turn(told)
    else if (event.action === 'open') {
      const hint = 'compare the clocks of both hosts'
      this.#say(`late ${host}`, 'warning', `an opening of ${host} was over when it arrived\n${hint}`)
    }
  }

  /** Works on one event of an opening after the other. Of those that wait only the latest counts. */
  #turn(told: SignedEvent): void {
    const { key, event } = told
    if (this.#turns.has(key)) {
      const next = this.#turns.get(key)
      if (next === undefined || next.event.number < event.number) this.#turns.set(key, told)
      return
    }
    this.#turns.set(key, undefined)
    void this.#deps
      .attempt(async () => await (this.#isEnd(told) ? this.#end(told) : this.#begin(told)))
      .finally(() => {
        const next = this.#turns.get(key)
        this.#turns.delete(key)
        if (next !== undefined) this.#turn(next)
      })
  }

  /** Returns true if the opening ends here: at all, or for the groups of this host. */
  #isEnd({ event }: SignedEvent): boolean {
    return event.action === 'close' || !this.#isFor(event)
  }

  async #end({ host, event }: SignedEvent): Promise<void> {
    const { taken, opener, log } = this.#deps
    const redemption = await taken.take(host, event)
    if (redemption === 'lost') return
    const { id, source, door } = event
    if (typeof redemption === 'object') {
      const what = 'is closed, but a copy of its opening in etcd could open it again'
      log.event({ kind: 'trouble', level: 'error', source, door, what, cause: redemption.unavailable })
    }
    if (this.#isHeld(host, id)) log.notice('notice', `${source}: ${door}: closed early, told by ${host}`)
    await opener.release(({ holder }) => !isOf(holder, host, id))
  }

  async #begin(told: SignedEvent): Promise<void> {
    const { taken, reconciler, opener, log } = this.#deps
    const { host, event } = told
    const { id, action, source, door, operator } = event
    const isExtended = action === 'extend' && this.#isHeld(host, id)
    // Who closed it here, by hand or by revocation, has the last word until the next proof.
    if (action === 'extend' && !isExtended && taken.numberOf(host, id) > 0) return
    const judged = this.#judge(told)
    if ('refusal' in judged) {
      this.#refuse(told, judged.refusal)
      return
    }
    const redemption = await taken.take(host, event)
    if (redemption === 'lost') return
    if (typeof redemption === 'object') {
      log.event({ kind: 'refused', level: 'error', source, door, cause: redemption.unavailable })
      return
    }
    const grant = this.#remaining(event, judged)
    if (grant === undefined || !this.#deps.keyOfHost(host) || !reconciler.isStillMay(grant)) return
    if (isByHand(event)) {
      log.event({ kind: 'by-hand', action: 'opened', source, door, by: `${operator ?? 'root'}@${host}` })
    }
    const opened = (): void => {
      const { user, claimedUser } = grant
      if (!isExtended) log.event({ kind: 'open', source: grant.source, door, user, claimedUser, from: host })
    }
    await reconciler.during(opener.open(grant, opened))
  }

  /** Judges an event by what this host allows. */
  #judge({ host, event }: SignedEvent): Judged {
    const { authenticators, fleetKey, clock, clockSkewMs, store, doubt } = this.#deps
    const { at, id, action } = event
    // By a clock that is behind, an opening that is over would begin.
    const why = doubt()
    if (why !== undefined) return { refusal: why }
    const aheadMs = at - clock.now()
    if (aheadMs > clockSkewMs) {
      return { refusal: `the clock of ${host} is ${Math.round(aheadMs / 1_000)} s ahead of this one: set both` }
    }
    const { loss } = store
    if (loss?.kind === 'lost' && at <= loss.at) return { refusal: 'the record of earlier openings was lost' }
    const door = authenticators.find(event.door)
    if (door === undefined) return NO_DOOR
    if (door.scope !== 'fleet') return { refusal: 'it does not have `Scope = fleet`' }
    const vouched = vouchedOf(event, fleetKey)
    const judged = isByHand(event) ? byHand(door, vouched) : authenticators.grantFor(vouched)
    if ('refusal' in judged) return judged
    const holder = fleetHolder({ mark: judged.holder, host, id })
    return { ...judged, holder, from: host, ...(action === 'extend' ? { kept: true } : {}) }
  }

  /** Returns a grant for the rest of its time, which counts from the proof; `undefined`: it is over. */
  #remaining({ at, until }: OpeningEvent, grant: Grant): Grant | undefined {
    const now = this.#deps.clock.now()
    // A clock behind that of the other host makes nothing longer.
    const ms = Math.min(at + grant.ms, until) - Math.max(now, at)
    return ms > 0 ? { ...grant, ms } : undefined
  }

  /** Keeps an event that may open something later, as files and clocks change. */
  #refuse(told: SignedEvent, refusal: string): void {
    const { clock, log } = this.#deps
    this.#refused.add(told, clock.steady())
    const { host, event } = told
    const { source, door, user } = event
    const subject = `refused ${host} ${door} ${user} ${refusal.replaceAll(/[0-9]+/g, '0')}`
    // Not every host of a group needs the door.
    const isQuiet = refusal === NO_DOOR.refusal || !this.#throttle.due(subject, clock.steady())
    const level = isQuiet ? 'debug' : 'warning'
    log.event({ kind: 'refused', level, source, door, user, reason: `told by ${host}`, cause: refusal })
  }

  /** Returns true if an opening of another host is open here. */
  #isHeld(host: string, id: string): boolean {
    let isHeld = false
    // Nothing is released: each holder is only looked at.
    void this.#deps.opener.release(({ holder }) => {
      isHeld ||= isOf(holder, host, id)
      return true
    })
    return isHeld
  }

  #lookAgain(): void {
    const { clock, keyOfHost } = this.#deps
    for (const { key, value } of this.#budget.due(clock.steady())) this.#offer(key, value, false)
    for (const told of this.#refused.due(clock.steady(), clock.now())) {
      const { host, key, value, event, by } = told
      if (keyOfHost(host) !== by) this.#offer(key, value, false)
      else if (this.#concerns(host, event, false)) this.#turn(told)
    }
    for (const [key, { value, by, until }] of this.#unknown) {
      const host = key.slice(this.#deps.keyspace.openings.length).split('/')[0]!
      const isKnown = ![undefined, by].includes(keyOfHost(host))
      const isOver = until <= clock.now()
      if (isKnown || isOver) this.#unknown.delete(key)
      if (isKnown && !isOver) this.#offer(key, value, false)
    }
    this.#ownGroups.look()
    this.#cancel = clock.after(LOOK_EVERY_MS, () => this.#lookAgain())
  }

  #say(subject: string, level: 'warning' | 'error', text: string): void {
    if (this.#throttle.due(subject, this.#deps.clock.steady())) this.#deps.log.notice(level, text)
  }
}

/** An event whose signature cannot be checked for the present. */
interface Unknown {
  readonly value: string
  /** The key of its host under which it is not signed; `undefined`: it was not checked. */
  readonly by: KeyObject | undefined
  readonly until: number
}

const NO_DOOR = { refusal: 'there is no such door' } as const

/** An operator of another host opens the door alone, for its time at most. */
function byHand(door: Door, vouched: Vouched): Judged {
  const bounded = boundedBy(door, vouched)
  return 'refusal' in bounded ? bounded : { ...bounded, holder: BY_HAND }
}

function isOf(holder: string | undefined, host: string, id: string): boolean {
  const of = readFleetHolder(holder)
  return of?.host === host && of.id === id
}

/** Returns the event in a text, before its signature is checked. */
function eventIn(value: string): OpeningEvent | undefined {
  try {
    return readEvent(readSigned(value).body)
  } catch {
    return undefined
  }
}
