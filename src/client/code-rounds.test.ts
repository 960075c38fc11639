// Goal: a code is used only while it is valid for long enough, and never twice, whatever the clock and the period.
// Nobody waits for longer than a period.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { TCP, UDP } from '../packet/packet.ts'
import { codeOf, periodAt, type TotpSecret } from '../totp/code.ts'
import { CODE_LEFT_MIN_MS } from '../totp/moment.ts'
import { knocksOfCode } from '../totp/ports.ts'
import { codeRounds, readSecretFile, type Clock, type LastCode } from './code-rounds.ts'

/** The key of RFC 6238, appendix B. */
const SECRET: TotpSecret = {
  key: new TextEncoder().encode('12345678901234567890'),
  algorithm: 'SHA1',
  digits: 8,
  periodS: 30,
}

/** A clock that advances only while somebody waits. `early`: how much too soon a timer may fire, as in Node. */
class FakeClock implements Clock {
  readonly waits: number[] = []
  readonly told: string[] = []
  #now: number
  readonly #early: number

  constructor(now: number, early = 0) {
    this.#now = now
    this.#early = early
  }

  now = (): number => this.#now
  warn = (line: string): void => void this.told.push(line)
  pause = async (ms: number): Promise<void> => {
    this.waits.push(ms)
    this.#now += Math.max(1, ms - this.#early)
  }
  set(now: number): void {
    this.#now = now
  }
}

/** Remembers used codes for one run. */
class Memory implements LastCode {
  #last: number | undefined
  last(): number | undefined {
    return this.#last
  }
  used(period: number): void {
    this.#last = period
  }
}

const at = (takesMs: number) => (): number => takesMs
const ports = (code: string): readonly number[] => knocksOfCode(code).map(({ port }) => port)

describe('a round', () => {
  test('knocks the current code, by RFC 6238, behind the given ports', async () => {
    const clock = new FakeClock(1_111_111_109_000 - 10_000)
    const knocks = await codeRounds(SECRET, [{ protocol: UDP, port: 7 }], at(0), clock, new Memory())(0)
    expect(knocks).toEqual([
      { protocol: UDP, port: 7 },
      { protocol: TCP, port: 20_708 },
      { protocol: TCP, port: 11_804 },
    ])
    expect(clock.waits).toEqual([])
    expect(clock.told).toEqual([])
  })

  test.each([
    [28_000, [], 0],
    [28_001, [1_999], 1],
    [29_999, [1], 1],
    [30_000, [], 1],
  ])('%i ms into a period waits %j', async (now, waits, period) => {
    const clock = new FakeClock(now)
    const knocks = await codeRounds(SECRET, [], at(0), clock, new Memory())(0)
    expect(clock.waits).toEqual(waits)
    expect(knocks.map(({ port }) => port)).toEqual(ports(codeOf(SECRET, period)))
  })

  test('says that it waits', async () => {
    const clock = new FakeClock(28_400)
    await codeRounds(SECRET, [], at(0), clock, new Memory())(0)
    expect(clock.told).toEqual(['waiting 1.6 s for the next code'])
  })

  test('leaves room for the pauses between knocks, but does not wait for ever to have it', async () => {
    const clock = new FakeClock(20_001)
    await codeRounds(SECRET, [], at(8_000), clock, new Memory())(0)
    expect(clock.waits).toEqual([9_999])
    const first = new FakeClock(15_000)
    await codeRounds(SECRET, [], at(3_600_000), first, new Memory())(0)
    expect(first.waits).toEqual([])
  })
})

test('the next round has the next code, and waits no longer than it must', async () => {
  const clock = new FakeClock(10_000)
  const rounds = codeRounds(SECRET, [], at(0), clock, new Memory())
  await rounds(1)
  clock.set(14_000)
  expect((await rounds(1)).map(({ port }) => port)).toEqual(ports(codeOf(SECRET, 1)))
  expect(clock.waits).toEqual([16_000])
  clock.set(65_000)
  expect((await rounds(1)).map(({ port }) => port)).toEqual(ports(codeOf(SECRET, 2)))
  expect(clock.waits).toEqual([16_000])
})

test('a run right after another waits for the next code', async () => {
  const clock = new FakeClock(10_000)
  const memory = new Memory()
  await codeRounds(SECRET, [], at(0), clock, memory)(0)
  const knocks = await codeRounds(SECRET, [], at(0), clock, memory)(0)
  expect(knocks.map(({ port }) => port)).toEqual(ports(codeOf(SECRET, 1)))
  expect(clock.told).toEqual(['waiting 20.0 s for the next code'])
})

test('no code is used twice, each is valid for long enough, and no wait is longer than a period', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 5, max: 120 }),
      fc.nat(10 ** 12),
      fc.array(fc.nat(20_000), { minLength: 1, maxLength: 8 }),
      fc.nat(3),
      async (periodS, start, spent, early) => {
        const clock = new FakeClock(start, early)
        const secret = { ...SECRET, periodS }
        const rounds = codeRounds(secret, [], at(0), clock, new Memory())
        const knocked = new Set<number>()
        for (const ms of spent) {
          const begun = clock.now()
          const knocks = await rounds(1)
          const period = periodAt(secret, clock.now())
          expect(knocks).toEqual(knocksOfCode(codeOf(secret, period)))
          expect(knocked.has(period)).toBe(false)
          knocked.add(period)
          expect((period + 1) * periodS * 1_000 - clock.now()).toBeGreaterThanOrEqual(CODE_LEFT_MIN_MS)
          expect(clock.now() - begun).toBeLessThanOrEqual(periodS * 1_000)
          clock.set(clock.now() + ms)
        }
      },
    ),
  )
})

test('the file is private, and an error names the file but not the secret', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-client-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const path = join(folder, 'totp')
  writeFileSync(path, '# of ssh\nGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n', { mode: 0o600 })
  expect(await readSecretFile(path)).toEqual(SECRET)
  const short = join(folder, 'short')
  writeFileSync(short, 'GEZDGNBV\n', { mode: 0o600 })
  await expect(readSecretFile(short)).rejects.toMatchObject({
    message: `${short}: has a key that is too short`,
    hint: '16 bytes at least: 26 letters',
  })
  const open = join(folder, 'open')
  writeFileSync(open, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n', { mode: 0o644 })
  await expect(readSecretFile(open)).rejects.toMatchObject({ hint: `chmod 600 ${open}` })
})
