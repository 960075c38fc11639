import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Op, TxnResult } from '../etcd/client.ts'
import { BEAT_EVERY_MS, BEAT_MAX_CHARS, Heart, MARKS_MAX, documentStates, readBeat } from './beat.ts'
import type { Beat } from './beat.ts'
import { Keyspace } from './keyspace.ts'
import { publicKeyText } from './hosts.ts'
import { openSigned, signText } from './signed.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const STATE: Omit<Beat, 'at'> = { version: '0.1.0', versions: { hosts: 3 }, refused: {}, doors: 2, marks: ['a1'] }
const KEYSPACE = new Keyspace('home')
const PLACE = KEYSPACE.beat('web1')
const WEB1 = { name: 'web1', groups: [], key: publicKeyText(publicKey) }
const signed = (body: unknown, name = 'web1', place = PLACE): string => signText(place, body, { name, key: privateKey })

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function host(hosts = 3) {
  const put: (readonly Op[])[] = []
  const leases: number[] = []
  let fails = false
  let answer: (() => void) | undefined
  let waits = false
  const heart = new Heart({
    etcd: {
      grant: async (ttlS) => {
        if (fails) throw new Error('away')
        return String(leases.push(ttlS))
      },
      txn: async (_compare, steps): Promise<TxnResult> => {
        put.push(steps)
        if (waits) await new Promise<void>((resolve) => (answer = resolve))
        return { won: true, revision: '1', kvs: [] }
      },
    },
    keyspace: KEYSPACE,
    host: 'web1',
    signKey: privateKey,
    state: () => STATE,
    hosts: () => hosts,
    now: Date.now,
    steady: Date.now,
    random: () => 0.5,
  })
  heart.start()
  return {
    heart,
    put,
    leases,
    fail: (yes: boolean) => (fails = yes),
    hang: (yes: boolean) => {
      waits = yes
      if (!yes) answer?.()
    },
  }
}

const pass = async (ms: number) => await vi.advanceTimersByTimeAsync(ms)

test('a sign of life is written every ten seconds, and ends a minute after the last one', async () => {
  const { put, leases, heart } = host()
  await pass(95_000)
  expect(put).toHaveLength(10)
  expect(put[0]![0]).toMatchObject({ put: '/postern-beat/home/web1', lease: '1' })
  expect(leases).toEqual([60, 60, 60])
  heart.close()
  await pass(100_000)
  expect(put).toHaveLength(10)
})

test('the time is signed, and written in turn: of a thousand hosts, each writes once in a thousand seconds', async () => {
  const { put } = host()
  await pass(1_000)
  const [, signal] = put[0]! as [Op, { put: string; value: string }]
  expect(signal.put).toBe(KEYSPACE.clock)
  const { by, body } = openSigned(KEYSPACE.clock, signal.value, () => publicKey)
  expect([by, body]).toEqual(['web1', { at: expect.any(Number) }])
  const many = host(1_000)
  await pass(999_000)
  expect(many.put.flat().filter((step) => 'put' in step && step.put === KEYSPACE.clock)).toHaveLength(1)
})

test('a change is written immediately, several changes are written once, and none while a write is under way', async () => {
  const { heart, put, hang } = host()
  await pass(1_000)
  hang(true)
  for (let times = 0; times < 5; times++) heart.soon()
  await pass(200)
  expect(put).toHaveLength(2)
  for (let times = 0; times < 5; times++) heart.soon()
  await pass(60_000)
  expect(put).toHaveLength(2)
  hang(false)
  await pass(200)
  expect(put).toHaveLength(3)
})

test('signs of life go on when etcd answers again, with a new lease', async () => {
  const { put, leases, fail } = host()
  await pass(1_000)
  fail(true)
  await pass(60_000)
  const before = put.length
  fail(false)
  await pass(BEAT_EVERY_MS + 100)
  expect(put).toHaveLength(before + 1)
  expect(leases).toHaveLength(2)
})

test('a written sign of life is read back', () => {
  const beat = { at: 5, ...STATE, aheadMs: -3, endsAt: 7, waiting: 'nobody answers' }
  for (const listed of [WEB1, undefined]) expect(readBeat(PLACE, signed(beat), listed)).toEqual(beat)
})

test('nobody can say in the name of a host that it has a list in force', async () => {
  const beat = { at: 5, ...STATE }
  const other = { ...WEB1, key: publicKeyText(generateKeyPairSync('ed25519').publicKey) }
  expect(readBeat(PLACE, signed(beat), other)).toBeUndefined()
  expect(readBeat(PLACE, signed(beat, 'web2'), WEB1)).toBeUndefined()
  expect(readBeat(PLACE, signed(beat, 'web1', KEYSPACE.beat('web2')), WEB1)).toBeUndefined()
  expect(readBeat(PLACE, JSON.stringify(beat), WEB1)).toBeUndefined()
  const { put } = host()
  await pass(1_000)
  const [told] = put[0]! as [{ put: string; value: string }]
  expect(readBeat(PLACE, told.value, WEB1)).toMatchObject(STATE)
})

test.each([
  '',
  'null',
  '[]',
  '{}',
  '{"at":-1}',
  `"${'x'.repeat(BEAT_MAX_CHARS)}"`,
  '{"at":1,"doors":1,"version":"\u001B[2J"}',
])('an invalid sign of life is ignored: %.20s', (text) => {
  expect(readBeat(PLACE, text, undefined)).toBeUndefined()
  expect(readBeat(PLACE, JSON.stringify({ by: 'web1', body: text, signature: '' }), undefined)).toBeUndefined()
})

test('invalid parts are left out, and lists have a bound', () => {
  const marks = Array.from({ length: 2 * MARKS_MAX }, (_, index) => `m${index}`)
  const raw = {
    at: 1,
    doors: 0,
    version: '1',
    versions: { hosts: 'x', other: 5 },
    refused: { users: 7 },
    marks: ['\n', ...marks],
  }
  const beat = readBeat(PLACE, signed({ ...raw, aheadMs: 'x', endsAt: 1e300 }), WEB1)
  expect(beat).toMatchObject({ versions: {}, refused: {} })
  expect(beat?.marks).toHaveLength(MARKS_MAX - 1)
  for (const absent of ['aheadMs', 'endsAt']) expect(beat).not.toHaveProperty(absent)
})

test('the state of documents is included, with a reason of bounded length', () => {
  const hosts = { version: 3, by: 'alice', refused: 'x'.repeat(1_000) }
  const states = documentStates({ hosts, users: { version: undefined, by: undefined, refused: undefined } })
  expect(states).toEqual({ versions: { hosts: 3 }, refused: { hosts: 'x'.repeat(200) } })
})
