// Goal: a door opens only once its secret is used up, and as the config in force has it; nothing is said of opening
// before. What is under way is bounded, and a fault opens nothing.
import { setImmediate as settled } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import type { Grant } from '../door/grant.ts'
import { entryOf, textOf } from '../log/format.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import type { Claim, Redeemed } from './authenticator.ts'
import { REDEMPTIONS_MAX, Redemptions } from './redemptions.ts'

const door = readConfig('[d]\nSequence = 7431,9123,8020\nOpen_Ports = tcp/22\n', 'k').config!.doors[0]!
const source = parseAddress('192.0.2.7')!
const CLAIM: Claim<string> = { door: 'd', source, protocol: TCP, port: 1, proof: 'proof' }
const GRANT: Grant = { door, source, ms: 1_000, user: 'alice', holder: 'mark', protocol: TCP, port: 1 }

/** Redemptions whose surroundings note what is asked of them. */
class Around {
  readonly notes: string[] = []
  redeemed: Redeemed = GRANT
  may = true
  opens = true
  /** The work for the time in which the disk is busy. */
  readonly works = new Set<() => void>()
  /** Settles when the secrets are durably used up. */
  used: Promise<void> = Promise.resolve()

  readonly authenticator = {
    redeem: async ({ proof }: Claim<string>): Promise<Redeemed> => {
      this.notes.push(`redeems ${proof}`)
      await this.used
      return this.redeemed
    },
  }
  readonly redemptions = new Redemptions({
    opener: {
      prepare: ({ door: { opens } }) => void this.notes.push(`prepares ${opens.map(({ first }) => first).join()}`),
      open: async ({ door: { opens } }, opened) => {
        this.notes.push(`opens ${opens.map(({ first }) => first).join()}`)
        if (this.opens) opened()
        return this.opens
      },
    },
    reconciler: {
      isStillMay: () => this.may,
      during: async (opening) => {
        await opening
        this.notes.push('looks for what was revoked meanwhile')
      },
    },
    log: { event: (event) => void this.notes.push(`${entryOf(event, 0).level} ${textOf(event)}`) },
    whileSyncing: (work) => {
      this.works.add(work)
      return () => void this.works.delete(work)
    },
    attempt: async (work) => await work().catch((error: unknown) => void this.notes.push((error as Error).message)),
  })

  /** Lets secrets be used up only once the result is called. */
  wait(): () => void {
    const waiting: (() => void)[] = []
    this.used = new Promise((resolve) => waiting.push(resolve))
    return waiting[0]!
  }

  async begin(): Promise<readonly string[]> {
    this.redemptions.begin(CLAIM, this.authenticator)
    await settled()
    return this.notes
  }
}

const LOOKS = 'looks for what was revoked meanwhile'

test('a claim opens what it is redeemed for', async () => {
  expect(await new Around().begin()).toEqual([
    'redeems proof',
    'opens 22',
    'notice 192.0.2.7: d: OPEN SESAME (alice)',
    LOOKS,
  ])
})

test('nothing opens before the secret is durably used up', async () => {
  const around = new Around()
  const use = around.wait()
  expect(await around.begin()).toEqual(['redeems proof'])
  use()
  await settled()
  expect(around.notes).toHaveLength(4)
})

test('the opening is prepared while the disk is busy, and only then', async () => {
  const around = new Around()
  const use = around.wait()
  around.redemptions.begin({ ...CLAIM, likely: GRANT }, around.authenticator)
  await settled()
  expect(around.notes).toEqual(['redeems proof'])
  for (const work of around.works) work()
  expect(around.notes).toEqual(['redeems proof', 'prepares 22'])
  use()
  await settled()
  expect(around.notes).toHaveLength(5)
  expect(around.works.size).toBe(0)
})

test('a prepared opening that is refused stays shut', async () => {
  const around = new Around()
  around.redeemed = { refused: undefined }
  around.redemptions.begin({ ...CLAIM, likely: GRANT }, around.authenticator)
  for (const work of around.works) work()
  await settled()
  expect(around.notes).toEqual(['redeems proof', 'prepares 22'])
})

test('nothing is said of opening where the opener does not open', async () => {
  expect(await Object.assign(new Around(), { opens: false }).begin()).toEqual(['redeems proof', 'opens 22', LOOKS])
})

test('what speaks against it since it was redeemed keeps the door shut', async () => {
  expect(await Object.assign(new Around(), { may: false }).begin()).toEqual(['redeems proof'])
})

test.each<[string, Redeemed, readonly string[]]>([
  ['with a line', { refused: { kind: 'notice', level: 'notice', text: 'd: used before' } }, ['notice d: used before']],
  ['without one', { refused: undefined }, []],
])('a refused claim opens nothing (%s)', async (_, redeemed, lines) => {
  expect(await Object.assign(new Around(), { redeemed }).begin()).toEqual(['redeems proof', ...lines])
})

test('claims beyond the bound open nothing, until others are over; they are used up, or could be replayed', async () => {
  const around = new Around()
  const use = around.wait()
  for (let count = 0; count < REDEMPTIONS_MAX; count++) around.redemptions.begin(CLAIM, around.authenticator)
  around.notes.length = 0
  const refusal = 'error 192.0.2.7: d: stays shut, too many doors open at once'
  expect(await around.begin()).toEqual([refusal, 'redeems proof'])
  around.notes.length = 0
  use()
  await settled()
  expect(around.notes.filter((note) => note === 'opens 22')).toHaveLength(REDEMPTIONS_MAX)
  around.notes.length = 0
  expect(await around.begin()).toHaveLength(4)
})

test('a claim whose redemption fails opens nothing, and makes room', async () => {
  const around = new Around()
  around.used = Promise.reject(new Error('unforeseen'))
  for (let count = 0; count <= REDEMPTIONS_MAX; count++) await around.begin()
  expect(new Set(around.notes)).toEqual(new Set(['redeems proof', 'unforeseen']))
})
