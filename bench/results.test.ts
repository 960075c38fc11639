// Goal: the README's table is the one that the newest results make, and runs are merged without losing a figure.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Figure, Share, figure, mergeRuns } from './row.ts'
import type { Row } from './row.ts'
import { FLEET } from './fleet/document.ts'
import { README, renewed, resultsText, withTable } from './results.ts'
import { tableText } from './table.ts'

const PROJECT = fileURLToPath(new URL('..', import.meta.url))

const run = (ms: number, opened: number): readonly Row[] => [
  {
    measure: 'knock',
    ours: figure(ms, 'ms'),
    theirs: figure(24, 'ms'),
    peer: 'knockd',
    ratio: new Figure([24 / ms]),
    aim: '8 or more',
    met: ms <= 3,
    brief: 'command',
  },
  { measure: '  natively', ours: 'missed', theirs: undefined, brief: 'native', note: 'a remark' },
  { measure: 'packet', ours: figure(ms * 10, 'ms'), theirs: '-', brief: 'packet' },
  { measure: 'flood', ours: new Share(opened, 14), theirs: new Share(0, 14), brief: 'flood' },
]
const rows = mergeRuns([run(2, 14), run(4, 13), run(3, 14)])
const facts = { date: '2026-11-22', lines: ['Postern 0.1.0', '2 x CPU'], runs: 3, quick: false, longestS: 431.7 }

test.each([README, FLEET])('the table in $file is made from the newest results', (place) => {
  expect(readFileSync(`${PROJECT}${place.file}`, 'utf8')).toBe(renewed(PROJECT, place))
})

test('several runs give median and spread, sums, and how many met the aim', () => {
  const [knock, natively, , flood] = rows
  expect(String(knock!.ours)).toBe('3.00 ms (2.00..4.00)')
  expect(String(knock!.ratio)).toBe('8.00 (6.00..12.0)')
  expect(String(knock!.met)).toBe('2 of 3')
  expect(natively!.ours).toBe('missed')
  expect(String(flood!.ours)).toBe('41 of 42')
  const table = tableText(rows)
  expect(table).toMatch(/knock .*knockd 24\.0 ms \(24\.0\.\.24\.0\) .*8 or more {2}yes \(2 of 3 runs\)/)
  expect(table).toContain('natively: a remark')
})

const row = (ours: Row['ours']): readonly Row[] => [{ measure: 'knock', ours, theirs: undefined }]

test('cells that differ in kind are listed, and runs with other rows are refused', () => {
  expect(mergeRuns([row(figure(2, 'ms')), row('missed'), row('missed')])[0]!.ours).toBe('2.00 ms; missed')
  expect(() => mergeRuns([row('a'), []])).toThrow('the runs have different rows')
})

test('a median of an even number of values is between the middle ones', () => {
  expect(new Figure([1, 2, 4, 100]).median).toBe(3)
  expect(() => new Figure([])).toThrow('nothing was measured')
})

test('results have the facts, the rows for the README, and all rows', () => {
  const text = resultsText(rows, facts)
  expect(text).toContain('- Postern 0.1.0\n- 2 x CPU\n- 3 runs, the longest 432 s\n')
  expect(text.match(/<!-- script\/bench -->\n(.*\n){6}/)![0]).toContain('knockd 24.0 ms (24.0..24.0)')
  expect(text).toContain('| … natively ')
  expect(() => resultsText(rows.slice(0, 3), facts)).toThrow(/no measure has the row .* An honest knock amid/)
})

test('the table in a README is replaced, and nothing else', () => {
  const readme = 'before\n<!-- script/bench -->\nold $& table\n<!-- script/bench ends -->\nafter\n'
  const made = withTable(readme, resultsText(rows, facts))
  expect(made).toMatch(/^before\n<!-- script\/bench -->\n\| /)
  expect(made).toMatch(/All figures: `bench\/results\/2026-11-22\.md`\.\n<!-- script\/bench ends -->\nafter\n$/)
  expect(made).not.toContain('old')
  expect(() => withTable('none', made)).toThrow('README.md: there are no lines')
})
