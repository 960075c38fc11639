// Goal: at every moment the gate knows exactly the codes that are good, with no gap at the change of period; a code opens once
// for the whole daemon, also when its journal is read anew; and where two users have the same one, it opens nothing.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { codeOf, periodAt } from '../totp/code.ts'
import { FakeLedger } from '../state/ledger-fake.ts'
import type { Loss } from '../state/loss.ts'
import type { TotpSecret } from '../totp/code.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { Codes, LEAD_MS, TAIL_MS } from './codes.ts'
import { FakeGate } from './deps-fake.ts'
import { termsOf } from './gate-sequence.ts'
import { SharedCodes } from './shared-codes.ts'

const DOOR = readConfig('[d]\nTOTP_Secret_File = /s\nStart_Command = true\n', 'k').config!.doors[0]!
const TOTP: TotpSecret = { key: new Uint8Array(20).fill(7), algorithm: 'SHA1', digits: 8, periodS: 30 }
const BEGIN_MS = 1_700_000_020_000

const around = (skew = 1, totp = TOTP) => {
  const gate = new FakeGate()
  const ledger = new FakeLedger()
  const store: { loss: Loss | undefined } = { loss: undefined }
  const clashes: (readonly (string | undefined)[])[] = []
  const shared = new SharedCodes(gate, (users) => clashes.push(users))
  const terms = termsOf(DOOR)
  const make = (user?: string): Codes =>
    new Codes({ door: DOOR, terms, code: { before: [], skew }, totp, user, ledger, store, shared })
  return { gate, ledger, store, clashes, make }
}
const codes = (known: Iterable<GateSequence>): readonly string[] =>
  [...known].map(({ knocks }) => knocks.map(({ port }) => String(port).slice(1)).join('')).sort()
const good = (first: number, last: number): readonly string[] =>
  Array.from({ length: last - first + 1 }, (_, index) => codeOf(TOTP, first + index)).sort()

test('woken when it says, it always knows the codes that are good, however the timer is late', () => {
  fc.assert(
    fc.property(fc.nat(5), fc.nat(30_000), fc.array(fc.nat(LEAD_MS - 1), { maxLength: 20 }), (skew, offset, late) => {
      const { gate, make } = around(skew)
      const one = make()
      let now = BEGIN_MS + offset
      one.update(now)
      for (const lateMs of late) {
        const due = one.due(now)
        // Up to the moment of waking, everything that must be good is.
        for (const moment of [now, due, due + lateMs]) {
          const period = periodAt(TOTP, moment)
          expect(codes(gate.known)).toEqual(expect.arrayContaining([...good(period - skew, period + skew)]))
        }
        now = due + lateMs
        one.update(now)
        const [first, last] = [periodAt(TOTP, now - TAIL_MS) - skew, periodAt(TOTP, now + LEAD_MS) + skew]
        expect(codes(gate.known)).toEqual(good(first, last))
      }
      one.close()
      expect(gate.known.size).toBe(0)
    }),
  )
})

test('a code opens once, at whichever door, and not again when all is made anew', async () => {
  const { gate, make } = around()
  const [one, other] = [make(), make('twin')]
  one.update(BEGIN_MS)
  const [secret] = [...one.sequences]
  const period = [...good(periodAt(TOTP, BEGIN_MS) - 1, periodAt(TOTP, BEGIN_MS) + 1)]
  expect(period).toHaveLength(3)
  expect(await one.redeem(secret!)).toBe('won')
  expect(await one.redeem(secret!)).toBe('lost')
  other.update(BEGIN_MS)
  expect([...other.sequences]).toHaveLength(2)
  one.update(BEGIN_MS + 1)
  expect([...one.sequences]).toHaveLength(2)
  expect(codes(gate.known)).not.toContain(secret!.knocks.map(({ port }) => String(port).slice(1)).join(''))
})

test('of two redemptions of the same code at the same time, one wins', async () => {
  const { make } = around()
  const [one, other] = [make(), make('twin')]
  one.update(BEGIN_MS)
  other.update(BEGIN_MS)
  const [[first], [second]] = [[...one.sequences], [...other.sequences]]
  expect(await Promise.all([one.redeem(first!), other.redeem(second!)])).toEqual(['won', 'lost'])
})

test("where users have the same code it opens nothing, until it is one user's alone", () => {
  const { gate, clashes, make } = around()
  const [one, other] = [make('alice'), make('bob')]
  one.update(BEGIN_MS)
  expect(gate.known.size).toBe(3)
  other.update(BEGIN_MS)
  expect(gate.known.size).toBe(0)
  expect(clashes[0]).toEqual(['alice', 'bob'])
  expect(knocksOfCode('12345678')).toHaveLength(2)
})

test('after a loss only codes of later periods open, and at a first start all do', async () => {
  const skew = 2
  const at = BEGIN_MS + 10_000
  const { gate, store, make } = around(skew)
  const lostIn = periodAt(TOTP, at)
  store.loss = { kind: 'lost', at }
  const alice = make()
  alice.update(at)
  expect(codes(gate.known)).toEqual([])
  // Codes of so many periods ahead were good before.
  for (let period = lostIn + 1; period <= lostIn + skew; period++) {
    alice.update(period * 30_000 + 5_000)
    expect(codes(gate.known)).toEqual(good(lostIn + skew + 1, period + skew))
  }
  const [first] = gate.known
  expect(await alice.redeem(first!)).toBe('won')
  // What is kept now says the same for itself.
  store.loss = undefined
  const later = make()
  later.update((lostIn + 1) * 30_000)
  expect(codes(gate.known)).not.toContain(codeOf(TOTP, lostIn))
  alice.close()
  later.close()
  const fresh = around(skew)
  fresh.store.loss = { kind: 'first', at }
  fresh.make().update(at)
  expect(codes(fresh.gate.known)).toEqual(good(lostIn - skew, lostIn + skew))
})
