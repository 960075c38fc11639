import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { readConfig } from '../config/read.ts'
import type { Door } from '../config/config.ts'
import { textOf } from '../log/format.ts'
import { boundedBy, noUser } from '../secret/vouched.ts'
import { MemoryDisk } from '../state/disk-fake.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import { openStoreOn } from '../state/store.ts'
import type { Store } from '../state/store.ts'
import { FakeClock } from './clock-fake.ts'
import { GroupOpenings } from './group-openings.ts'
import type { FleetHost } from './hosts.ts'
import { Keyspace } from './keyspace.ts'
import type { Record } from './news.ts'
import { FakeOpener } from './opener-fake.ts'
import type { FakeHold } from './opener-fake.ts'
import type { OpeningEvent } from './opening-event.ts'
import { TakenOpenings } from './taken-openings.ts'

export const KEYSPACE = new Keyspace('home')
export const FLEET_KEY = Buffer.alloc(32, 7)
export const CMD_TIMEOUT_MS = 60_000
export const SKEW_MS = 10_000

const CONFIG = `[options]
Fleet = /etc/postern/fleet/fleet.conf
[ssh]
Sequence = 7431,8020,6001
Open_Ports = tcp/22,tcp/80
Open_For = 60s
Scope = fleet
Allow_From = 192.0.2.0/24
[own]
Sequence = 7431,8020,6002
Open_Ports = tcp/25
Open_For = 60s
`

/** A host that takes openings, with all but its disk and its doors' files made of paper. */
export class GroupHost {
  readonly clock = new FakeClock()
  readonly doors: readonly Door[] = readConfig(CONFIG, 'k').config!.doors
  own: FleetHost | undefined = { name: 'web1', groups: ['web'], key: '' }
  readonly keys = new Map<string, KeyObject>()
  readonly lines: string[] = []
  readonly opener = new FakeOpener(this.clock)
  users = new Set(['alice'])
  mayOpen = true
  /** The events in etcd; `undefined`: it gives no list. */
  inEtcd: ReadonlyMap<string, string> | undefined = new Map()
  /** The reason why this host may open nothing of the fleet. */
  doubt: string | undefined
  disk = new MemoryDisk()
  store!: Store
  openings!: GroupOpenings

  static async start(): Promise<GroupHost> {
    const host = new GroupHost()
    await host.restart()
    return host
  }

  /** Starts again with the same disk. What is open stays so, as in the kernel. */
  async restart(): Promise<void> {
    this.openings?.stop()
    await this.settled()
    const { store } = await openStoreOn(this.disk, '/state')
    this.store = store
    const { clock } = this
    const [ledger, clockSkewMs] = [new JournalLedger(store), SKEW_MS]
    this.openings = new GroupOpenings({
      keyspace: KEYSPACE,
      host: 'web1',
      own: () => this.own,
      doubt: () => this.doubt,
      list: async () => {
        if (this.inEtcd === undefined) throw new Error('away')
        return await Promise.resolve(recordsOf(this.inEtcd))
      },
      keyOfHost: (name) => this.keys.get(name),
      fleetKey: FLEET_KEY,
      clockSkewMs,
      opener: this.opener,
      authenticators: {
        find: (name) => this.doors.find((door) => door.name === name),
        grantFor: (vouched) => {
          const { user } = vouched
          const bounded = boundedBy(
            this.doors.find(({ name }) => name === vouched.door)!,
            vouched,
          )
          if (user !== undefined && !this.users.has(user)) return noUser(user)
          return 'refusal' in bounded ? bounded : { ...bounded, user, holder: 'sequence:key:mark' }
        },
      },
      reconciler: { isStillMay: () => this.mayOpen, during: async (opening) => void (await opening) },
      taken: new TakenOpenings({ ledger, store, clock, clockSkewMs }),
      store,
      clock,
      log: { event: (event) => void this.lines.push(textOf(event)), notice: (_, text) => void this.lines.push(text) },
      attempt: async (work) => await work(),
    })
    this.openings.start()
  }

  /** Adds a host of the fleet, and returns the key with which it signs. */
  join(name: string): KeyObject {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519')
    this.keys.set(name, publicKey)
    return privateKey
  }

  /** Returns the grants that are open now, by host and id. */
  get open(): ReadonlyMap<string, FakeHold> {
    void this.opener.release(() => true)
    return new Map(Array.from(this.opener.holds, ([holder, hold]) => [holder.slice(holder.indexOf('@') + 1), hold]))
  }

  async put(key: string, value: string): Promise<void> {
    this.openings.changed([{ type: 'put', kv: { key, value, modRevision: '1' } }])
    await this.settled()
  }

  async list(records: ReadonlyMap<string, string>): Promise<void> {
    this.openings.listed(recordsOf(records))
    await this.settled()
  }

  async pass(ms: number): Promise<void> {
    await this.clock.pass(ms, async () => await this.settled())
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    for (let round = 0; round < 12; round++) await setImmediate()
  }
}

function recordsOf(texts: ReadonlyMap<string, string>): readonly Record[] {
  return Array.from(texts, ([key, value]) => ({ key, value, modRevision: '1' }))
}

/** Returns an event of an opening for the doors of {@link GroupHost}. */
export function eventOf(of: Partial<OpeningEvent>, now: number): OpeningEvent {
  return {
    id: 'a'.repeat(22),
    action: 'open',
    number: now,
    at: now,
    until: now + 30_000,
    groups: ['web'],
    door: 'ssh',
    source: '192.0.2.7',
    holder: 'totp:theirs:mark',
    user: 'alice',
    protocol: 6,
    port: 6001,
    ...of,
  }
}
