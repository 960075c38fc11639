// Goal: an operator hears what etcd refuses although its watches go on, why, what to do, and when that is over.
import { beforeEach, expect, test } from 'vitest'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { UnavailableKind } from '../etcd/client.ts'
import { answerFault } from '../etcd/unavailable.ts'
import { explained } from '../etcd/advice.ts'
import { FAULT_AGE_MAX_MS, Writes } from './writes.ts'

let fault: EtcdUnavailable | undefined
let lines: string[]
let writes: Writes
let now: number
const answer = async <T>(value: T): Promise<T> => {
  if (fault !== undefined) throw fault
  return await Promise.resolve(value)
}

beforeEach(() => {
  fault = undefined
  lines = []
  now = 0
  writes = new Writes({
    etcd: {
      txn: async () => await answer({ won: true, revision: '1', kvs: [] }),
      put: async () => await answer({ revision: '1' }),
      grant: async () => await answer('7'),
    },
    log: { notice: (level, text) => void lines.push(`${level}: ${text}`) },
    steady: () => now,
  })
})

const quota = answerFault(429, 'etcdserver: mvcc: database space exceeded', '')
const permission = answerFault(403, 'etcdserver: permission denied', '')
const beat = async (): Promise<unknown> =>
  await writes
    .of('signs of life')
    .txn([], [])
    .catch((error: unknown) => error)
const claim = async (): Promise<unknown> =>
  await writes
    .of('claims')
    .txn([], [])
    .catch((error: unknown) => error)

test('a full quota: claims cannot win, with the remedy; it is said once, and again when it is over', async () => {
  fault = quota
  for (let times = 0; times < 5; times++, now += 100_000) expect(await beat()).toBe(quota)
  expect(writes.fault).toBe(quota)
  expect(explained(writes.fault!)).toMatch(/^the database of etcd is full: compact and defragment it, .*alarm disarm/)
  fault = undefined
  // A lease says nothing of the keys.
  await writes.of('signs of life').grant(60)
  expect(writes.fault).toBe(quota)
  await beat()
  expect(writes.fault).toBeUndefined()
  expect(lines).toEqual([
    `error: etcd refuses the signs of life of this host: the database of etcd is full\ndoors with \`Scope = fleet\` stay shut\n${quota.hint}`,
    'notice: etcd takes again what this host writes',
  ])
})

test('a right that is missing for signs of life alone keeps no door shut, and one for claims does', async () => {
  fault = permission
  await beat()
  expect(writes.fault).toBeUndefined()
  expect(writes.problems).toEqual([`etcd refuses the signs of life of this host: ${explained(permission)}`])
  expect(explained(permission)).toContain('etcdctl user grant-role')
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toContain('stay shut')
  await claim()
  expect(writes.fault).toBe(permission)
  expect(writes.problems).toEqual([])
  fault = undefined
  await beat()
  // The right for claims is another one.
  expect(writes.fault).toBe(permission)
  await claim()
  expect(writes.fault).toBeUndefined()
})

test('a refused claim counts for a while: nobody may knock for days after the right was given', async () => {
  fault = permission
  await claim()
  now += FAULT_AGE_MAX_MS
  expect(writes.fault).toBe(permission)
  now += 1
  expect([writes.fault, writes.problems]).toEqual([undefined, []])
})

test('any write that is taken ends what is wrong with etcd as a whole', async () => {
  fault = quota
  await claim()
  await writes
    .of('openings')
    .put('k', 'v')
    .catch(() => undefined)
  fault = undefined
  await beat()
  expect([writes.fault, writes.problems]).toEqual([undefined, []])
})

test.each<[UnavailableKind, boolean]>([
  ['no-answer', true],
  ['no-majority', true],
  ['gateway', true],
  ['client-certificate', true],
  ['answer', true],
  ['lease', false],
  ['busy', false],
  ['closed', false],
])('%s: %s', async (kind, counts) => {
  fault = new EtcdUnavailable(kind, 'why')
  await beat()
  expect(writes.fault === fault).toBe(counts)
  // The watches say the first two.
  expect(lines).toHaveLength(['no-answer', 'no-majority'].includes(kind) || !counts ? 0 : 1)
})

test('the remedy comes last, behind what each node said', () => {
  const silent = new EtcdUnavailable(
    'no-answer',
    'no answer of etcd within 3 s',
    'https://10.0.0.1:2379: connection refused',
  )
  expect(explained(silent)).toMatch(
    /^no answer of etcd within 3 s \(https:\/\/10\.0\.0\.1:2379: connection refused\): look whether/,
  )
})
