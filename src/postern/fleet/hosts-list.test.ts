// Goal: the next list of hosts follows the newest one that this operator has seen, whatever somebody puts into etcd.
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Compare, KeyValue, Op, TxnResult } from '../../etcd/client.ts'
import { HOSTS_MAX, publicKeyText } from '../../fleet/hosts.ts'
import type { FleetHost } from '../../fleet/hosts.ts'
import { Keyspace } from '../../fleet/keyspace.ts'
import { readOperatorSettings } from '../../fleet/settings.ts'
import { signText } from '../../fleet/signed.ts'
import { HostsList } from './hosts-list.ts'

const ALICE = generateKeyPairSync('ed25519')
const SIGNER = { name: 'alice', key: ALICE.privateKey }
const KEYSPACE = new Keyspace('home')
const PLACE = KEYSPACE.document('hosts')
const SETTINGS = readOperatorSettings(
  `Fleet = home\nEtcd = https://10.0.0.1:2379\nOperator = alice ${publicKeyText(ALICE.publicKey)}\n`,
  'fleet.conf',
)
const hostOf = (name: string): FleetHost => {
  return { name, groups: [], key: publicKeyText(generateKeyPairSync('ed25519').publicKey) }
}
const adding = (host: FleetHost) => (hosts: readonly FleetHost[]) => [...hosts, host]

/** An etcd of one key. */
class Store {
  present: KeyValue | undefined
  /** Called before each transaction. */
  before: () => void = () => undefined
  /** True: the answer of the next transaction is lost, and the client tries it again. */
  loses = false
  #revision = 0

  put(value: string): void {
    this.present = { key: PLACE, value, modRevision: String(++this.#revision), version: '1', lease: '0' }
  }

  /** Signs of life. */
  beats: readonly KeyValue[] = []
  list = () => Promise.resolve({ revision: '1', kvs: this.beats })

  get = (): Promise<KeyValue | undefined> => Promise.resolve(this.present)

  txn = (compare: readonly Compare[], then: readonly Op[]): Promise<TxnResult> => {
    this.before()
    const attempt = (): boolean => {
      const [condition] = compare
      const isSame =
        condition !== undefined && 'modRevision' in condition
          ? this.present?.modRevision === condition.modRevision
          : this.present === undefined
      const [step] = then
      if (isSame && step !== undefined && 'put' in step) this.put(step.value)
      return isSame
    }
    if (this.loses) attempt()
    this.loses = false
    const won = attempt()
    return Promise.resolve({ won, revision: '1', kvs: won || this.present === undefined ? [] : [[this.present]] })
  }
}

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hosts-list-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const listOf = (store: Store): HostsList => new HostsList(store, KEYSPACE, SETTINGS, folder)

test('each change is the next version, the first one without hosts', async () => {
  const store = new Store()
  const list = listOf(store)
  expect(await list.read()).toEqual({ document: undefined, modRevision: undefined, doubt: undefined })
  expect(await list.change((hosts) => hosts, SIGNER)).toEqual({ version: 1, hosts: [] })
  const web = hostOf('web1')
  expect(await list.change(adding(web), SIGNER)).toEqual({ version: 2, hosts: [web] })
})

test('a change follows that of another operator who was faster', async () => {
  const store = new Store()
  const list = listOf(store)
  await list.change((hosts) => hosts, SIGNER)
  const [web, db] = [hostOf('web1'), hostOf('db1')]
  store.before = () => {
    store.before = () => undefined
    store.put(signText(PLACE, { version: 2, hosts: [db] }, SIGNER))
  }
  expect(await list.change(adding(web), SIGNER)).toEqual({ version: 3, hosts: [db, web] })
})

test('a change whose answer was lost is made once', async () => {
  const store = new Store()
  const list = listOf(store)
  store.loses = true
  expect(await list.change(adding(hostOf('web1')), SIGNER)).toMatchObject({ version: 1 })
  expect((await list.read()).document).toMatchObject({ version: 1, hosts: [{ name: 'web1' }] })
})

test.each([
  ['an older list', (old: string) => old, 'there was a version 3'],
  [
    'a forged one',
    () => signText(PLACE, { version: 9, hosts: [] }, { name: 'alice', key: generateKeyPairSync('ed25519').privateKey }),
    'is forged',
  ],
  ['something else', () => '{', 'is forged'],
])('%s in etcd is said, and brings no removed host back', async (_what, put, words) => {
  const store = new Store()
  const list = listOf(store)
  await list.change(adding(hostOf('web1')), SIGNER)
  const old = store.present!.value
  await list.change(adding(hostOf('web2')), SIGNER)
  await list.change((hosts) => hosts.filter(({ name }) => name !== 'web1'), SIGNER)
  store.put(put(old))
  expect((await listOf(store).read()).doubt).toContain(words)
  const next = await listOf(store).change(adding(hostOf('db1')), SIGNER)
  expect(next).toMatchObject({ version: 4, hosts: [{ name: 'web2' }, { name: 'db1' }] })
})

test('a list that is gone from etcd is made from the copy', async () => {
  const store = new Store()
  await listOf(store).change(adding(hostOf('web1')), SIGNER)
  store.present = undefined
  expect(await listOf(store).read()).toMatchObject({
    document: { version: 1 },
    doubt: 'the list of hosts is gone from etcd',
  })
  expect(await listOf(store).change((hosts) => hosts, SIGNER)).toMatchObject({ version: 2, hosts: [{ name: 'web1' }] })
})

test('others that change the list all the time are an error', async () => {
  const store = new Store()
  const list = listOf(store)
  let version = 0
  store.before = () => store.put(signText(PLACE, { version: ++version, hosts: [] }, SIGNER))
  await expect(list.change(adding(hostOf('web1')), SIGNER)).rejects.toThrow('changed by others all the time')
})

test('a list that no host could read is not signed', async () => {
  const store = new Store()
  const list = listOf(store)
  await list.change(adding(hostOf('web1')), SIGNER)
  const { key } = hostOf('x')
  const many = Array.from({ length: HOSTS_MAX + 1 }, (_, index) => ({ name: `x${index}`, groups: [], key }))
  const groups = Array.from({ length: 1_000 }, (_, index) => `${'g'.repeat(50)}${index}`)
  const wide = many.slice(0, 30).map(({ name }) => ({ name, groups, key }))
  for (const hosts of [many, wide]) {
    await expect(list.change(() => hosts, SIGNER)).rejects.toThrow('too long')
  }
  expect((await listOf(store).read()).document).toMatchObject({ version: 1, hosts: [{ name: 'web1' }] })
})

test('a damaged copy is told with its file, and what to do', async () => {
  const store = new Store()
  await listOf(store).change(adding(hostOf('web1')), SIGNER)
  writeFileSync(join(folder, 'hosts.signed'), '')
  await expect(listOf(store).read()).rejects.toThrow(`${join(folder, 'hosts.signed')}: this is not a signed text`)
})

test('reading writes nothing if the copy is the same, as on a full disk', async () => {
  const store = new Store()
  await listOf(store).change(adding(hostOf('web1')), SIGNER)
  utimesSync(join(folder, 'hosts.signed'), 1, 1)
  await listOf(store).read()
  expect(statSync(join(folder, 'hosts.signed')).mtimeMs).toBe(1_000)
})

test('an etcd that was emptied: the next version is above those that hosts have', async () => {
  const store = new Store()
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const web: FleetHost = { name: 'web1', groups: [], key: publicKeyText(publicKey) }
  await listOf(store).change(adding(web), SIGNER)
  const place = KEYSPACE.beat('web1')
  const beat = (version: number, key = privateKey): KeyValue => {
    const body = { at: 1, version: '1', versions: { hosts: version }, refused: {}, doors: 0, marks: [] }
    const value = signText(place, body, { name: 'web1', key })
    return { key: place, value, modRevision: '1', version: '1', lease: '0' }
  }
  store.beats = [beat(40)]
  expect(await listOf(store).change((hosts) => hosts, SIGNER)).toMatchObject({ version: 41 })
  store.beats = [beat(90, ALICE.privateKey)]
  expect(await listOf(store).change((hosts) => hosts, SIGNER)).toMatchObject({ version: 42 })
})
