// Goal: a host that waits to write used secrets again does other work meanwhile, however many of them somebody replaces
// in etcd.
import { expect, test } from 'vitest'
import { MemoryDisk } from '../state/disk-fake.ts'
import { openStoreOn } from '../state/store.ts'
import { RESTORED_MAX } from './astray-records.ts'
import { ClaimSeal, NO_USE } from './claim-record.ts'
import { FakeTime } from './claims-fake.ts'
import { MISSED_MS, SeenClaims } from './seen-claims.ts'

test('records that were replaced by older ones are looked at once each, and written again some at a time', async () => {
  let opened = 0
  class CountingSeal extends ClaimSeal {
    override open(...words: Parameters<ClaimSeal['open']>): ReturnType<ClaimSeal['open']> {
      opened++
      return super.open(...words)
    }
  }
  const time = new FakeTime()
  const seal = new CountingSeal(new Uint8Array(32).fill(7))
  const restored: string[] = []
  const { store } = await openStoreOn(new MemoryDisk(), '/state')
  const deps = { store, seal, clock: time.clock, skewMs: 10_000, random: () => 0, suspect: () => undefined }
  const seen = new SeenClaims({ ...deps, prefix: '/', own: 'a/', restore: (name) => void restored.push(name) })
  const names = Array.from({ length: RESTORED_MAX + 500 }, (_, each) => seal.name('value', String(each)))
  const used = { uses: 1, value: '5', marks: ['b/x'] }
  const puts = (
    record: typeof used | typeof NO_USE,
    from: number,
  ): readonly { key: string; value: string; modRevision: string }[] =>
    names.map((name, each) => ({ key: `/${name}`, value: seal.seal(name, record), modRevision: String(from + each) }))
  seen.listed(puts(used, 1), '10000')
  seen.changed(puts(NO_USE, 20_000).map((kv) => ({ type: 'put', kv })))
  const before = opened
  for (let ms = 0; ms <= MISSED_MS; ms += 500) await time.pass(500)
  expect(restored).toHaveLength(RESTORED_MAX)
  await time.pass(1_000)
  expect(new Set(restored).size).toBe(names.length)
  expect(opened).toBe(before)
  expect(seen.missed()).toHaveLength(names.length)
  seen.close()
})
