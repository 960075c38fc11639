// Goal: a command is taken apart into the programs and words that a shell would see, without running one.
import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { programName, splitCommand } from './shell.ts'

const words = (text: string): readonly (readonly string[])[] =>
  splitCommand(text).commands.map((command) => command.map((word) => word.text))

test.each<[string, string[][]]>([
  ['iptables -I INPUT', [['iptables', '-I', 'INPUT']]],
  ['  a \'b c\'d  "e f" g\\ h ', [['a', 'b cd', 'e f', 'g h']]],
  ['a;b&&c||d|e&', [['a'], ['b'], ['c'], ['d'], ['e']]],
  ['(a b)', [['a', 'b']]],
  ['sudo -n env X=1 a', [['env', 'X=1', 'a']]],
  ['X=1 Y=2 a b', [['a', 'b']]],
  ['a 2>&1 >/dev/null b > c d 2> /dev/null &>e', [['a', 'b', 'd']]],
  ['a # b', [['a']]],
  ['a#b', [['a#b']]],
  ['echo "a\\"b" \'\\\'', [['echo', 'a"b', '\\']]],
  ["a ''", [['a', '']]],
  ['', []],
])('%s', (text, expected) => {
  expect(words(text)).toEqual(expected)
})

test('what cannot be told from the words', () => {
  const opaque = ['a $(b)', 'a "`b`"', 'if a; then b; fi', 'for i in 1; do a; done', 'eval a', '. /etc/x']
  for (const text of opaque) expect(splitCommand(text).opaque, text).toBe(true)
  expect(splitCommand("a '$(b)' $IP").opaque).toBe(false)
})

test('a quote that is never closed', () => {
  expect(splitCommand('a "b').unclosed).toBe(2)
  expect(splitCommand('a \'b" c').unclosed).toBe(2)
  expect(splitCommand('a "it\'s"').unclosed).toBeUndefined()
})

test('the program without its folder', () => {
  expect(programName(splitCommand('sudo /sbin/iptables -L').commands[0]!)).toBe('iptables')
})

test('words stand where they are said to stand', () => {
  const text = "a  'b c' d;e"
  const spans = splitCommand(text)
    .commands.flat()
    .map(({ offset, end }) => text.slice(offset, end))
  expect(spans).toEqual(['a', "'b c'", 'd', 'e'])
})

test('the shell sees the same words', () => {
  const piece = fc.constantFrom('a', 'b1', '-c', ' ', "'x y'", '"p q"', '\\ ', '\\"', "'#'", '"\'"', '%IP%', 'é')
  const line = fc.array(piece, { maxLength: 12 }).map((pieces) => `x${pieces.join('')}`)
  // One shell for many lines: to start it takes far longer than to read a line.
  fc.assert(
    fc.property(fc.array(line, { minLength: 50, maxLength: 50 }), (lines) => {
      const script = lines.map((each) => `printf '%s\\n' ${each}\nprintf '\\0'\n`).join('')
      const seen = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1)
      expect(lines.map((each) => `${words(each)[0]!.join('\n')}\n`)).toEqual(seen)
    }),
    { numRuns: 2 },
  )
})

test('any text is taken apart', () => {
  const unit = fc.constantFrom(...'ab \'"\\;&|()#`$>2'.split(''))
  fc.assert(fc.property(fc.string({ unit, maxLength: 60 }), (text) => void splitCommand(text)))
})
