// Goal: what an operator is shown depends on nothing that just anyone who can write to etcd has put there, but for signs of life.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { KeyValue, Listed } from '../../../etcd/client.ts'
import { publicKeyText } from '../../../fleet/hosts.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { readOperatorSettings } from '../../../fleet/settings.ts'
import { signText } from '../../../fleet/signed.ts'
import { hostsText, readOverview } from './overview.ts'

const ALICE = generateKeyPairSync('ed25519')
const KEYSPACE = new Keyspace('home')
const PLACE = KEYSPACE.document('hosts')
const SETTINGS = readOperatorSettings(
  `Fleet = home\nEtcd = https://10.0.0.1:2379\nOperator = alice ${publicKeyText(ALICE.publicKey)}\n`,
  'fleet.conf',
)
const HOSTS = [{ name: 'web1', groups: [], key: publicKeyText(ALICE.publicKey) }]

const kvOf = (key: string, value: string): KeyValue => ({ key, value, modRevision: '1', version: '1', lease: '0' })

async function overview(kvs: readonly KeyValue[], listed = HOSTS, folder?: string) {
  const all = [
    kvOf(PLACE, signText(PLACE, { version: 1, hosts: listed }, { name: 'alice', key: ALICE.privateKey })),
    ...kvs,
  ]
  const etcd = {
    get: (key: string) => Promise.resolve(all.find((each) => each.key === key)),
    list: (prefix: string): Promise<Listed> =>
      Promise.resolve({ revision: '1', kvs: all.filter(({ key }) => key.startsWith(prefix)) }),
    txn: () => Promise.reject(new Error('nothing is changed')),
  }
  const access = { endpoints: SETTINGS.endpoints, ca: '', cert: '', key: '' }
  const here = folder === undefined ? { folder: '/nowhere', host: 'web1' } : { folder, host: '' }
  return await readOverview(etcd, { ...here, settings: SETTINGS, access })
}

test('a token that was presented twice is told of hosts in the list, with a command that can be pasted', async () => {
  const notes = ['web1', 'web1; touch /tmp/x', '$(reboot)', 'web9'].map((name) => kvOf(KEYSPACE.secondUse(name), '{}'))
  const many = Array.from({ length: 1_000 }, (_, index) => kvOf(KEYSPACE.secondUse(`x${index}`), '{}'))
  const { notes: told } = await overview([...notes, ...many])
  expect(told).toEqual([
    'the token of web1 was presented twice: if web1 is not the host that you meant: postern fleet remove web1',
  ])
})

test('signs of life cannot change the terminal', async () => {
  const wild = '\u001b]0;x\u0007\u009b2J\n'
  const beat = { at: 1, version: '1', doors: 0, marks: [], refused: { users: wild }, versions: {} }
  const signed = (name: string): KeyValue => {
    const place = KEYSPACE.beat(name)
    return kvOf(place, signText(place, beat, { name, key: ALICE.privateKey }))
  }
  const { hosts, notes } = await overview([signed('web1'), signed(wild)])
  expect(hosts[0]!.seen).not.toBeNull()
  expect(notes).toHaveLength(1)
  // oxlint-disable-next-line no-control-regex -- these are looked for
  expect(hostsText({ hosts, notes }, 0)).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
})

test.each([
  ['AAAA', 'AAAA', 'AAAA', []],
  ['BBBB', 'AAAA', 'AAAA', ['web1']],
  ['AAAA', 'BBBB', undefined, ['web1', 'web2']],
  ['AAAA', 'BBBB', 'CCCC', ['web1', 'web2', 'web3']],
  ['AAAA', 'AAAA', undefined, []],
])('hosts with the keys %s, %s and %s: who has another one than most is told', async (one, two, three, told) => {
  const marks = { web1: one, web2: two, web3: three }
  const listed = Object.keys(marks).map((name) => ({ name, groups: [], key: HOSTS[0]!.key }))
  const kvs = Object.entries(marks).map(([name, keyMark]) => {
    const place = KEYSPACE.beat(name)
    const beat = { at: 1, version: '1', doors: 0, marks: [], refused: {}, versions: { hosts: 1 }, keyMark }
    return kvOf(place, signText(place, beat, { name, key: ALICE.privateKey }))
  })
  const { hosts } = await overview(kvs, listed)
  const problems = hosts.filter((host) => host.problems.some((text) => text.includes('its fleet.key is not that of')))
  expect(problems.map(({ name }) => name)).toEqual(told)
})

test('a certificate near its end is told of its host, with the command that renews it', async () => {
  const place = KEYSPACE.beat('web1')
  const endsAt = Date.UTC(2026, 10, 30, 12)
  const beat = { at: 1, version: '1', doors: 0, marks: [], refused: {}, versions: { hosts: 1 }, endsAt }
  const { hosts } = await overview([kvOf(place, signText(place, beat, { name: 'web1', key: ALICE.privateKey }))])
  expect(hosts[0]!.problems).toEqual([
    'its certificate for etcd ends on 2026-11-30 12:00 UTC: postern fleet invite web1 --replace',
  ])
})

test('users of an older version that somebody put back are told, and hosts that have no newer one are behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'overview-'))
  try {
    const users = KEYSPACE.document('users')
    const place = KEYSPACE.beat('web1')
    const signer = { name: 'alice', key: ALICE.privateKey }
    const usersOf = (version: number): KeyValue => kvOf(users, signText(users, { version, files: [] }, signer))
    const beat = { at: 1, version: '1', doors: 0, marks: [], refused: {}, versions: { hosts: 1, users: 6 } }
    const web1 = kvOf(place, signText(place, beat, { name: 'web1', key: ALICE.privateKey }))
    expect((await overview([usersOf(7), web1], HOSTS, folder)).hosts[0]!.problems).toHaveLength(1)
    const { hosts, notes } = await overview([usersOf(6), web1], HOSTS, folder)
    expect(notes).toEqual([
      'etcd has version 6 of the users, and this folder has seen 7: somebody put an older one there; push again',
    ])
    expect(hosts[0]!.problems).toEqual([expect.stringMatching(/^has version 6 of the list of users, not 7/)])
  } finally {
    rmSync(folder, { recursive: true })
  }
})
