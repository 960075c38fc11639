import { randomInt } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import type { Door } from '../config/config.ts'
import { Etcd } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { Log } from '../log/log.ts'
import type { Ledger } from '../state/ledger.ts'
import { FleetClaims } from './claims.ts'
import type { ClaimsDeps } from './claims.ts'
import { VERSION } from '../version.ts'
import { Heart, REASON_MAX_CHARS, documentStates } from './beat.ts'
import type { Beat } from './beat.ts'
import { FleetClock } from './clock.ts'
import { SignedDocument } from './document.ts'
import type { DocumentStatus } from './document.ts'
import { FleetLedger } from './fleet-ledger.ts'
import type { FleetLedgerDeps } from './fleet-ledger.ts'
import { FleetOpenings } from './fleet-openings.ts'
import type { FleetOpeningsDeps } from './fleet-openings.ts'
import { publicKeyOf, publicKeyText, readHosts } from './hosts.ts'
import type { FleetHost, HostsDocument } from './hosts.ts'
import { Keyspace } from './keyspace.ts'
import { LeastVersions } from './least-versions.ts'
import type { LeastVersion, LeastVersionsDeps } from './least-versions.ts'
import type { DocumentKind } from './keyspace.ts'
import { News } from './news.ts'
import type { NewsListener, NewsState } from './news.ts'
import { keyMark, secretMarks } from './secret-marks.ts'
import { changedDirectives, loadSettings } from './settings.ts'
import type { FleetKeys, Operator } from './settings.ts'
import { Trouble } from './trouble.ts'
import { FleetUsers } from './users/fleet-users.ts'

/** The range of the random numbers by which signs of life vary. */
const RANDOM_BELOW = 65_536
/** Milliseconds for which the marks of secrets are kept. */
const MARKS_AGE_MAX_MS = 3_600_000

/** The functions and values that a member needs from the daemon. */
export interface MemberDeps {
  readonly log: Pick<Log, 'notice'>
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
  /** The journal, which knows what this host had before. */
  readonly store: LeastVersionsDeps['store']
  /** Called when other hosts belong to the fleet. Openings of a host that left are then closed. */
  readonly hostsChanged: () => void
  /** Returns the doors in force. */
  readonly doors: () => readonly Door[]
  /** Returns the path of the key to which Postern's own packets are encrypted. */
  readonly spaKeyFile: () => string
  /** Has every door read its files again that are in a folder, before it returns. */
  readonly refresh: (folder: string) => void
}

/** The functions and values that the ledger of a fleet's host needs from the daemon. */
export interface LedgerDeps
  extends Pick<FleetLedgerDeps, 'local' | 'isOfFleet'>, Pick<ClaimsDeps, 'store' | 'clock' | 'log'> {}

/** The state of a host's membership, for the status. */
export interface MemberStatus {
  readonly fleet: string
  readonly host: string
  /** The reason why no news arrive; `undefined`: they do. */
  readonly blind: string | undefined
  /** The reason why claims wait; `undefined`: they do not. */
  readonly waiting: string | undefined
  readonly hosts: DocumentStatus
  readonly users: DocumentStatus
  /** True if this host is in the document of hosts; `undefined`: there is no document. */
  readonly isListed: boolean | undefined
}

/** This host's membership in a fleet: the connection to etcd, its news, and the hosts in force. */
export class FleetMember {
  readonly keys: FleetKeys
  readonly keyspace: Keyspace
  readonly etcd: Etcd
  readonly news: News
  readonly hosts: SignedDocument<HostsDocument>
  readonly clock: FleetClock
  readonly heart: Heart
  readonly users: FleetUsers
  readonly trouble: Trouble
  readonly #deps: MemberDeps
  readonly #least: LeastVersions
  readonly #throttle = new LogThrottle()
  #marks: { readonly doors: readonly Door[]; readonly since: number; readonly marks: readonly string[] } | undefined
  #byName: ReadonlyMap<string, KeyObject> = new Map()
  #claims: FleetClaims | undefined
  #operators: readonly Operator[]

  constructor(keys: FleetKeys, deps: MemberDeps) {
    const { settings } = keys
    this.keys = keys
    this.#deps = deps
    this.#operators = settings.operators
    this.#least = new LeastVersions({ ...keys, store: deps.store, joined: settings.least })
    this.keyspace = new Keyspace(settings.fleet)
    this.etcd = new Etcd(keys.access)
    this.news = new News(this.keyspace.scopes, (state) => this.#sayState(state))
    this.hosts = new SignedDocument<HostsDocument>({
      ...this.documentDeps('hosts'),
      what: `the hosts of fleet ${settings.fleet}`,
      read: readHosts,
      prepare: (next) => Promise.resolve(() => this.#replaceHosts(next)),
      restored: (document) => this.#replaceHosts(document),
    })
    this.news.on(this.keyspace.document('hosts'), follow(this.hosts))
    const { etcd, keyspace } = this
    const { host, clockSkewMs: skewMs } = settings
    const { steady } = deps
    const clocks = { host, skewMs, steady, now: Date.now, keyOfHost: (name: string) => this.keyOfHost(name) }
    this.clock = new FleetClock({ ...clocks, place: keyspace.clock, keyMark: keyMark(keys.fleetKey) })
    this.news.on(keyspace.clock, this.clock)
    this.trouble = new Trouble({ ...deps, keys, etcd, random, now: () => Date.now() })
    this.heart = new Heart({
      etcd: this.trouble.writes.of('signs of life'),
      keyspace,
      host,
      steady,
      signKey: keys.signKey,
      now: Date.now,
      random,
      state: () => this.#state(),
      hosts: () => this.#count,
    })
    const { stateFolder } = settings
    this.users = new FleetUsers({
      ...deps,
      tried: () => this.heart.soon(),
      ...this.documentDeps('users'),
      ...keys,
      etcd,
      keyspace,
      stateFolder,
    })
    this.news.on(keyspace.document('users'), this.users)
  }

  /** Returns what all documents of the fleet have in common. */
  documentDeps(kind: DocumentKind): {
    readonly place: string
    readonly path: string
    readonly keyOf: (operator: string) => KeyObject | undefined
    readonly least: LeastVersion
    readonly log: Pick<Log, 'notice'>
    readonly steady: () => number
  } {
    const { stateFolder } = this.keys.settings
    return {
      place: this.keyspace.document(kind),
      path: join(stateFolder, `${kind}.signed`),
      keyOf: (name) => this.#operators.find((operator) => operator.name === name)?.key,
      least: this.#least.of(kind),
      log: this.#deps.log,
      steady: this.#deps.steady,
    }
  }

  /** This host as the operators know it; `undefined`: they do not, or no longer. */
  get own(): FleetHost | undefined {
    const { host } = this.keys.settings
    return this.hosts.present?.hosts.find(({ name }) => name === host)
  }

  /** Returns the key with which a host signs; `undefined`: it is not in the fleet. */
  keyOfHost(name: string): KeyObject | undefined {
    return this.#byName.get(name)
  }

  /** Returns the ledger of this host, which asks the fleet for its doors. Call it once, before {@link start}. */
  ledger({ local, isOfFleet, store, clock, log }: LedgerDeps): Ledger {
    const { keys, keyspace, trouble } = this
    const etcd = {
      ...trouble.writes.of('claims'),
      changes: async (...words: Parameters<Etcd['changes']>) => await this.etcd.changes(...words),
      applied: async (...words: Parameters<Etcd['applied']>) => await this.etcd.applied(...words),
    }
    const { host, clockSkewMs: skewMs } = keys.settings
    const { fleetKey } = keys
    const deps = { etcd, keyspace, fleetKey, host, store, clock, log, skewMs, hosts: () => this.#count }
    this.#claims = new FleetClaims({ ...deps, caughtUp: () => this.heart.soon() })
    // In this order: a question is heard by a host that knows what was before it.
    this.news.on(keyspace.claims, this.#claims.seen)
    this.news.on(keyspace.catchUp, this.#claims.catchUp)
    return new FleetLedger({ local, claims: this.#claims, isOfFleet, doubt: () => this.clock.isOff })
  }

  /** Judges whether what a host told of may stay. `unknown`: there is no document of hosts. */
  mayTell(host: string): 'may' | 'may not' | 'unknown' {
    if (this.hosts.present === undefined) return 'unknown'
    return this.#byName.has(host) ? 'may' : 'may not'
  }

  /** Connects the openings of this host with those of its groups. */
  openings(deps: FleetOpeningsDeps): FleetOpenings {
    return new FleetOpenings(this, deps)
  }

  /** Begins with the last good documents, and takes news from etcd. */
  start(): void {
    this.hosts.load()
    this.users.load()
    this.news.start(this.etcd)
    this.heart.start()
    this.trouble.start()
  }

  /**
   * Reads fleet.conf again, and puts its operators in force. What a removed operator signed stays in force, as nobody could
   * knock otherwise. Other changes take effect at the next start. The other hosts hear soon which doors there are now.
   */
  reread(): void {
    this.heart.soon()
    this.trouble.sayCertificates()
    const { settings } = this.keys
    const { log } = this.#deps
    let fresh
    try {
      fresh = loadSettings(settings.file)
    } catch (error) {
      log.notice('error', `${(error as Error).message}\nkeeping the previous operators of the fleet`)
      return
    }
    const changed = changedDirectives(settings, fresh)
    if (changed.length > 0) {
      log.notice('warning', `${settings.file}: a change of ${changed.join(', ')} takes effect at the next start`)
    }
    if (textOf(fresh.operators) === textOf(this.#operators)) return
    this.#operators = fresh.operators
    log.notice('notice', `operators of the fleet: ${fresh.operators.map(({ name }) => name).join(', ')}`)
    for (const [what, { leftOperator }] of Object.entries({ hosts: this.hosts, users: this.users })) {
      if (leftOperator === undefined) continue
      const hint = what === 'users' ? 'push once' : 'invite or remove a host'
      log.notice(
        'warning',
        `the ${what} of the fleet stay in force, although ${leftOperator}, who signed them, is no operator any more\nto replace them: ${hint}`,
      )
    }
    // What was refused before may be signed by an operator now.
    this.news.start(this.etcd, this.keyspace.documents)
  }

  get status(): MemberStatus {
    const { fleet, host } = this.keys.settings
    const { state } = this.news
    return {
      fleet,
      host,
      blind: state === 'seeing' ? undefined : state.blind,
      waiting: this.#claims?.catchUp.waiting,
      hosts: this.hosts.status,
      users: this.users.status,
      isListed: this.hosts.present === undefined ? undefined : this.own !== undefined,
    }
  }

  close(): void {
    this.heart.close()
    this.trouble.close()
    this.news.close()
    this.#claims?.close()
    this.hosts.close()
    this.users.close()
    this.etcd.close()
  }

  #replaceHosts({ hosts }: HostsDocument): void {
    this.#byName = new Map(hosts.map(({ name, key }) => [name, publicKeyOf(key)!]))
    this.#deps.hostsChanged()
    this.heart.soon()
  }

  /** The number of hosts of the fleet. */
  get #count(): number {
    return this.hosts.present?.hosts.length ?? 1
  }

  /** The state of this host, for the others. */
  #state(): Omit<Beat, 'at'> {
    const { doors, spaKeyFile, steady } = this.#deps
    const own = doors()
    if (this.#marks?.doors !== own || steady() - this.#marks.since > MARKS_AGE_MAX_MS) {
      this.#marks = { doors: own, since: steady(), marks: secretMarks(this.keys.fleetKey, own, spaKeyFile()) }
    }
    const { aheadMs } = this.clock
    const { endsAt } = this.trouble
    this.trouble.sayDoubt(this.clock.isOff)
    const waiting = this.#claims?.catchUp.waiting
    return {
      version: VERSION,
      ...documentStates({ hosts: this.hosts.status, users: this.users.status }),
      doors: own.filter(({ scope }) => scope === 'fleet').length,
      ...(aheadMs === undefined ? {} : { aheadMs }),
      ...(endsAt === undefined ? {} : { endsAt }),
      ...(waiting === undefined ? {} : { waiting: waiting.slice(0, REASON_MAX_CHARS) }),
      keyMark: keyMark(this.keys.fleetKey),
      marks: this.#marks.marks,
    }
  }

  #sayState(state: NewsState): void {
    const { log, steady } = this.#deps
    if (state === 'seeing') {
      if (this.#throttle.due('seeing', steady())) log.notice('notice', 'the fleet answers')
      return
    }
    const hint =
      'doors with `Scope = fleet` stay shut until it answers; what is open, and other doors, go on\nwhat to do: postern status'
    if (this.#throttle.due('blind', steady())) log.notice('error', `fleet unavailable: ${state.blind}\n${hint}`)
  }
}

/** Returns a number from 0, below 1. */
function random(): number {
  return randomInt(RANDOM_BELOW) / RANDOM_BELOW
}

function textOf(operators: readonly Operator[]): string {
  return operators
    .map(({ name, key }) => `${name} ${publicKeyText(key)}`)
    .sort()
    .join()
}

/** Returns a listener that offers a document what is at its key. A deleted one stays in force. */
export function follow(document: { offer(text: string): Promise<unknown> }): NewsListener {
  return {
    listed: (records) => {
      for (const { value } of records) void document.offer(value)
    },
    changed: (changes) => {
      for (const { type, kv } of changes) if (type === 'put') void document.offer(kv.value)
    },
  }
}
