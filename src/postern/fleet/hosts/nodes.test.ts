import { expect, test } from 'vitest'
import { askNodes, problemsOf } from './nodes.ts'

const ENDPOINT = 'https://127.0.0.1:1'

test('what a node says of itself cannot change the terminal', async () => {
  const wild = '\u001B[2J\u009B3J\n'
  const status = {
    version: wild,
    clusterId: '1',
    memberId: '7',
    leader: '7',
    isLearner: false,
    dbSize: 1,
    dbSizeInUse: 1,
  }
  const etcd = {
    statusOf: () =>
      Promise.resolve({ ...status, revision: '1', raftTerm: '1', raftIndex: '1', errors: [], latencyMs: 1 }),
    members: () => Promise.resolve([{ id: '7', name: wild, peerUrls: [], clientUrls: [], isLearner: false }]),
    alarms: () => Promise.resolve([{ member: '7', alarm: wild }]),
  }
  const nodes = await askNodes(etcd, { endpoints: [ENDPOINT], ca: '', cert: '', key: '' })
  const [{ member, version } = { member: null, version: null }] = nodes.rows
  const safe = String.raw`\u001b[2J\u009b3J\n`
  expect([member, version, problemsOf(nodes)]).toEqual([safe, safe, [`alarm ${safe}`]])
})
