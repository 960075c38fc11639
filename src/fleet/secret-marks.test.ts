import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Door } from '../config/config.ts'
import { readConfig } from '../config/read.ts'
import { MARKS_MAX } from './beat.ts'
import { hostsThatShare, marksOf, secretMarks as marksWith } from './secret-marks.ts'

const KEY = Buffer.alloc(32, 1)
const folder = mkdtempSync(join(tmpdir(), 'marks-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** The key of single packets, which few doors here need. */
let spaKeyFile = '/nowhere'
const secretMarks = (key: Buffer, of: readonly Door[]) => marksWith(key, of, spaKeyFile)

function doors(list: string, scope = '', name = 'list'): readonly Door[] {
  const path = join(folder, name)
  writeFileSync(path, list, { mode: 0o600 })
  const text = `[options]\nFleet = /f\n[ssh]\nOne_Time_Sequences = ${path}\nOpen_Ports = tcp/22\n${scope}`
  return readConfig(text, '/k').config!.doors
}
const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `${from + index},8001,9001\n`).join('')

test('hosts with a secret in common share a mark, others do not, and no mark tells a secret', () => {
  const one = secretMarks(KEY, doors('# a comment\n7001,8001,9001\n7002,8001,9001\n'))
  const other = secretMarks(KEY, doors(' 7002,8001,9001\n7003,8001,9001\n'))
  expect([one.length, other.length]).toEqual([2, 2])
  expect(one.filter((mark) => other.includes(mark))).toHaveLength(1)
  expect(one.join()).not.toContain('7001')
  const beats = new Map([
    ['me', { marks: one }],
    ['web2', { marks: other }],
    ['web3', { marks: ['x'] }],
  ])
  expect(hostsThatShare(one, 'me', beats)).toEqual(['web2'])
  expect(secretMarks(Buffer.alloc(32, 2), doors('7002,8001,9001\n')).some((mark) => other.includes(mark))).toBe(false)
})

test('doors of the fleet have none, nor has a file that cannot be read', () => {
  expect(secretMarks(KEY, doors('7001,8001,9001\n', 'Scope = fleet\n'))).toEqual([])
  const unsafe = doors('7001,8001,9001\n')
  chmodSync(join(folder, 'list'), 0o666)
  expect(secretMarks(KEY, unsafe)).toEqual([])
  rmSync(join(folder, 'list'))
  expect(secretMarks(KEY, unsafe)).toEqual([])
})

test('of many secrets, the lowest marks are told: two hosts with the same ones tell the same', () => {
  const one = secretMarks(KEY, doors(lines(10_000, 1_000)))
  expect(one).toHaveLength(MARKS_MAX)
  expect(secretMarks(KEY, doors(lines(10_000, 1_000), '', 'copy'))).toEqual(one)
  const half = secretMarks(KEY, doors(lines(10_500, 1_000)))
  expect(one.filter((mark) => half.includes(mark)).length).toBeGreaterThan(5)
})

test('two hosts share the key of single packets, or do not', () => {
  spaKeyFile = join(folder, 'server.key')
  const text = `[options]\nFleet = /f\n[spa]\nSPA = postern\nSPA_Users = ${folder}/users.spa\nOpen_Ports = tcp/22\n`
  const spa = readConfig(text, '/k').config!.doors
  const withKey = (key: string): readonly string[] => {
    writeFileSync(spaKeyFile, key, { mode: 0o600 })
    return secretMarks(KEY, spa)
  }
  expect(withKey('one\n')).toHaveLength(1)
  expect(withKey('one')).toEqual(withKey('one\n'))
  expect(withKey('two\n')).not.toEqual(withKey('one\n'))
  expect(withKey('one\n').join()).not.toContain('one')
})

test('doors of any scope can be compared on one host', () => {
  const list = '7001,8001,9001\n'
  const [own, fleets] = [doors(list, '', 'a'), doors(list, 'Scope = fleet\n', 'b')]
  expect(marksOf(KEY, fleets, spaKeyFile)).toEqual(marksOf(KEY, own, spaKeyFile))
})
