// Goal: a missing node is reported while the others still work, so that somebody repairs it before the next one fails.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { EtcdUnavailable } from '../etcd/client.ts'
import type { EndpointStatus } from '../etcd/client.ts'
import { NODES_EVERY_MS, NodeStates } from './node-states.ts'

const NODES = [1, 2, 3].map((index) => `https://10.0.0.${index}:2379`)
let faults: Map<string, EtcdUnavailable>
let leaderless: Set<string>
let asked: number
let states: NodeStates
beforeEach(() => {
  vi.useFakeTimers()
  faults = new Map()
  leaderless = new Set()
  asked = 0
  states = new NodeStates({
    endpoints: NODES,
    random: () => 0.5,
    etcd: {
      statusOf: async (endpoint) => {
        asked++
        const fault = faults.get(endpoint)
        if (fault !== undefined) throw fault
        return await Promise.resolve({ leader: leaderless.has(endpoint) ? '0' : '7' } as EndpointStatus)
      },
    },
  })
})
afterEach(() => {
  states.close()
  vi.useRealTimers()
})
const look = async (): Promise<void> => void (await vi.advanceTimersByTimeAsync(NODES_EVERY_MS))

test('all answer: nothing is wrong, and each is asked every half minute', async () => {
  states.start()
  for (let times = 0; times < 10; times++) await look()
  expect(states.problems).toEqual([])
  expect(asked).toBe(33)
})

test('one is gone, then two, then one is back without a leader, then all is well', async () => {
  faults.set(NODES[2]!, new EtcdUnavailable('no-answer', 'connection refused'))
  states.start()
  await vi.advanceTimersByTimeAsync(0)
  expect(states.problems).toEqual([
    'https://10.0.0.3:2379 does not answer: connection refused: look whether the nodes run (systemctl status etcd on each), and let this host reach their port; the fleet works with the other 2',
  ])
  faults.set(NODES[1]!, new EtcdUnavailable('no-answer', 'no answer'))
  await look()
  expect(states.problems).toHaveLength(2)
  expect(states.problems.join()).not.toContain('works with')
  faults.clear()
  leaderless.add(NODES[1]!)
  await look()
  expect(states.problems).toEqual([
    'https://10.0.0.2:2379 has no leader: let it reach the other nodes; the fleet works with the other 2',
  ])
  leaderless.clear()
  await look()
  expect(states.problems).toEqual([])
})

test('a node that refuses the login is there, and nothing is asked after the end', async () => {
  for (const node of NODES) faults.set(node, new EtcdUnavailable('login', 'etcd refuses the name'))
  states.start()
  await look()
  expect(states.problems).toEqual([])
  states.close()
  const before = asked
  await look()
  expect(asked).toBe(before)
})
