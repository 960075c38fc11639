// Goal: at every moment the gate knows exactly the codes that are good, with no gap at the change of period; a code opens once
// for the whole daemon, also when its journal is read anew; and where two users have the same one, it opens nothing.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import type { GateSequence } from '../gate/sequence.ts'
import { codeOf, periodAt } from '../totp/code.ts'
import type { Loss } from '../state/loss.ts'
import type { TotpSecret } from '../totp/code.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { Codes, LEAD_MS, SharedCodes, TAIL_MS } from './codes.ts'
import { termsOf } from './secret.ts'

const DOOR = readConfig('[d]\nTOTP_Secret_File = /s\nStart_Command = true\n', 'k').config!.doors[0]!
const TOTP: TotpSecret = { key: new Uint8Array(20).fill(7), algorithm: 'SHA1', digits: 8, periodS: 30 }
const BEGIN_MS = 1_700_000_020_000

class FakeGate {
  readonly known = new Set<GateSequence>()
  add(secret: GateSequence): void {
    this.known.add(secret)
  }
  remove(secret: GateSequence): void {
    this.known.delete(secret)
  }
}

class FakeStore {
  loss: Loss | undefined
  readonly values = new Map<string, string>()
  newest(key: string): string | undefined {
    return this.values.get(key)
  }
  async advance(key: string, value: string, accepts: (present: string | undefined) => boolean): Promise<boolean> {
    const accepted = accepts(this.values.get(key))
    if (accepted) this.values.set(key, value)
    return await Promise.resolve(accepted)
  }
}

const around = (skew = 1, totp = TOTP) => {
  const gate = new FakeGate()
  const store = new FakeStore()
  const clashes: (readonly (string | undefined)[])[] = []
  const shared = new SharedCodes(gate, (users) => clashes.push(users))
  const terms = termsOf(DOOR)
  const make = (user?: string): Codes =>
    new Codes({ door: DOOR, terms, code: { before: [], skew }, totp, user, gate, store, shared })
  return { gate, store, clashes, make }
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
  const [secret] = [...one.secrets]
  const period = [...good(periodAt(TOTP, BEGIN_MS) - 1, periodAt(TOTP, BEGIN_MS) + 1)]
  expect(period).toHaveLength(3)
  expect(await one.strike(secret!)).toBe(true)
  expect(await one.strike(secret!)).toBe(false)
  other.update(BEGIN_MS)
  expect([...other.secrets]).toHaveLength(2)
  one.update(BEGIN_MS + 1)
  expect([...one.secrets]).toHaveLength(2)
  expect(codes(gate.known)).not.toContain(secret!.knocks.map(({ port }) => String(port).slice(1)).join(''))
})

test('two that strike the same code at the same time: one gets it', async () => {
  const { make } = around()
  const [one, other] = [make(), make('twin')]
  one.update(BEGIN_MS)
  other.update(BEGIN_MS)
  const [[first], [second]] = [[...one.secrets], [...other.secrets]]
  expect(await Promise.all([one.strike(first!), other.strike(second!)])).toEqual([true, false])
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
  expect(await alice.strike(first!)).toBe(true)
  // What is kept now says the same for itself.
  store.loss = undefined
  const later = make()
  later.update((lostIn + 1) * 30_000)
  expect(codes(gate.known)).not.toContain(codeOf(TOTP, lostIn))
  alice.close()
  later.close()
  store.values.clear()
  store.loss = { kind: 'first', at }
  const again = make()
  again.update(at)
  expect(codes(gate.known)).toEqual(good(lostIn - skew, lostIn + skew))
})
