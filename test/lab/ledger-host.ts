// A host of a fleet without a daemon: its ledger, on an etcd of the lab and a disk in memory.
import { Etcd } from '../../src/etcd/client.ts'
import type { EtcdAccess } from '../../src/etcd/access.ts'
import { FleetClaims } from '../../src/fleet/claims.ts'
import { FleetLedger } from '../../src/fleet/fleet-ledger.ts'
import { Keyspace } from '../../src/fleet/keyspace.ts'
import { News } from '../../src/fleet/news.ts'
import { SYSTEM_CLOCK } from '../../src/secret/clock.ts'
import { MemoryDisk } from '../../src/state/disk-fake.ts'
import { JournalLedger } from '../../src/state/journal-ledger.ts'
import { openStoreOn } from '../../src/state/store.ts'
import { until } from './process.ts'

export const LEDGER_KEYS = new Keyspace('lab')
const FLEET_KEY = new Uint8Array(32).fill(3)
const SKEW_MS = 10_000

/** A host, whose disk outlives it. */
export interface LedgerHost {
  readonly name: string
  readonly ledger: FleetLedger
  readonly claims: FleetClaims
  readonly disk: MemoryDisk
  readonly said: string[]
  /** The number of times that it asked etcd for what its watch did not tell in time. */
  readonly lookedUp: () => number
  readonly close: () => void
}

/** @param aheadMs milliseconds by which the clock of the host is ahead */
export async function ledgerHost(
  access: EtcdAccess,
  name: string,
  { aheadMs = 0, disk = new MemoryDisk(), hosts = 5 } = {},
): Promise<LedgerHost> {
  const { store } = await openStoreOn(disk, '/state')
  const etcd = new Etcd(access)
  let looked = 0
  const counted = {
    txn: etcd.txn.bind(etcd),
    grant: etcd.grant.bind(etcd),
    applied: etcd.applied.bind(etcd),
    changes: async (...words: Parameters<Etcd['changes']>) => {
      looked++
      return await etcd.changes(...words)
    },
  }
  const clock = { ...SYSTEM_CLOCK, now: () => Date.now() + aheadMs }
  const said: string[] = []
  const log = { notice: (_: string, text: string) => void said.push(text) }
  const deps = { etcd: counted, keyspace: LEDGER_KEYS, fleetKey: FLEET_KEY, host: name, store, clock, log }
  const claims = new FleetClaims({ ...deps, skewMs: SKEW_MS, hosts: () => hosts })
  const news = new News([{ prefix: LEDGER_KEYS.claimNews }], () => undefined)
  news.on(LEDGER_KEYS.claims, claims.seen)
  news.on(LEDGER_KEYS.catchUp, claims.catchUp)
  news.start(etcd)
  const ledger = new FleetLedger({ local: new JournalLedger(store), claims, isOfFleet: () => true })
  const close = (): void => {
    news.close()
    claims.close()
    etcd.close()
  }
  return { name, ledger, claims, disk, said, lookedUp: () => looked, close }
}

/** Waits until hosts know what the others used up. */
export async function caughtUp(...hosts: readonly LedgerHost[]): Promise<void> {
  await until('the hosts have caught up', () => hosts.every(({ claims }) => claims.catchUp.isDone))
}
