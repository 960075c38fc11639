// Goal: a picture of a terminal has its text letter for letter, in the terminal's colours.
import { expect, test } from 'vitest'
import { terminalPicture } from './terminal-picture.mjs'

const linesOf = (svg: string): readonly string[] =>
  [...svg.matchAll(/<text [^>]*>(.*?)<\/text>/g)].map(([, line = '']) => line)

test('text is kept, with its blanks, and what XML would read is escaped', () => {
  const svg = terminalPicture('  a <b> & "c"\r\n\r\nlast\n', 'try', 'a try')
  expect(linesOf(svg)).toEqual([
    '<tspan class="prompt">$ </tspan><tspan class="bold">try</tspan>',
    '  a &lt;b&gt; &amp; &quot;c&quot;',
    'last',
  ])
  expect(svg).toContain('<title>a try</title>')
  // The empty line takes its place.
  expect([...svg.matchAll(/ y="(\d+)"/g)].map(([, y]) => Number(y))).toEqual([32, 52, 92])
  expect(svg).toContain('textLength="109.2"')
})

test('colours and bold letters are kept, until they are switched off', () => {
  const [, line] = linesOf(
    terminalPicture('plain \u001B[32m\u001B[1mgood\u001B[0m plain \u001B[31;1mbad\u001B[m', 'x', ''),
  )
  expect(line).toBe('plain <tspan class="green bold">good</tspan> plain <tspan class="red bold">bad</tspan>')
})

test('other control sequences are refused: they would be missing', () => {
  expect(() => terminalPicture('a\u001B[2Jb', 'x', '')).toThrow('control characters')
  expect(() => terminalPicture('a\tb', 'x', '')).toThrow('control characters')
})
