// Goal: the tables of doc/fleet.md have each figure that is shown, and are refused if one is missing.
import { expect, test } from 'vitest'
import { figure, mergeRuns } from '../row.ts'
import type { Fact, Row } from '../row.ts'
import { CALCULATED, FLEET } from './document.ts'

const FACTS: readonly Fact[] = ['shown', ...CALCULATED]
const row = (fact: Fact, at: number): Row => ({ measure: fact, ours: figure(at + 1, 'x'), theirs: undefined, fact })
const rows = FACTS.map(row)
const text = (some: readonly Row[], load = '0.10'): string => {
  const lines = ['Postern 0.1.0', `Load of the machine before: ${load}`]
  return FLEET.text(mergeRuns([some]), { date: '2026-11-22', lines, runs: 1, quick: false, longestS: 300 })
}

test('every figure is shown, and rows without a part in the document are not', () => {
  const made = text([...rows, { measure: 'on tmpfs', ours: figure(1, 'ms'), theirs: undefined }])
  for (const fact of FACTS) expect(made).toMatch(new RegExp(`^\\| ${fact} +\\|`, 'm'))
  expect(made).not.toContain('on tmpfs')
  expect(made).toContain('one run of `script/bench fleet` on 2026-11-22')
  // The third fact is 3: 1,000 hosts have 3,000 connections.
  expect(made).toContain('3,000, a third at each node')
})

test('a busy machine is said', () => {
  expect(text(rows)).not.toContain('busy')
  expect(text(rows, '16.32')).toContain('The machine was busy')
})

test.each(FACTS.slice(1))('without %s there is no table', (fact) => {
  expect(() => text(rows.filter((each) => each.fact !== fact))).toThrow(`no measure has the figure ${fact}`)
})
