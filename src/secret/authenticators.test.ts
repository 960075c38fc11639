// Goal: each door has the authenticator of its secret's kind; those of single packets are loaded only if a door needs them.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { hit } from '../../test/gate/knocks.ts'
import type { Config } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { Gate } from '../gate/gate.ts'
import { parseAddress } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { JournalLedger } from '../state/journal-ledger.ts'
import { FakeAuthenticator } from './authenticator-fake.ts'
import { Authenticators } from './authenticators.ts'
import type { SinglePackets } from './authenticators.ts'
import type { PacketAuthenticatorsDeps } from './deps.ts'
import { fakeDeps } from './deps-fake.ts'
import type { FakeDeps } from './deps-fake.ts'

let folder: string
let deps: FakeDeps
let authenticators: Authenticators
let packets: FakeAuthenticator
let loads: number
let isOwn: PacketAuthenticatorsDeps['isOwn']
let single: SinglePackets
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-authenticators-'))
  deps = await fakeDeps(join(folder, 'lists'))
  packets = new FakeAuthenticator()
  loads = 0
  single = {
    claimed: deps.claimed,
    load: async () => {
      loads++
      return await Promise.resolve((given) => {
        ;({ isOwn } = given)
        return { postern: packets, fwknop: packets, 'fwknop-keys': packets, knockknock: packets }
      })
    },
  }
  authenticators = new Authenticators(deps, single)
  writeFileSync(join(folder, 'users'), 'alice 7431,8020,6001\n', { mode: 0o600 })
  writeFileSync(join(folder, 'list'), ' 7431,5001\n', { mode: 0o600 })
})
afterEach(async () => {
  await authenticators.close()
  rmSync(folder, { recursive: true })
})

const SEQUENCE = 'Sequence = 7431,8020,6002'
const SPA = 'SPA = postern\nSPA_Users = /nowhere'
const configOf = (...doors: readonly string[]): Config => {
  const text = doors.map((lines, index) => `[${'abcdef'[index]!}]\n${lines}\nOpen_Ports = tcp/22\n`).join('')
  const { config, faults } = readConfig(text, 'k')
  if (config === undefined) throw new Error(JSON.stringify(faults))
  return config
}
const users = (): string => `Users = ${folder}/users`
const list = (): string => `One_Time_Sequences = ${folder}/list`

test('doors that several sequences lead to are in the order of the config, whatever their kinds', () => {
  const gate = new Gate({ scanPorts: 0, scanIgnoreMs: 0, seed: [1, 2] })
  authenticators = new Authenticators({ ...deps, gate }, single)
  let source = 1
  for (const lines of [
    [list(), users(), SEQUENCE],
    [users(), SEQUENCE, list()],
  ]) {
    authenticators.replace(configOf(...lines))
    const doors = gate
      .knock(hit({ port: 7431, from: `192.0.2.${++source}` }))
      .flatMap((effect) => (effect.kind === 'stage' ? effect.doors : []))
    expect([...doors].sort()).toEqual(['a', 'b', 'c'])
    expect(authenticators.inOrder(doors)).toEqual(['a', 'b', 'c'])
  }
  expect(authenticators.inOrder(['gone', 'c', 'a'])).toEqual(['a', 'c', 'gone'])
})

test('a door that changes its kind is opened by the new secret alone', async () => {
  authenticators.replace(configOf(users()))
  const before = [...authenticators.sequences()][0]!
  const claim = { door: 'a', source: parseAddress('192.0.2.7')!, protocol: TCP, port: 1 } as const
  expect(await authenticators.redeem({ ...claim, proof: before })).toMatchObject({ user: 'alice' })
  expect(authenticators.status('a')).toEqual({ users: 1 })
  authenticators.replace(configOf(list()))
  const after = [...authenticators.sequences()][0]!
  expect([...deps.gate.known]).toEqual([after])
  expect(authenticators.status('a')).toEqual({ left: 1 })
  expect(await authenticators.redeem({ ...claim, proof: before })).not.toHaveProperty('holder')
  expect(await authenticators.redeem({ ...claim, proof: after })).toMatchObject({ door: authenticators.find('a') })
  expect(await authenticators.redeem({ ...claim, door: 'gone', proof: after })).toEqual({ refused: undefined })
  expect(authenticators.files()).toEqual([join(folder, 'list')])
})

test('single packets are loaded with the first config that needs them, once, and get packets to this host', async () => {
  const packet = hit({ port: 1, to: '192.0.2.1' })
  authenticators.setOwn([parseAddress('192.0.2.1')!], [])
  await authenticators.load(configOf(SEQUENCE))
  packets.takes = true
  expect([loads, authenticators.offer(packet, new Uint8Array())]).toEqual([0, false])
  expect(authenticators.needs).toEqual({ datagrams: [], synPorts: [] })
  const config = configOf(SPA, SEQUENCE)
  await Promise.all([authenticators.load(config), authenticators.load(config)])
  authenticators.replace(config)
  packets.needs = { datagrams: [{ first: 1, last: 2 }], synPorts: [7] }
  expect(packets.doors.map(({ name }) => name)).toEqual(['a'])
  expect(authenticators.needs).toEqual(packets.needs)
  expect(authenticators.offer(packet, new Uint8Array())).toBe(true)
  expect(packets.offered).toEqual([packet])
  expect(authenticators.offer(hit({ port: 1, to: '192.0.2.9' }), new Uint8Array())).toBe(false)
  expect(isOwn(parseAddress('192.0.2.1')!)).toBe(true)
  expect(isOwn(parseAddress('192.0.2.9')!)).toBe(false)
  const held = { source: '192.0.2.7', services: undefined, forward: undefined, holder: 'x', user: undefined }
  packets.verdict = 'may not'
  packets.expiry = 5
  expect(authenticators.mayHold({ door: 'a', ...held })).toBe('may not')
  expect(authenticators.nextExpiry(0)).toBe(5)
  const before = loads
  await authenticators.load(configOf(SPA))
  expect(loads).toBe(before)
  await authenticators.close()
  expect(packets.isClosed).toBe(true)
})

test('used codes are kept for secrets in force, and for a week for others', async () => {
  const { store } = deps
  authenticators = new Authenticators({ ...deps, ledger: new JournalLedger(store) }, single)
  writeFileSync(join(folder, 'users'), 'alice GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n', { mode: 0o600 })
  const config = configOf(users(), SEQUENCE)
  authenticators.replace(config)
  const proof = [...authenticators.sequences()][1]!
  await authenticators.redeem({ door: 'a', source: parseAddress('192.0.2.7')!, protocol: TCP, port: 1, proof })
  const [inForce = ''] = store.keys('totp\n')
  const period = Math.floor(Date.now() / 30_000)
  const old = `30 -1 ${period - 30_000}`
  for (const key of [inForce, 'totp\nold', 'other\nold']) await store.advance(key, old, () => true)
  await store.advance('totp\nrecent', `30 -1 ${period - 1}`, () => true)
  const left = (): readonly string[] => [...store.keys('totp\n'), ...store.keys('other\n')].sort()
  authenticators.replace(config)
  await vi.waitFor(() => expect(left()).toEqual(['other\nold', inForce, 'totp\nrecent'].sort()))
  authenticators.replace(configOf(SEQUENCE))
  await vi.waitFor(() => expect(left()).toEqual(['other\nold', 'totp\nrecent']))
})
