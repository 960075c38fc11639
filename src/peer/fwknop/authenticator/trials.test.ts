// Goal: a packet finds the stanzas that its source may use, and the first of those with the same keys stays the first.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TokenBucket } from '../../../limit/token-bucket.ts'
import { parseAddress } from '../../../packet/address.ts'
import { contains, networkOf } from '../../../packet/network.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { readAccess } from '../access.ts'
import { Trials } from './trials.ts'

const door = { name: 'door' } as PacketDoor
const share = (): TokenBucket => new TokenBucket(1)
const stanza = (source: string, key: number, hmac = key): string =>
  `SOURCE ${source}\nKEY key${key}\nHMAC_KEY hmac${hmac}\n`

const trialsOf = (text: string): Trials => {
  const { stanzas, faults } = readAccess(text)
  expect(faults.filter(({ severity }) => severity === 'error')).toEqual([])
  return new Trials(
    stanzas.map((each) => ({ door, stanza: each })),
    share,
  )
}

/** The lines of the stanzas. */
const lines = (trials: readonly { readonly stanza: { readonly line: number } }[]): readonly number[] =>
  trials.map(({ stanza: { line } }) => line)
const named = (trials: Trials, source: string): readonly number[] => lines(trials.named(parseAddress(source)!))

test('a source finds the stanzas that name it, in the order of the file', () => {
  const trials = trialsOf(
    stanza('192.0.2.0/24', 1) + stanza('192.0.2.7', 2) + stanza('198.51.100.0/24, 192.0.0.0/8', 3) + stanza('ANY', 4),
  )
  expect(named(trials, '192.0.2.7')).toEqual([1, 4, 7])
  expect(named(trials, '192.0.2.8')).toEqual([1, 7])
  expect(named(trials, '198.51.100.1')).toEqual([7])
  expect(named(trials, '203.0.113.1')).toEqual([])
  expect(lines(trials.others)).toEqual([10])
})

test('very large networks name nobody', () => {
  const trials = trialsOf(stanza('128.0.0.0/1', 1) + stanza('192.0.2.7, 0.0.0.0/0', 2))
  expect(named(trials, '192.0.2.7')).toEqual([])
  expect(lines(trials.others)).toEqual([1, 4])
})

test('a stanza with the keys of one for anybody is tried in the order of the file', () => {
  const trials = trialsOf(
    stanza('ANY', 1) + stanza('192.0.2.7', 1) + stanza('192.0.2.7', 2) + stanza('192.0.2.7', 1, 9),
  )
  expect(named(trials, '192.0.2.7')).toEqual([7, 10])
  expect(lines(trials.others)).toEqual([1, 4])
})

test('stanzas whose packets gpg opens are in the order of the file if they share an HMAC key, whatever their other keys', () => {
  const gpg = 'GPG_HOME_DIR /nowhere\nGPG_DECRYPT_PW x\nGPG_REMOTE_ID 12345678\n'
  const trials = trialsOf(
    `SOURCE ANY\nHMAC_KEY hmac1\n${gpg}` +
      stanza('192.0.2.7', 1) +
      gpg +
      stanza('192.0.2.7', 1) +
      stanza('192.0.2.7', 2),
  )
  expect(lines(trials.others)).toEqual([1, 6, 12])
  expect(named(trials, '192.0.2.7')).toEqual([15])
})

test('whatever the networks, exactly the stanzas that contain a source are found', () => {
  const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 })
  const address = fc.oneof(
    word.map((a) => ({ family: 4, a, b: 0, c: 0, d: 0 }) as const),
    fc.tuple(word, word, word, word).map(([a, b, c, d]) => ({ family: 6, a, b, c, d }) as const),
  )
  const [first] = readAccess(stanza('192.0.2.7', 1)).stanzas
  fc.assert(
    fc.property(
      fc.array(fc.tuple(address, fc.integer({ min: 8, max: 32 })), { maxLength: 20 }),
      address,
      (list, other) => {
        const all = list.map(([each, prefix], line) => {
          return { door, stanza: { ...first!, line, sources: [networkOf(each, prefix)] } }
        })
        const trials = new Trials(all, share)
        for (const source of [other, ...list.map(([each]) => each)]) {
          const right = all.filter(({ stanza: { sources } }) => contains(sources[0]!, source))
          expect(lines(trials.named(source))).toEqual(lines(right))
        }
        expect(trials.others).toEqual([])
      },
    ),
  )
})
