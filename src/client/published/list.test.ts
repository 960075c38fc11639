// Goal: the first sequence of a list is knocked, and an incomplete list is not knocked at all.
import { expect, test } from 'vitest'
import { formatSequence } from '../../config/sequence.ts'
import { LIST_MAX_BYTES, readList } from './list.ts'

const HEAD = '# Postern sequences, format 1\n# door: ssh\n# made: 2026-11-21T08:00:00Z\n# left: 2\n'
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

test.each([
  [
    `${HEAD}# The first line below is the next sequence; each can be used once.\n7431,8020:udp,9123\n5,6\n`,
    '7431,8020:udp,9123',
    2,
  ],
  [`${HEAD}#7431,8020\n\n 9123 \n`, '9123', 1],
  [`\uFEFF${HEAD.replaceAll('\n', '\r\n')}9123,1:UDP\r\n`, '9123,1:udp', 1],
  ['# Postern sequences, format 1\n1', '1', 1],
])('%j', (text, next, left) => {
  const list = readList(bytes(text))
  expect([formatSequence(list.next), list.left]).toEqual([next, left])
})

test.each([
  ['', 'not a list of sequences'],
  ['7431,8020\n', 'not a list of sequences'],
  ['<html>\n# Postern sequences, format 1\n1\n', 'not a list of sequences'],
  ['# Postern sequences, format 12\n1\n', 'unknown format 12'],
  ['# Postern sequences, format 1.5\n1\n', 'not a list of sequences'],
  [HEAD, 'no sequence left'],
  ['# Postern sequences, format 1', 'no sequence left'],
  [`${HEAD}#1,2\n#3,4\n`, 'no sequence left'],
  [`${HEAD}7431,80200\n1,2\n`, 'the list: line 5: knock 2: port above 65535'],
  [`${HEAD}1,2\n7431;8020\n`, 'the list: line 6'],
])('%j is refused, and nothing of a port is said', (text, message) => {
  expect(() => readList(bytes(text))).toThrow(message)
  expect(() => readList(bytes(text))).not.toThrow(/7431|8020/)
})

test('the bound', () => {
  const text = `${HEAD}1\n`
  const filler = '#'.repeat(LIST_MAX_BYTES - text.length)
  expect(readList(bytes(text + filler)).left).toBe(1)
  expect(() => readList(bytes(`${text}${filler}#`))).toThrow('the list is too large')
})
