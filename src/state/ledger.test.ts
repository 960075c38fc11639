// Goal: every ledger lets a secret be used up once, for all who share it and for good, and never says so in doubt.
import { describe, expect, test } from 'vitest'
import { FakeTime, watchClaims } from '../fleet/claims-fake.ts'
import { FleetClaims } from '../fleet/claims.ts'
import { FakeEtcd } from '../fleet/etcd-fake.ts'
import { FleetLedger } from '../fleet/fleet-ledger.ts'
import { Keyspace } from '../fleet/keyspace.ts'
import { JournalLedger } from './journal-ledger.ts'
import { FakeLedger } from './ledger-fake.ts'
import type { Ledger, Redemption } from './ledger.ts'
import { MemoryDisk, systemError } from './disk-fake.ts'
import { openStoreOn } from './store.ts'

/** A ledger and its surroundings. */
interface World {
  readonly ledger: Ledger
  /** Makes the ledger unavailable, or available again. */
  readonly fail: (fails: boolean) => void
  /** Returns the ledger as the next start finds it. */
  readonly restarted: () => Promise<World>
}

async function journal(disk = new MemoryDisk()): Promise<World> {
  const { store } = await openStoreOn(disk, '/state/journal')
  return {
    ledger: new JournalLedger(store),
    fail: (fails) => {
      disk.fail = () => (fails ? systemError('ENOSPC') : undefined)
    },
    restarted: async () => await journal(disk.powerCut(() => 0)),
  }
}

function inMemory(ledger = new FakeLedger()): World {
  return {
    ledger,
    fail: (fails) => {
      ledger.unavailable = fails ? 'ENOSPC' : undefined
    },
    restarted: async () => await Promise.resolve(inMemory(new FakeLedger(ledger))),
  }
}

/** A host of a fleet, whose journal fails, or etcd. */
const inFleet = (failing: 'journal' | 'etcd') =>
  async function make(disk = new MemoryDisk(), etcd = new FakeEtcd()): Promise<World> {
    const { store } = await openStoreOn(disk, '/state/journal')
    const log = { notice: () => undefined }
    const keyspace = new Keyspace('f')
    const common = { keyspace, fleetKey: new Uint8Array(32), host: 'a', skewMs: 1_000, hosts: () => 1 }
    const time = new FakeTime()
    const claims = new FleetClaims({ ...common, etcd, store, clock: time.clock, log })
    const watch = watchClaims(etcd, claims, keyspace)
    await time.until(() => claims.catchUp.isDone)
    return {
      ledger: new FleetLedger({ local: new JournalLedger(store), claims, isOfFleet: () => true }),
      fail: (fails) => {
        if (failing === 'etcd') etcd.unavailable = fails ? 'ENOSPC' : undefined
        else disk.fail = () => (fails ? systemError('ENOSPC') : undefined)
      },
      restarted: async () => {
        watch.close()
        return await make(
          disk.powerCut(() => 0),
          etcd,
        )
      },
    }
  }

const above = (value: number) => (present: string | undefined) =>
  Number(present ?? -1) < value ? String(value) : undefined
const USE = { door: 'a' }
const UNAVAILABLE: Redemption = { unavailable: expect.stringContaining('ENOSPC') as string }

describe.each([
  ['the journal', journal],
  ['the fake', async () => await Promise.resolve(inMemory())],
  ['a fleet whose journal fails', inFleet('journal')],
  ['a fleet whose etcd fails', inFleet('etcd')],
] as const)('%s', (_, make) => {
  test('of several callers at once one wins, and nobody later, also after a power cut', async () => {
    let { ledger, restarted } = await make()
    const both = [ledger.claim('a', 'm'), ledger.claim('a', 'm'), ledger.claim('b', 'm')]
    expect(ledger.wasClaimed('a', 'm')).toBe(true)
    expect(await Promise.all(both)).toEqual(['won', 'lost', 'won'])
    ;({ ledger, restarted } = await restarted())
    expect(await ledger.claim('a', 'm')).toBe('lost')
    expect([ledger.wasClaimed('b', 'm'), ledger.wasClaimed('c', 'm')]).toEqual([true, false])
  })

  test('a value is advanced once, also after a power cut', async () => {
    let { ledger, restarted } = await make()
    expect(await Promise.all([5, 5, 4].map(async (value) => await ledger.advance('k', above(value), USE)))).toEqual([
      'won',
      'lost',
      'lost',
    ])
    expect(await Promise.all([6, 7].map(async (value) => await ledger.advance('k', above(value), USE)))).toEqual([
      'won',
      'won',
    ])
    ;({ ledger, restarted } = await restarted())
    expect([ledger.newest('k'), ledger.newest('other')]).toEqual(['7', undefined])
    expect(await ledger.advance('k', above(7), USE)).toBe('lost')
    expect(await ledger.advance('k', above(8), USE)).toBe('won')
  })

  test('what cannot be made durable is unavailable, and wins at most once later', async () => {
    const { ledger, fail } = await make()
    fail(true)
    expect(await ledger.claim('a', 'm')).toEqual(UNAVAILABLE)
    expect(await ledger.advance('k', above(5), USE)).toEqual(UNAVAILABLE)
    fail(false)
    expect(await ledger.claim('a', 'm')).toBe('won')
    expect(await ledger.claim('a', 'm')).toBe('lost')
    const wins = [await ledger.advance('k', above(5), USE), await ledger.advance('k', above(5), USE)].filter(
      (each) => each === 'won',
    )
    expect(wins.length).toBeLessThanOrEqual(1)
    expect(await ledger.advance('k', above(6), USE)).toBe('won')
  })
})

test('a fake that crashes has used the secret up, and never answers', async () => {
  const before = new FakeLedger()
  before.crashes = true
  const answer = before.claim('a', 'm').then(() => 'answered')
  expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 5, 'nothing'))])).toBe('nothing')
  expect(await new FakeLedger(before).claim('a', 'm')).toBe('lost')
})

test('of two fakes that share their content one wins, though the other did not know yet', async () => {
  const one = new FakeLedger()
  const other = new FakeLedger(one)
  expect(await one.claim('a', 'm')).toBe('won')
  expect(other.wasClaimed('a', 'm')).toBe(false)
  expect(await other.claim('a', 'm')).toBe('lost')
  expect(other.wasClaimed('a', 'm')).toBe(true)
  expect(await one.advance('k', above(5), USE)).toBe('won')
  expect(other.newest('k')).toBeUndefined()
  expect(await other.advance('k', above(5), USE)).toBe('lost')
})
