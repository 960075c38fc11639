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
  expect(problems).toEqual([expect.stringMatching(words), `${ENDPOINT}: connection refused`])
})

test('an alarm of etcd is told once, with what to do', async () => {
  const alarms = ['1', '2'].map((member) => ({ member, alarm: 'NOSPACE' }))
  const etcd = { ...etcdOf([1]), alarms: async () => await Promise.resolve(alarms) }
  expect(problemsOf(await askNodes(etcd, ACCESS))).toEqual([
    expect.stringMatching(/^alarm NOSPACE: the database is full .* etcdctl alarm disarm$/),
  ])
})
