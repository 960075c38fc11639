// Goal: a SYN of knockknock opens once, whatever doors have its profile and whatever their names. New keys start a new
// counter.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeProfile } from '../../../../test/peer/profile.ts'
import { readConfig } from '../../../config/read.ts'
import { textOf } from '../../../log/format.ts'
import { parseAddress } from '../../../packet/address.ts'
import { Packet, SYN, TCP } from '../../../packet/packet.ts'
import type { Claim } from '../../../secret/authenticator.ts'
import { SYSTEM_CLOCK } from '../../../secret/clock.ts'
import { WorkBudget } from '../../../secret/work-budget.ts'
import { encodeSyn } from '../syn.ts'
import { JournalLedger } from '../../../state/journal-ledger.ts'
import { HolderMarks } from '../../../secret/holder-marks.ts'
import { MemoryDisk } from '../../../state/disk-fake.ts'
import { openStoreOn } from '../../../state/store.ts'
import type { Store } from '../../../state/store.ts'
import { KnockknockAuthenticator } from './knockknock-authenticator.ts'
import type { KnockknockProof } from './knockknock-authenticator.ts'

const KNOCK_PORT = 666
const address = parseAddress('192.0.2.7')!

const nothing = (): void => undefined

let folder: string
let store: Store
let knockknock: KnockknockAuthenticator
let opened: string[]
let refused: (string | undefined)[]
/** Those who follow the value of a key, and what other hosts have advanced. */
let followers: { readonly key: string; readonly call: () => void }[]
const elsewhere = new Map<string, string>()
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-knockknock-'))
  ;({ store } = await openStoreOn(new MemoryDisk(), '/state'))
  opened = []
  refused = []
  followers = []
  elsewhere.clear()
  const ledger = new JournalLedger(store)
  knockknock = new KnockknockAuthenticator(
    {
      store,
      ledger: {
        claim: async (door, mark) => await ledger.claim(door, mark),
        wasClaimed: (door, mark) => ledger.wasClaimed(door, mark),
        advance: async (key, next) => await ledger.advance(key, next),
        newest: (key) => elsewhere.get(key) ?? ledger.newest(key),
        follow: (key, _door, call) => {
          const one = { key, call }
          followers.push(one)
          return () => void (followers = followers.filter((each) => each !== one))
        },
      },
      gate: { add: nothing, remove: nothing },
      log: { event: nothing, notice: nothing },
      clock: SYSTEM_CLOCK,
      claimed: (claim) => void redeem(claim),
      isOwn: () => true,
      holdersChanged: nothing,
      needsChanged: nothing,
      marks: new HolderMarks(new Uint8Array(32).fill(1)),
    },
    new WorkBudget(() => 0),
  )
})
const redeem = async (claim: Claim<KnockknockProof>): Promise<void> => {
  const redeemed = await knockknock.redeem(claim)
  if ('holder' in redeemed) opened.push(`${redeemed.door.name} ${redeemed.user}`)
  else refused.push(redeemed.refused === undefined ? undefined : textOf(redeemed.refused))
}
afterEach(async () => {
  await knockknock.close()
  await store.close()
  rmSync(folder, { recursive: true })
})

const keysOf = (byte: number): { cipherKey: Uint8Array; macKey: Uint8Array } => ({
  cipherKey: new Uint8Array(16).fill(byte),
  macKey: new Uint8Array(16).fill(byte + 1),
})
const profile = (name: string, byte: number): void => writeProfile(join(folder, name), keysOf(byte))
const doors = (...names: readonly string[]): void => {
  const text = names.map((name) => `[${name}]\nSPA = knockknock\nProfiles = ${folder}\nOpen_Ports = tcp/22\n`).join('')
  const { config, faults } = readConfig(text, 'k')
  if (config === undefined) throw new Error(JSON.stringify(faults))
  knockknock.replace(config.doors)
}
const knock = async (byte: number, counter: number): Promise<void> => {
  const packet = Object.assign(new Packet(), encodeSyn(22, keysOf(byte), counter), {
    family: 4,
    protocol: TCP,
    port: KNOCK_PORT,
    flags: SYN,
    sourceA: address.a,
  })
  knockknock.offer(packet)
  await new Promise<void>((resolve) => {
    setImmediate(resolve)
  })
}

test('a SYN that opened one door opens no other one that has the same profiles', async () => {
  profile('alice', 1)
  doors('ssh', 'web')
  await knock(1, 0)
  await knock(1, 0)
  expect(opened).toEqual(['ssh alice'])
})

test('nor the same door under another name', async () => {
  profile('alice', 1)
  doors('ssh')
  await knock(1, 0)
  doors('shell')
  await knock(1, 0)
  await knock(1, 1)
  expect(opened).toEqual(['ssh alice', 'shell alice'])
})

test('new keys of a profile begin anew', async () => {
  profile('alice', 1)
  doors('ssh')
  for (let counter = 0; counter < 40; counter++) await knock(1, counter)
  profile('alice', 3)
  doors('ssh')
  opened = []
  await knock(3, 0)
  expect(opened).toEqual(['ssh alice'])
})

test('counters that an earlier version noted by names count', async () => {
  await store.advance('knockknock\nssh\nalice', '4', () => true)
  profile('alice', 1)
  doors('ssh')
  await knock(1, 4)
  await knock(1, 5)
  expect(opened).toEqual(['ssh alice'])
  doors('shell')
  await knock(1, 4)
  expect(opened).toEqual(['ssh alice'])
  expect(store.newest('knockknock\nssh\nalice')).toBeUndefined()
})

test('a reload that takes the door away while the counter is used up is told', async () => {
  profile('alice', 1)
  doors('ssh')
  const under = knock(1, 0)
  doors('shell')
  await under
  expect(opened).toEqual([])
  expect(refused).toEqual(['192.0.2.7: ssh: stays shut: the config has changed meanwhile'])
  await knock(1, 0)
  expect(opened).toEqual([])
})

test('knocks at another host move the window of their profile, which alone is looked up', async () => {
  profile('alice', 1)
  profile('bob', 3)
  doors('ssh', 'web')
  doors('ssh', 'web')
  expect(followers.length).toBe(4)
  const { key } = followers[0]!
  elsewhere.set(key, '100')
  await knock(1, 101)
  expect(opened).toEqual([])
  for (const each of followers) if (each.key === key) each.call()
  await knock(1, 100)
  expect(opened).toEqual([])
  await knock(1, 101)
  await knock(3, 0)
  expect(opened).toEqual(['ssh alice', 'ssh bob'])
})
