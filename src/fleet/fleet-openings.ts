import type { Kept } from '../door/connected.ts'
import type { Opener } from '../door/opener.ts'
import type { Log } from '../log/log.ts'
import type { Etcd } from '../etcd/client.ts'
import type { Clock } from '../secret/clock.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import type { Store } from '../state/store.ts'
import type { FleetClock } from './clock.ts'
import { GroupOpenings } from './group-openings.ts'
import type { GroupDeps } from './group-openings.ts'
import type { FleetHost } from './hosts.ts'
import type { Keyspace } from './keyspace.ts'
import type { News } from './news.ts'
import type { FleetKeys } from './settings.ts'
import { SpreadingOpener } from './spreading-opener.ts'
import { TakenOpenings } from './taken-openings.ts'
import { ToldOpenings } from './told-openings.ts'
import type { Writes } from './writes.ts'

/** The functions and values that openings of a group need from the daemon. */
export interface FleetOpeningsDeps extends Pick<GroupDeps, 'authenticators' | 'reconciler' | 'attempt'> {
  /** Opens the doors of this host, and tells nobody. */
  readonly opener: Opener
  readonly store: Store
  readonly clock: Clock
  readonly log: Pick<Log, 'event' | 'notice'>
}

/** The parts of a member that openings of a group need. */
export interface MemberParts extends Pick<GroupDeps, 'keyOfHost'> {
  readonly keys: FleetKeys
  readonly keyspace: Keyspace
  readonly news: Pick<News, 'on'>
  readonly etcd: Pick<Etcd, 'list'>
  readonly trouble: { readonly writes: Pick<Writes, 'of'> }
  /** This host in the document in force. */
  readonly own: FleetHost | undefined
  readonly clock: Pick<FleetClock, 'isOff'>
}

/** The openings of a group: this host tells the others of its own, and takes theirs. */
export class FleetOpenings {
  /** Opens doors, and tells the others. */
  readonly opener: SpreadingOpener
  readonly #told: ToldOpenings
  readonly #group: GroupOpenings

  /** Call it before the news of the member begin. */
  constructor(member: MemberParts, deps: FleetOpeningsDeps) {
    const { keys, keyspace, news, etcd } = member
    const { host, clockSkewMs } = keys.settings
    const { opener, authenticators, store, clock, log } = deps
    const signer = { name: host, key: keys.signKey }
    const writer = member.trouble.writes.of('openings')
    const common = { keyspace, clock, clockSkewMs, log }
    this.#told = new ToldOpenings({ ...common, signer, etcd: writer, found: () => this.opener.compare() })
    this.opener = new SpreadingOpener({
      opener,
      told: this.#told,
      door: (name) => authenticators.find(name),
      fleetKey: keys.fleetKey,
      now: () => clock.now(),
    })
    const ledger = new JournalLedger(store)
    this.#group = new GroupOpenings({
      ...common,
      ...deps,
      host,
      fleetKey: keys.fleetKey,
      own: () => member.own,
      doubt: () => member.clock.isOff,
      list: async () => (await etcd.list(keyspace.openings)).kvs,
      keyOfHost: (name) => member.keyOfHost(name),
      taken: new TakenOpenings({ ledger, store, clock, clockSkewMs }),
    })
    news.on(keyspace.opening(host, ''), this.#told)
    news.on(keyspace.openings, this.#group)
  }

  /** Begins to open what other hosts tell of. Doors, users and the openings of the last run are in force. */
  start(): void {
    this.#group.start()
    this.opener.start()
  }

  /** Tells of a later deadline of an opening that a connection extended. */
  kept(opening: Kept): void {
    this.opener.kept(opening)
  }

  stop(): void {
    this.#group.stop()
    this.#told.close()
  }
}
