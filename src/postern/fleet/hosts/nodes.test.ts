import { expect, test } from 'vitest'
import { EtcdUnavailable } from '../../../etcd/client.ts'
import { askNodes, problemsOf } from './nodes.ts'

const ENDPOINT = 'https://127.0.0.1:1'
const STATUS = {
  version: '3.5.28',
  clusterId: '1',
  memberId: '7',
  leader: '7',
  isLearner: false,
  dbSize: 1,
  dbSizeInUse: 1,
  revision: '1',
  raftTerm: '1',
  raftIndex: '1',
  errors: [],
} as const

test('what a node says of itself cannot change the terminal', async () => {
  const wild = '\u001B[2J\u009B3J\n'
  const etcd = {
    statusOf: () => Promise.resolve({ ...STATUS, version: wild, latencyMs: 1 }),
    members: () => Promise.resolve([{ id: '7', name: wild, peerUrls: [], clientUrls: [], isLearner: false }]),
    alarms: () => Promise.resolve([{ member: '7', alarm: wild }]),
  }
  const nodes = await askNodes(etcd, { endpoints: [ENDPOINT], ca: '', cert: '', key: '' })
  const [{ member, version } = { member: null, version: null }] = nodes.rows
  const safe = String.raw`\u001b[2J\u009b3J\n`
  expect([member, version, problemsOf(nodes)]).toEqual([safe, safe, [`alarm ${safe}: see its documentation`]])
})

/** A node whose answers take these times in milliseconds, and etcd as a whole with this fault. */
function etcdOf(latenciesMs: readonly number[], fault?: EtcdUnavailable): Parameters<typeof askNodes>[0] {
  const left = [...latenciesMs]
  return {
    statusOf: async () => {
      const latencyMs = left.shift()
      if (latencyMs === undefined) throw new EtcdUnavailable('no-answer', 'connection refused')
      return await Promise.resolve({ ...STATUS, latencyMs })
    },
    members: async () => (fault === undefined ? await Promise.resolve([]) : await Promise.reject(fault)),
    alarms: async () => (fault === undefined ? await Promise.resolve([]) : await Promise.reject(fault)),
  }
}
const ACCESS = { endpoints: [ENDPOINT], ca: '', cert: '', key: '' }

test.each([
  [[120, 900], []],
  [[1_900, 120, 900], []],
  [[1_900], [`${ENDPOINT}: answers after 1900 ms`]],
  [[1_900, 700, 800, 1], [`${ENDPOINT}: answers after 700 ms`]],
])('answers after %j ms: a node is slow if each of a few answers is', async (latenciesMs, problems) => {
  expect(problemsOf(await askNodes(etcdOf(latenciesMs), ACCESS))).toEqual(problems)
})

test.each([
  [new EtcdUnavailable('no-majority', 'no majority of etcd answers'), /^no majority of etcd answers: start the nodes/],
  [new EtcdUnavailable('no-answer', 'connection refused'), /^connection refused: look whether the nodes run/],
  [
    new EtcdUnavailable('quota', 'the database of etcd is full', 'compact it'),
    /^the database of etcd is full: compact it$/,
  ],
])('a fault of etcd comes with what to do: %s', async (fault, words) => {
  const problems = problemsOf(await askNodes(etcdOf([], fault), ACCESS))
  expect(problems).toEqual([expect.stringMatching(words), `${ENDPOINT} does not answer: connection refused`])
})

test('an alarm of etcd is told once, with what to do', async () => {
  const alarms = ['1', '2'].map((member) => ({ member, alarm: 'NOSPACE' }))
  const etcd = { ...etcdOf([1]), alarms: async () => await Promise.resolve(alarms) }
  const nodes = await askNodes(etcd, ACCESS)
  // Nobody needs to be told as well that a full database is nearly full.
  const rows = nodes.rows.map((row) => Object.assign({}, row, { sizeBytes: 104, inUseBytes: 104, quotaBytes: 100 }))
  expect(problemsOf({ ...nodes, rows })).toEqual([
    expect.stringMatching(/^alarm NOSPACE: the database is full .* etcdctl alarm disarm: "Make room in etcd"/),
  ])
  expect(problemsOf({ ...nodes, rows, alarms: [] })[0]).toContain('104 % of its quota')
})

test('one of three nodes that is down: the fleet goes on, and it is to be started', async () => {
  const endpoints = [1, 2, 3].map((index) => `https://10.0.0.${index}:2379`)
  const etcd = {
    ...etcdOf([]),
    statusOf: async (endpoint: string) => {
      if (endpoint === endpoints[2]) throw new EtcdUnavailable('no-answer', 'connection refused')
      return await Promise.resolve({ ...STATUS, latencyMs: 1 })
    },
  }
  expect(problemsOf(await askNodes(etcd, { ...ACCESS, endpoints }))).toEqual([
    'https://10.0.0.3:2379 does not answer: connection refused',
    'the fleet works with the 2 nodes that answer: start the nodes that are down (systemctl status etcd on each)',
  ])
})
