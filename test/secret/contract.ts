import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Door, Options } from '../../src/config/config.ts'
import { readConfig } from '../../src/config/read.ts'
import type { Held } from '../../src/door/held.ts'
import type { Grant } from '../../src/door/grant.ts'
import type { GateSequence } from '../../src/gate/sequence.ts'
import { formatAddress, parseAddress } from '../../src/packet/address.ts'
import { TCP } from '../../src/packet/packet.ts'
import type { Authenticator, Claim, Redeemed, Verdict } from '../../src/secret/authenticator.ts'
import { fakeDeps } from '../../src/secret/deps-fake.ts'
import type { FakeDeps } from '../../src/secret/deps-fake.ts'
import type { Judged, Vouched } from '../../src/secret/vouched.ts'

/** An authenticator under test, with one door `d`. */
export interface Tested {
  readonly authenticator: Authenticator<unknown>
  readonly deps: FakeDeps
  readonly folder: string
}

/** A kind of secrets under test. */
export interface Fixture {
  make(deps: FakeDeps): Authenticator<unknown>
  /** Makes further files in the folder. */
  prepare?(folder: string): void
  /** The lines of the door in the config. They name files in `folder`. */
  lines(folder: string): string
  /** The door's file; absent: the config has the secret, or the daemon makes the file. */
  readonly file?: {
    readonly path: (folder: string) => string
    /** The content with both secrets, and with the second alone. */
    readonly both: string
    readonly second: string
    /** A content that is at fault from the first to the last line. Absent: every text is a list. */
    readonly faulty?: string
  }
  /** The lines of the door with another secret, if it is in the config. */
  readonly otherLines?: (folder: string) => string
  /** Does what takes the right to open away from all present holders. Absent: the file without the first secret does. */
  readonly revoke?: (tested: Tested) => Promise<void>
  /** Makes a valid claim by the first or the second secret, anew if that is possible. */
  claim(tested: Tested, which: 'first' | 'second'): Promise<Claim<unknown>>
  /** Makes the same claim again, as a replay would; `undefined`: nothing waits for it. */
  again(tested: Tested, claim: Claim<unknown>): Promise<Claim<unknown> | undefined>
  /** True if each secret is that of a user. */
  readonly hasUsers?: boolean
  /** True if a secret can be used once only. */
  readonly once: boolean
  /** True if a door opens while its file cannot be read. False if the use has to be marked in the file. */
  readonly opensWithoutFile?: boolean
}

/** Runs the tests that every authenticator has to pass. */
export function testContract(name: string, fixture: Fixture): void {
  describe(name, () => {
    let folder: string
    let tested: Tested
    let options: Options
    const all: Tested[] = []

    const put = (lines = fixture.lines(folder)): Door => {
      const { config, faults } = readConfig(
        `[options]\nSPA_Key_File = ${folder}/server.key\n[d]\n${lines}\nOpen_Ports = tcp/22\n`,
        'k',
      )
      if (config === undefined) throw new Error(JSON.stringify(faults))
      options = config.options
      tested.authenticator.replace(config.doors, options)
      return config.doors[0]!
    }
    const start = async (before?: FakeDeps): Promise<Tested> => {
      const deps = await fakeDeps(join(folder, 'lists'), before)
      tested = { authenticator: fixture.make(deps), deps, folder }
      all.push(tested)
      return tested
    }
    const write = (text: string): void => writeFileSync(fixture.file!.path(folder), text, { mode: 0o600 })
    const redeem = async (claim: Claim<unknown>): Promise<Redeemed> => await tested.authenticator.redeem(claim)
    const open = async (which: 'first' | 'second'): Promise<Grant> =>
      granted(await redeem(await fixture.claim(tested, which)))
    const verdict = ({ holder, user }: Pick<Grant, 'holder' | 'user'>): Verdict =>
      tested.authenticator.mayHold({ ...HELD, holder, user })

    /** Expects that a claim and its replay open nothing, while another secret does. */
    const expectUsedUp = async (claim: Claim<unknown>): Promise<void> => {
      expect(isGrant(await redeem(claim))).toBe(false)
      const again = await fixture.again(tested, claim)
      expect(again !== undefined && isGrant(await redeem(again))).toBe(false)
      expect((await open('second')).door.name).toBe('d')
    }

    beforeEach(async () => {
      folder = mkdtempSync(join(tmpdir(), 'postern-contract-'))
      fixture.prepare?.(folder)
      if (fixture.file !== undefined) write(fixture.file.both)
      await start()
    })
    afterEach(async () => {
      for (const { authenticator } of all.splice(0)) await authenticator.close()
      rmSync(folder, { recursive: true })
    })

    test('a valid claim gets a grant for its source, as long as the door is open for', async () => {
      const door = put()
      const claim = await fixture.claim(tested, 'first')
      const grant = granted(await redeem(claim))
      expect(grant).toMatchObject({ source: claim.source, ms: door.cmdTimeoutMs, protocol: claim.protocol })
      expect(grant.door).toBe(door)
      expect(verdict(grant)).toBe('may')
      expect(tested.deps.said.filter((line) => !/sequences? (is|are) left|only one sequence/.test(line))).toEqual([])
    })

    if (fixture.once)
      test('the same proof opens once: again, and at the same time', async () => {
        put()
        const claim = await fixture.claim(tested, 'first')
        const both = await Promise.all([redeem(claim), redeem(claim)])
        expect(both.filter(isGrant)).toHaveLength(1)
        await expectUsedUp(claim)
      })

    if (fixture.once)
      test('a crash between the use and the opening: the next start refuses the proof', async () => {
        put()
        const claim = await fixture.claim(tested, 'first')
        tested.deps.ledger.crashes = true
        const redeemed = redeem(claim)
        await expect(Promise.race([redeemed, pause()])).resolves.toBe('nothing')
        await start(tested.deps)
        put()
        await expectUsedUp(claim)
      })

    if (fixture.once)
      test('of two daemons with one ledger one opens, though neither knows of the other', async () => {
        put()
        const one = tested
        const claim = await fixture.claim(one, 'first')
        const other = await start(one.deps)
        put()
        const same = await fixture.again(other, claim)
        const both = await Promise.all([one.authenticator.redeem(claim), other.authenticator.redeem(same!)])
        expect(both.filter(isGrant)).toHaveLength(1)
      })

    if (fixture.once)
      test('a ledger that is unavailable opens nothing, with the reason', async () => {
        put()
        const claim = await fixture.claim(tested, 'first')
        tested.deps.ledger.unavailable = 'the disk is full'
        const refusal = await redeem(claim)
        expect(refusal).toMatchObject({
          refused: { level: 'error', cause: expect.stringContaining('the disk is full') },
        })
      })

    test('holders are judged once the door is in force: a holder who lost the right may not keep the opening', async () => {
      expect(verdict({ holder: 'mark' })).toBe('unknown')
      put()
      const { holder, user } = await open('first')
      expect(verdict({ holder, user })).toBe('may')
      const { changes } = tested.deps
      const before = changes()
      if (fixture.revoke !== undefined) await fixture.revoke(tested)
      else if (fixture.otherLines === undefined) {
        write(fixture.file!.second)
        await vi.waitFor(() => expect(changes()).toBeGreaterThan(before), { timeout: 5_000 })
      } else put(fixture.otherLines(folder))
      expect(verdict({ holder, user })).toBe('may not')
      expect(verdict({ holder: 'mark of another' })).toBe('may not')
    })

    if (fixture.file !== undefined)
      test('a folder that was replaced is read again at once, when that is asked for', async () => {
        put()
        const held = await open('first')
        const { changes } = tested.deps
        const before = changes()
        write(fixture.file!.second)
        tested.authenticator.refresh(`${folder}/elsewhere`)
        expect(verdict(held)).toBe('may')
        tested.authenticator.refresh(folder)
        expect(verdict(held)).toBe('may not')
        expect(changes()).toBeGreaterThan(before)
      })

    if (fixture.file !== undefined)
      test('a file that cannot be read at the start judges nobody', () => {
        chmodSync(fixture.file!.path(folder), 0o666)
        put()
        expect(verdict({ holder: 'mark', user: 'alice' })).toBe('unknown')
        expect([...tested.authenticator.sequences()]).toEqual([])
      })

    const spoilers: readonly (readonly [string, () => void])[] = [
      ['unreadable', () => chmodSync(fixture.file!.path(folder), 0o666)],
      ['gone', () => rmSync(fixture.file!.path(folder))],
      ['faulty', () => write(fixture.file!.faulty!)],
    ]
    const spoiled = fixture.file?.faulty === undefined ? spoilers.slice(0, -1) : spoilers
    if (fixture.file !== undefined)
      test.each(spoiled)(
        'the last good file counts while the file is %s, also when the door changes',
        async (_, spoil) => {
          put()
          const held = await open('first')
          spoil()
          for (const lines of ['', '\nAllow_From = 192.0.2.0/24']) {
            put(fixture.lines(folder) + lines)
            expect(verdict(held)).toBe('may')
            expect(verdict({ holder: 'mark of another' })).toBe('may not')
          }
          if (fixture.opensWithoutFile !== false) expect((await open('second')).door.name).toBe('d')
        },
      )

    test('what another host vouches for opens as far as this host would: its ports, its time, its addresses', async () => {
      const door = put()
      const { user, print } = await open('first')
      const judge = (asked: Partial<Vouched> = {}): Judged =>
        tested.authenticator.grantFor({ ...vouchedFor(user, print), ...asked })
      const whole = judged(judge())
      expect(whole).toMatchObject({ door, ms: Math.min(door.cmdTimeoutMs, VOUCHED_MS) })
      expect(whole.services ?? door.opens).toEqual(door.opens)
      expect(verdict(whole)).toBe('may')
      expect(judged(judge({ ms: 1_000 })).ms).toBe(1_000)
      const [ssh] = door.opens
      expect(judged(judge({ services: [ssh!] })).services ?? door.opens).toEqual([ssh])
      for (const asked of [
        { services: [{ ...ssh!, first: 80, last: 80 }] },
        { services: [{ ...ssh!, first: 1, last: 65_535 }] },
        { forward: { address: parseAddress('198.51.100.7')!, port: 22 } },
        { door: 'gone' },
      ])
        expect(judge(asked)).toMatchObject({ refusal: expect.any(String) })
      put(`${fixture.lines(folder)}\nAllow_From = 198.51.100.0/24`)
      expect(judge()).toMatchObject({ refusal: '192.0.2.7 is not in Allow_From' })
      // Nothing was used up.
      put()
      expect((await open('second')).door.name).toBe('d')
    })

    if (fixture.hasUsers === true)
      test('only a user of this host is vouched for, and is closed when revoked', async () => {
        put()
        const { user, print } = await open('first')
        for (const [who, key] of [
          [undefined, undefined],
          ['mallory', undefined],
          ['mallory', 'another key'],
        ])
          expect(tested.authenticator.grantFor(vouchedFor(who, key))).toHaveProperty('refusal')
        const { changes } = tested.deps
        const [held, before] = [judged(tested.authenticator.grantFor(vouchedFor(user, print))), changes()]
        if (fixture.revoke !== undefined) await fixture.revoke(tested)
        else write(fixture.file!.second)
        await vi.waitFor(() => expect(changes()).toBeGreaterThan(before), { timeout: 5_000 })
        expect(verdict(held)).toBe('may not')
        expect(tested.authenticator.grantFor(vouchedFor(user, print))).toHaveProperty('refusal')
      })

    test('a door that is gone opens to nobody, and judges nobody', async () => {
      put()
      const claim = await fixture.claim(tested, 'first')
      tested.authenticator.replace([], options)
      expect(isGrant(await redeem(claim))).toBe(false)
      expect([...tested.authenticator.sequences()]).toEqual([])
      expect(verdict({ holder: 'mark' })).toBe('unknown')
      expect(tested.authenticator.files()).toEqual([])
      expect(tested.deps.gate.known.size).toBe(0)
    })

    test('the files that decide are named', async () => {
      put()
      await fixture.claim(tested, 'first')
      const path = fixture.file?.path(folder)
      if (path === undefined) expect(tested.authenticator.files().every((file) => file.startsWith(folder))).toBe(true)
      else expect(tested.authenticator.files()).toContain(path)
    })

    test('closing takes every sequence out of the gate', async () => {
      put()
      await fixture.claim(tested, 'first')
      expect(new Set(tested.authenticator.sequences())).toEqual(tested.deps.gate.known)
      await tested.authenticator.close()
      expect(tested.deps.gate.known.size).toBe(0)
      expect([...tested.authenticator.sequences()]).toEqual([])
    })
  })
}

const HELD: Held = {
  door: 'd',
  source: '192.0.2.7',
  services: undefined,
  forward: undefined,
  holder: undefined,
  user: undefined,
}

/** Makes the claim of a sequence that the gate waits for. */
export async function knock({ authenticator }: Tested, index: number): Promise<Claim<unknown>> {
  return await vi.waitFor(() => {
    const proof = [...authenticator.sequences()][index]
    if (proof === undefined) throw new Error('the gate waits for no such sequence')
    return claimOf(proof)
  })
}

/** Returns the claim of a sequence that was knocked. */
export function claimOf(proof: GateSequence): Claim {
  return { door: proof.door, source: parseAddress(HELD.source)!, protocol: TCP, port: 1, proof }
}

const VOUCHED_MS = 3_600_000

/** Returns the opening of a door `d` that another host vouches for. */
function vouchedFor(user: string | undefined, print: string | undefined): Vouched {
  const from = { door: 'd', source: parseAddress(HELD.source)!, protocol: TCP, port: 1 } as const
  return { ...from, ms: VOUCHED_MS, user, isKey: (key) => key === print }
}

function judged(grant: Judged): Grant {
  if ('refusal' in grant) throw new Error(grant.refusal)
  return grant
}

function isGrant(redeemed: Redeemed): redeemed is Grant {
  return 'holder' in redeemed
}

function granted(redeemed: Redeemed): Grant {
  if (!isGrant(redeemed)) throw new Error(`refused: ${JSON.stringify(redeemed.refused)}`)
  expect(formatAddress(redeemed.source)).toBe(HELD.source)
  return redeemed
}

async function pause(): Promise<string> {
  return await new Promise((resolve) => setTimeout(resolve, 50, 'nothing'))
}
