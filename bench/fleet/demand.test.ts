// Goal: what is calculated for a large fleet follows from what was measured, and costs are those of hosts and claims alone.
import { expect, test } from 'vitest'
import { demand } from './demand.ts'
import type { Facts } from './demand.ts'
import { watchCosts } from './load.ts'
import type { Load } from './load.ts'

const FACTS: Facts = {
  claimsPerS: 850,
  connections: 4,
  restBytes: 1_250,
  restCpuMs: 2,
  memoryKiB: 300,
  signBytes: 1_000,
  claimCpuMs: 2,
  toldBytes: 2_500,
  toldCpuMs: 0.5,
  pushMiB: 1.5,
  userBytes: 100,
  claimBytes: 700,
}

const valuesOf = (facts: Facts): Record<string, string> =>
  Object.fromEntries(demand(facts).map(({ what, value }) => [what, value]))

test('each figure of a large fleet is calculated from its own measure', () => {
  expect(valuesOf(FACTS)).toEqual({
    connections: '4,000, a third at each node',
    'requests a second, at rest': '600 reads, 100 writes',
    "etcd's CPU, at rest": '2 cores in three nodes',
    'traffic, at rest': '10 Mbit/s in all',
    "etcd's memory": '98 MiB a node',
    // 10,000 users x 5 / 5 / 3,600 s; each is told to 1,000 hosts: 2.5 MB and 0.502 s of CPU.
    'claims, busiest hour': '2.8 a second: 56 Mbit/s, 1.4 cores',
    'the most claims a second: network': '150',
    'the most claims a second: CPU': '8',
    // 2 GiB - 101 a second x 7,200 s x 1,000 bytes - keys, at 700 bytes for 7,200 s.
    'the most claims a second: database': '280',
    'the most claims a second: transactions': '850',
    'a push of 10000 users': '1,500 MiB, 4.2 s',
    'keys in the database': '8.6 MiB',
    'history in the database: signs of life': '690 MiB of 2,048',
  })
})

test('nothing is left for claims where hosts at rest use it up', () => {
  const values = valuesOf({ ...FACTS, restCpuMs: 7, signBytes: 3_000 })
  expect(values['the most claims a second: CPU']).toBe('none left')
  expect(values['the most claims a second: database']).toBe('none left')
})

const NOTHING: Load = { at: 0, cpuMs: 0, memoryKiB: 0, dbBytes: 0, revision: 0, receivedBytes: 0, sentBytes: 0 }
const load = (some: Partial<Load>): Load => ({ ...NOTHING, ...some })

test('costs of hosts are what is more with them than without, a host, a second and a claim', () => {
  const without = {
    rest: [load({ memoryKiB: 1_000 }), load({ at: 10_000, cpuMs: 100, memoryKiB: 1_100 })],
    // A second of it takes 10 ms, as without claims; the rest is for 100 claims.
    busy: [load({ at: 20_000, cpuMs: 200 }), load({ at: 40_000, cpuMs: 600 })],
    claims: 100,
  } as const
  const withHosts = {
    rest: [
      load({ at: 0, dbBytes: 5_000, revision: 10 }),
      load({ at: 10_000, cpuMs: 600, receivedBytes: 60_000, sentBytes: 40_000, dbBytes: 25_000, revision: 50 }),
    ],
    busy: [
      load({ at: 20_000 }),
      load({ at: 40_000, cpuMs: 2_400, receivedBytes: 300_000, sentBytes: 200_000, memoryKiB: 6_000 }),
    ],
    claims: 100,
  } as const
  expect(watchCosts(without, withHosts, 50)).toEqual({
    restCpuMs: 1,
    claimCpuMs: 2,
    toldCpuMs: 0.2,
    restBytes: 200,
    toldBytes: 60,
    memoryKiB: 100,
    signBytes: 500,
  })
})

test('noise never makes a cost negative', () => {
  const idle = {
    rest: [NOTHING, load({ at: 1_000, cpuMs: 5 })],
    busy: [NOTHING, load({ at: 1_000 })],
    claims: 1,
  } as const
  const costs = watchCosts(idle, { ...idle, rest: [NOTHING, load({ at: 1_000, cpuMs: 4 })] }, 50)
  expect(Math.min(...Object.values(costs))).toBe(0)
})
