// Goal: an operator's folder has what a fleet needs, nobody else can read it, and making it again overwrites nothing.
import { spawnSync } from 'node:child_process'
import { X509Certificate, createPrivateKey } from 'node:crypto'
import { chmodSync, cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadOperator, loadSigner } from '../../../fleet/operator.ts'
import { parseNetwork } from '../../../packet/network.ts'
import { environmentOf, firewallOf, installOf, nodesOf } from './etcd-files.ts'
import { clientsAuthority, makeFolder } from './folder.ts'
import type { FolderPlan } from './folder.ts'

const ENDPOINTS = ['https://10.0.0.1:2379', 'https://[fd00::2]:2379', 'https://etcd3.example:2379']

let folder: string
/** A whole folder, of which tests take copies: openssl has to run dozens of times for it. */
let made: string
beforeAll(async () => {
  made = mkdtempSync(join(tmpdir(), 'operator-'))
  expect((await makeFolder({ ...plan(), folder: made })).length).toBeGreaterThan(20)
}, 60_000)
afterAll(() => rmSync(made, { recursive: true }))
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'operator-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const copyMade = (): void => cpSync(made, folder, { recursive: true })

const plan = (passphrase = ''): FolderPlan => ({
  folder,
  fleet: 'home',
  endpoints: ENDPOINTS,
  operator: 'alice',
  from: [],
  own: undefined,
  passphrase: () => Promise.resolve(passphrase),
})

const all = (): readonly string[] => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
const texts = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    all()
      .filter((name) => statSync(join(folder, name)).isFile())
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  )

test('the folder is made once, and what is missing is made again', async () => {
  copyMade()
  const before = texts()
  expect(await makeFolder(plan())).toEqual([])
  expect(texts()).toEqual(before)
  rmSync(join(folder, 'etcd-2/server.crt'))
  rmSync(join(folder, 'fleet.conf'))
  expect((await makeFolder(plan())).map((path) => path.slice(folder.length + 1))).toEqual([
    'etcd-2/server.crt',
    'fleet.conf',
  ])
  const cert = new X509Certificate(readFileSync(join(folder, 'etcd-2/server.crt')))
  expect(cert.toString()).not.toBe(before['etcd-2/server.crt'])
  expect(texts()['etcd-2/server.key']).toBe(before['etcd-2/server.key'])
}, 60_000)

test('the key of a fleet that was made is never made anew: its hosts could read no user', async () => {
  copyMade()
  rmSync(join(folder, 'fleet.key'))
  await expect(makeFolder(plan())).rejects.toThrow(/Fleet_Key_File.*fleet\.key\n.*copy it from a host of the fleet/)
  expect(all()).not.toContain('fleet.key')
}, 60_000)

test('certificates that were taken away are made anew, an authority under its key: what it signed stays good', async () => {
  copyMade()
  const before = texts()
  const host = join(folder, 'etcd-1/server.crt')
  for (const name of ['operator.crt', 'operator.key', 'etcd-2/server.crt', 'ca.crt', 'etcd-1/ca.crt', 'clients/ca.crt'])
    rmSync(join(folder, name))
  await makeFolder(plan())
  for (const name of ['operator.crt', 'etcd-2/server.crt', 'ca.crt']) expect(texts()[name]).not.toBe(before[name])
  expect(texts()['etcd-1/ca.crt']).toBe(texts()['ca.crt'])
  const authority = new X509Certificate(texts()['ca.crt'] ?? '')
  for (const path of [host, join(folder, 'operator.crt')]) {
    const cert = new X509Certificate(readFileSync(path))
    expect([cert.checkIssued(authority), cert.verify(authority.publicKey)]).toEqual([true, true])
  }
}, 60_000)

test('every key is for its owner alone, and no certificate has a common name', () => {
  copyMade()
  const open = all().filter((name) => name.endsWith('.key') && (statSync(join(folder, name)).mode & 0o077) !== 0)
  expect(open).toEqual([])
  const leaves = ['operator.crt', 'etcd-1/server.crt', 'etcd-1/peer.crt'].map(
    (name) => new X509Certificate(texts()[name]!),
  )
  expect(leaves.map(({ subject }) => subject)).toEqual([undefined, undefined, undefined])
  const [operator, server, peer] = leaves
  expect(operator!.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(server!.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  const [clients, peers] = ['clients/ca.crt', 'peers/ca.crt'].map((name) => new X509Certificate(texts()[name]!))
  expect([
    server!.verify(clients!.publicKey),
    peer!.verify(clients!.publicKey),
    peer!.verify(peers!.publicKey),
  ]).toEqual([true, false, true])
})

test('the certificate of an invitation ends with it, and leaves no key behind', () => {
  copyMade()
  const before = all()
  const authority = clientsAuthority(folder)
  const from = Date.now()
  const { cert, key } = authority.issueUntil('DNS:invited', from, from + 600_000)
  const read = new X509Certificate(cert)
  expect(read.checkPrivateKey(createPrivateKey(key))).toBe(true)
  expect(Date.parse(read.validTo) - from).toBeLessThanOrEqual(600_000)
  const names = all().filter((name) => !before.includes(name))
  expect(names.filter((name) => /key|working|csr/.test(name))).toEqual([])
})

test('a passphrase encrypts the key that signs', async () => {
  copyMade()
  for (const name of ['sign.key', 'fleet.conf']) rmSync(join(folder, name))
  await makeFolder(plan('a long passphrase'))
  expect(texts()['sign.key']).toContain('BEGIN ENCRYPTED PRIVATE KEY')
  const operator = loadOperator(folder)
  expect((await loadSigner(operator, () => Promise.resolve('a long passphrase'))).name).toBe('alice')
  await expect(loadSigner(operator, () => Promise.resolve('another one'))).rejects.toThrow('the passphrase is wrong')
}, 60_000)

test('own certificates are taken, and no authority is made', async () => {
  const own = { ca: join(made, 'ca.crt'), cert: join(made, 'operator.crt'), key: join(made, 'operator.key') }
  await makeFolder({ ...plan(), own })
  expect(loadOperator(folder).access.cert).toBe(readFileSync(own.cert, 'utf8'))
  expect(all()).not.toContain('clients')
  expect(texts()['etcd-1/etcd.env']).toContain('# ETCD_CLIENT_CRL_FILE=')
}, 60_000)

test('a folder that others can write is refused with its settings', () => {
  copyMade()
  chmodSync(join(folder, 'fleet.conf'), 0o666)
  expect(() => loadOperator(folder)).toThrow('others than its owner can change it')
  writeFileSync(join(folder, 'fleet.conf'), '')
})

test('each setting of a node has a reason above it', () => {
  const nodes = nodesOf(ENDPOINTS)
  const text = environmentOf('home', nodes[0]!, nodes, true)
  expect(text).toContain(
    'ETCD_INITIAL_CLUSTER=etcd-1=https://10.0.0.1:2380,etcd-2=https://[fd00::2]:2380,etcd-3=https://etcd3.example:2380\n',
  )
  for (const name of [
    'CLIENT_CERT_AUTH',
    'CERT_FILE',
    'PEER_CLIENT_CERT_AUTH',
    'AUTO_COMPACTION_MODE',
    'ENABLE_GRPC_GATEWAY',
    'DATA_DIR',
  ]) {
    const block = text.split('\n\n').find((each) => each.includes(`\nETCD_${name}=`))
    expect(block, name).toMatch(/^# /m)
  }
  expect(environmentOf('home', nodes[2]!, nodes, true)).toContain('ETCD_LISTEN_CLIENT_URLS=https://0.0.0.0:2379\n')
})

test('the firewall lines filter the two ports of etcd and nothing else', () => {
  const nodes = nodesOf(ENDPOINTS.slice(0, 2))
  const text = firewallOf(nodes[0]!, nodes, [parseNetwork('10.0.0.0/24')!])
  const drops = text.split('\n').filter((line) => line.endsWith('drop'))
  expect(drops.map((line) => line.trim())).toEqual(['tcp dport 2380 drop', 'tcp dport 2379 drop'])
  expect(text).toContain('policy accept')
  expect(text).toContain('tcp dport 2379 ip saddr 10.0.0.0/24 accept')
  expect(text).toContain('tcp dport 2379 ip6 saddr fd00::2 accept')
  expect(text).toContain('tcp dport 2380 ip6 saddr fd00::2 accept')
  expect(firewallOf(nodes[0]!, nodes, [parseNetwork('10.1.0.0/24')!])).toContain(
    'tcp dport 2379 ip saddr { 10.0.0.1, 10.1.0.0/24 } accept',
  )
  expect(firewallOf(nodes[0]!, nodes, [])).not.toContain('2379 drop')
})

test.each([
  ['of something else', 'ETCD_NAME=patroni\nETCD_DATA_DIR=/var/lib/etcd/patroni\n'],
  ['of another fleet', 'ETCD_DATA_DIR=/var/lib/etcd/postern-home2\n'],
])('an etcd %s is not replaced', (_what, settings) => {
  const present = join(folder, 'default')
  writeFileSync(present, settings)
  writeFileSync(join(folder, 'install.sh'), installOf('home').replaceAll('/etc/default/etcd', present))
  const ran = spawnSync('sh', [join(folder, 'install.sh')], { encoding: 'utf8' })
  expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining(`${present} has settings of another etcd`) })
  expect(all()).toEqual(['default', 'install.sh'])
  expect(readFileSync(present, 'utf8')).toBe(settings)
})
