// Goal: the state of a fleet can be read at a terminal: the columns of its nodes stay columns, whatever their addresses are.
import { expect, test } from 'vitest'
import { COLUMNS } from '../../control/table.ts'
import { statusText } from './status.ts'

const node = (at: number) => ({
  endpoint: `https://192.168.100.10${at}:2379`,
  member: `etcd-${at}`,
  leader: at === 1,
  version: '3.5.28',
  sizeBytes: 1_900_000_000,
  inUseBytes: 1_900_000_000,
  quotaBytes: 2_147_483_648,
  latencyMs: 1051.3,
  failure: null,
})

test('the nodes of an ordinary fleet are a table', () => {
  const nodes = [1, 2, 3].map(node)
  const empty = { fleet: 'home', hostsVersion: 1, usersVersion: null, hosts: [], problems: [], members: 3 }
  const lines = statusText({ ...empty, nodes }, 0).split('\n')
  const table = lines.slice(1, 5)
  expect(table[0]).toMatch(/^ {2}node +member +version +size +answers in$/)
  expect(new Set(table.map((line) => line.search(/member|etcd-/)))).toEqual(new Set([24]))
  expect(Math.max(...table.map(({ length }) => length))).toBeLessThanOrEqual(COLUMNS)
  expect(table[1]).toContain('192.168.100.101:2379  etcd-1 (leader)  3.5.28   1812.0 of 2048 MiB')
})
