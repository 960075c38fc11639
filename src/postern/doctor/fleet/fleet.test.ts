// Goal: each known problem of a fleet's etcd is found by its signs, and the finding says what to do. A healthy etcd has
// no finding.
import { createPublicKey } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfig } from '../../../config/read.ts'
import type { EtcdAccess } from '../../../etcd/access.ts'
import { EtcdUnavailable } from '../../../etcd/client.ts'
import type { EtcdMember } from '../../../etcd/client.ts'
import { parseAddress } from '../../../packet/address.ts'
import { openssl } from '../../fleet/openssl.ts'
import { Authority, PUBLIC_PEM, newKey } from '../../fleet/authority.ts'
import type { NodeRow, Nodes } from '../../fleet/hosts/nodes.ts'
import { judgeCertificate } from './certificate.ts'
import { FOREIGN, judgeForeign } from './foreign.ts'
import { isBoundary, isUncompacted, judgeNodes } from './nodes.ts'
import { judgeOwnStore } from './own-store.ts'

const ROW: NodeRow = {
  endpoint: 'https://10.0.0.1:2379',
  member: 'etcd-1',
  leader: true,
  version: '3.5.28',
  sizeBytes: 10,
  inUseBytes: 10,
  quotaBytes: 1_000,
  latencyMs: 1,
  failure: null,
}
const member = (index: number): EtcdMember => {
  const urls = [`https://10.0.0.${index}:2380`]
  return { id: String(index), name: `etcd-${index}`, peerUrls: urls, clientUrls: urls, isLearner: false }
}
const GOOD: Nodes = { rows: [ROW], metrics: [], members: [1, 2, 3].map(member), alarms: [], faults: [] }
const found = (nodes: Partial<Nodes>, hasLogin = false) => judgeNodes({ ...GOOD, ...nodes }, hasLogin)

test('a good etcd has no problem', () => {
  expect(found({})).toEqual([])
})

test.each<readonly [string, Partial<Nodes>, string, string]>([
  [
    'gateway off',
    {
      faults: [
        new EtcdUnavailable('gateway', 'the JSON gateway of etcd is off (HTTP 404)', 'enable-grpc-gateway: true'),
      ],
    },
    'fault',
    'enable-grpc-gateway: true',
  ],
  [
    'a certificate with a CN',
    { faults: [new EtcdUnavailable('common-name', 'etcd refuses the client certificate', 'subjectAltName')] },
    'fault',
    'subjectAltName',
  ],
  ['one node', { members: [member(1)] }, 'warning', 'etcd has one node: when one stops, nobody can knock'],
  ['two nodes', { members: [member(1), member(2)] }, 'warning', 'etcd has two nodes'],
  ['three nodes on a machine', { members: [member(1), member(1), member(1)] }, 'warning', 'on one machine'],
  ['four nodes', { members: [1, 2, 3, 4].map(member) }, 'warning', 'only as many losses as 3'],
  [
    'a third that only learns',
    { members: [member(1), member(2), { ...member(3), isLearner: true }] },
    'warning',
    'two nodes',
  ],
  [
    'a database that is nearly full',
    { rows: [{ ...ROW, sizeBytes: 850 }] },
    'warning',
    '85 % of its quota, more than half of it free after etcdctl defrag',
  ],
  ['a full database', { alarms: [{ member: '1', alarm: 'NOSPACE' }] }, 'fault', 'nobody can knock'],
  ['other data', { alarms: [{ member: '1', alarm: 'CORRUPT' }] }, 'fault', 'remove it, and add it again'],
  [
    'a node that is away',
    { rows: [{ ...ROW, failure: 'connection refused' }] },
    'warning',
    'does not answer: connection refused',
  ],
])('%s', (_what, nodes, severity, words) => {
  const [finding, ...others] = found(nodes)
  expect(others).toEqual([])
  expect(finding).toMatchObject({ severity, subject: 'fleet', fix: expect.stringContaining('postern') })
  expect(finding!.message).toContain(words)
})

test('versions whose access control is no boundary are said: a warning where it is used, a note where not', () => {
  const old = { rows: [{ ...ROW, version: '3.4.23' }] }
  expect(found(old, true)).toMatchObject([{ severity: 'warning', message: expect.stringContaining('firewall it') }])
  expect(found(old)).toMatchObject([{ severity: 'note', message: expect.stringContaining('3.4.23 is no boundary') }])
  const versions = ['3.3.27', '3.4.23', '3.4.41', '3.5.27', '3.6.8', '2.3.8']
  expect(versions.filter(isBoundary)).toEqual([])
  expect(['3.4.42', '3.5.28', '3.6.9', '3.7.0', '4.0.0', '3.5.30-rc.1'].filter((each) => !isBoundary(each))).toEqual([])
})

const metrics = (uptimeS: number, revision: number, compacted: number) =>
  new Map([
    ['process_start_time_seconds', 1_000_000 - uptimeS],
    ['etcd_debugging_mvcc_current_revision', revision],
    ['etcd_debugging_mvcc_compact_revision', compacted],
  ])

const at = (prefix: string): readonly (string | undefined)[] => [
  prefix,
  ...FOREIGN.map((each) => (each.prefix === prefix ? `${prefix}x` : undefined)),
]

test('an etcd that never compacts is told by a node that has run for hours', () => {
  expect(isUncompacted(metrics(10_000, 50_000, -1), 1_000_000)).toBe(true)
  expect(isUncompacted(metrics(10_000, 50_000, 30_000), 1_000_000)).toBe(false)
  expect(isUncompacted(metrics(1_000, 50_000, -1), 1_000_000)).toBe(false)
  expect(isUncompacted(metrics(10_000, 500, -1), 1_000_000)).toBe(false)
  expect(isUncompacted(new Map(), 1_000_000)).toBe(false)
  expect(found({ metrics: [metrics(Date.now(), 50_000, -1)] })).toMatchObject([
    { severity: 'warning', message: expect.stringContaining('--auto-compaction-retention 1h') },
  ])
})

test('an etcd of Kubernetes, Patroni or something else is told', () => {
  expect(judgeForeign(at('/registry/'))).toMatchObject([
    { severity: 'fault', message: expect.stringContaining('that of Kubernetes') },
  ])
  expect(judgeForeign(at('/service/'))[0]!.message).toContain('that of Patroni')
  const [other] = judgeForeign(['/app/\u001B[2J'])
  expect(other!.message).toContain('another program (the key /app/')
  expect(other!.message).not.toContain('\u001B')
  expect(judgeForeign(['/postern/home/doc/hosts'])).toEqual([])
  expect(judgeForeign([])).toEqual([])
})

const OWN = [parseAddress('10.0.0.1')!]
const ENDPOINTS = ['https://10.0.0.1:2379', 'https://10.0.0.2:2379', 'https://10.0.0.3:2379']
const configOf = (options: string, door: string) => {
  const { config, faults } = readConfig(
    `[options]\n${options}\n[ssh]\nSequence = 7001,8001\nOpen_Ports = tcp/22\n${door}\n`,
    '/etc/knockd.conf',
  )
  if (config === undefined) throw new Error(faults.map(({ message }) => message).join())
  return config
}
const ofStore = (options: string, door = '', own = OWN) => judgeOwnStore(configOf(options, door), ENDPOINTS, own)

test('a host that hides the ports of its own etcd is told, unless it lets the other nodes in', () => {
  expect(ofStore('Guard = tcp/2300-2400')).toMatchObject([
    { severity: 'fault', message: expect.stringContaining('hides its port tcp/2379 and tcp/2380') },
  ])
  expect(ofStore('Guard = tcp/2379\nAlways_Allow = 10.0.0.2')).toHaveLength(1)
  expect(ofStore('Guard = tcp/2379\nAlways_Allow = 10.0.0.0/24')).toEqual([])
  expect(ofStore('Guard = tcp/2379', '', [parseAddress('10.0.0.9')!])).toEqual([])
  expect(ofStore('Guard = tcp/80')).toEqual([])
})

test('a host that can only be opened through the fleet is told: where etcd runs, it could lock everybody out for good', () => {
  const fleet = 'Fleet = /etc/postern/fleet/fleet.conf'
  expect(ofStore(fleet, 'Scope = fleet')).toMatchObject([
    { severity: 'warning', message: expect.stringContaining('and etcd runs here; keep one way in') },
  ])
  expect(ofStore(fleet, 'Scope = fleet', [])).toMatchObject([{ severity: 'note' }])
  expect(ofStore(`${fleet}\nAlways_Allow = 192.0.2.0/24`, 'Scope = fleet')).toEqual([])
  expect(ofStore(fleet, 'Scope = fleet\n[by-hand]\nSequence = 7003,8003\nStart_Command = /bin/true')).toEqual([])
})

const folder = mkdtempSync(join(tmpdir(), 'postern-certificate-'))
const authority = new Authority(folder)
beforeAll(() => authority.make('test'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Makes a certificate with a common name. */
function commonName(key: string): { readonly cert: string } {
  writeFileSync(join(folder, 'named.key'), key, { mode: 0o600 })
  const argv = [
    'req',
    '-x509',
    '-new',
    '-key',
    'named.key',
    '-config',
    'openssl.cnf',
    '-subj',
    '/CN=web1',
    '-days',
    '400',
  ]
  return { cert: openssl(folder, argv) }
}

test('the certificate of the host: of another key, not yet or no longer valid, or with a common name', () => {
  const key = newKey()
  const cert = authority.sign('client', 'DNS:web1', createPublicKey(key).export(PUBLIC_PEM).toString())
  const access = { endpoints: [], ca: authority.cert, cert, key }
  const paths = { caFile: 'ca.crt', certFile: 'host.crt', keyFile: '', signKeyFile: '', fleetKeyFile: '' }
  const judge = (of: EtcdAccess, time: number) => judgeCertificate(of, { fleet: 'home', host: 'web1', paths }, time)
  const now = Date.now() + 1_000
  const day = 86_400_000
  expect(judge(access, now)).toEqual([])
  expect(judge({ ...access, key: newKey() }, now)[0]!.message).toContain('of another key')
  expect(judge({ ...access, cert: 'x' }, now)[0]!.message).toContain('cannot be read')
  expect(judge(access, now - day)).toMatchObject([
    { severity: 'fault', message: expect.stringContaining('this clock is behind') },
    { severity: 'fault' },
  ])
  expect(judge(access, now + 1_815 * day)).toMatchObject([
    { severity: 'warning', message: expect.stringContaining('expires on') },
  ])
  expect(judge(access, now + 1_830 * day)).toMatchObject([
    { severity: 'fault', message: expect.stringContaining('expired on') },
  ])
  // The authority's own certificate has no common name either, but one made by hand has.
  const named = { ...access, ...commonName(key) }
  expect(judge(named, now)).toMatchObject([
    { severity: 'warning', message: expect.stringContaining('common name (CN)') },
  ])
  expect(judge({ ...named, login: { name: 'a', password: 'b' } }, now)).toMatchObject([{ severity: 'fault' }])
})
