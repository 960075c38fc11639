import type { KeyObject } from 'node:crypto'
import { join } from 'node:path'
import { Etcd } from '../etcd/client.ts'
import { LogThrottle } from '../limit/log-throttle.ts'
import type { Log } from '../log/log.ts'
import { SignedDocument } from './document.ts'
import type { DocumentStatus } from './document.ts'
import { FleetOpenings } from './fleet-openings.ts'
import type { FleetOpeningsDeps } from './fleet-openings.ts'
import { publicKeyOf, readHosts } from './hosts.ts'
import type { FleetHost, HostsDocument } from './hosts.ts'
import { Keyspace } from './keyspace.ts'
import type { DocumentKind } from './keyspace.ts'
import { News } from './news.ts'
import type { NewsListener, NewsState } from './news.ts'
import type { FleetKeys } from './settings.ts'

/** The functions and values that a member needs from the daemon. */
export interface MemberDeps {
  readonly log: Pick<Log, 'notice'>
  /** Returns the time of a steady clock in milliseconds. */
  readonly steady: () => number
  /** Called when other hosts belong to the fleet. Openings of a host that left are then closed. */
  readonly hostsChanged: () => void
}

/** The state of a host's membership, for the status. */
export interface MemberStatus {
  readonly fleet: string
  readonly host: string
  /** The reason why no news arrive; `undefined`: they do. */
  readonly blind: string | undefined
  readonly hosts: DocumentStatus
  /** Whether this host is in the document of hosts; `undefined`: there is no document. */
  readonly isListed: boolean | undefined
}

/** This host's membership in a fleet: the connection to etcd, its news, and the hosts in force. */
export class FleetMember {
  readonly keys: FleetKeys
  readonly keyspace: Keyspace
  readonly etcd: Etcd
  readonly news: News
  readonly hosts: SignedDocument<HostsDocument>
  readonly #deps: MemberDeps
  readonly #throttle = new LogThrottle()
  #byName: ReadonlyMap<string, KeyObject> = new Map()

  constructor(keys: FleetKeys, deps: MemberDeps) {
    const { settings } = keys
    this.keys = keys
    this.#deps = deps
    this.keyspace = new Keyspace(settings.fleet)
    this.etcd = new Etcd(keys.access)
    this.news = new News(this.keyspace.news, (state) => this.#sayState(state))
    this.hosts = new SignedDocument<HostsDocument>({
      ...this.documentDeps('hosts'),
      what: `the hosts of fleet ${settings.fleet}`,
      read: readHosts,
      prepare: (next) => Promise.resolve(() => this.#replaceHosts(next)),
      restored: (document) => this.#replaceHosts(document),
    })
    this.news.on(this.keyspace.document('hosts'), follow(this.hosts))
  }

  /** Returns what all documents of the fleet have in common. */
  documentDeps(kind: DocumentKind): {
    readonly place: string
    readonly path: string
    readonly keyOf: (operator: string) => KeyObject | undefined
    readonly log: Pick<Log, 'notice'>
    readonly steady: () => number
  } {
    const { operators, stateFolder } = this.keys.settings
    return {
      place: this.keyspace.document(kind),
      path: join(stateFolder, `${kind}.signed`),
      keyOf: (name) => operators.find((operator) => operator.name === name)?.key,
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
    this.news.start(this.etcd)
  }

  get status(): MemberStatus {
    const { fleet, host } = this.keys.settings
    const { state } = this.news
    return {
      fleet,
      host,
      blind: state === 'seeing' ? undefined : state.blind,
      hosts: this.hosts.status,
      isListed: this.hosts.present === undefined ? undefined : this.own !== undefined,
    }
  }

  close(): void {
    this.news.close()
    this.etcd.close()
  }

  #replaceHosts({ hosts }: HostsDocument): void {
    this.#byName = new Map(hosts.map(({ name, key }) => [name, publicKeyOf(key)!]))
    this.#deps.hostsChanged()
  }

  #sayState(state: NewsState): void {
    const { log, steady } = this.#deps
    if (state === 'seeing') {
      if (this.#throttle.due('seeing', steady())) log.notice('notice', 'the fleet answers')
      return
    }
    const hint = 'doors with `Scope = fleet` stay shut until it answers; what is open, and other doors, go on'
    if (this.#throttle.due('blind', steady())) log.notice('error', `fleet unavailable: ${state.blind}\n${hint}`)
  }
}

/** Returns a listener that offers a document what is at its key. A deleted one stays in force. */
export function follow(document: { offer(text: string): Promise<void> }): NewsListener {
  return {
    listed: (records) => {
      for (const { value } of records) void document.offer(value)
    },
    changed: (changes) => {
      for (const { type, kv } of changes) if (type === 'put') void document.offer(kv.value)
    },
  }
}
