// Goal: a sequence is read in every spelling that knockd takes, and every wrong word of one is found at its place.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { TCP, UDP } from '../packet/packet.ts'
import { faultsOf, listParts, valueOf } from '../text/read.ts'
import { formatSequence, parseKnock, parseSequence } from './sequence.ts'

const knock = fc.record({ protocol: fc.constantFrom(TCP, UDP), port: fc.integer({ min: 1, max: 65_535 }) })

test('reading inverts writing', () => {
  fc.assert(
    fc.property(fc.array(knock, { minLength: 1, maxLength: 32 }), (knocks) => {
      expect(parseSequence(formatSequence(knocks))).toEqual({ value: knocks })
    }),
  )
})

test('blanks, case and a spelled-out tcp change nothing, and offsets are those of the ports', () => {
  const text = ' 7000 , 8000 : UDP ,\t9000:Tcp '
  expect(formatSequence(valueOf(parseSequence(text))!)).toBe('7000,8000:udp,9000')
  expect([...listParts(text)].map(({ offset }) => text.slice(offset, offset + 4))).toEqual(['7000', '8000', '9000'])
})

test.each([
  ['', 0, 'no port'],
  [' ', 1, 'no port'],
  ['0', 0, 'port below 1'],
  ['-1', 0, 'port below 1'],
  ['65536', 0, 'port above 65535'],
  ['4294967297', 0, 'port above 65535'],
  ['022', 0, 'port with a leading zero'],
  ['ssh', 0, 'is not a port number'],
  ['+22', 0, 'is not a port number'],
  ['2e3', 0, 'is not a port number'],
  ['0x16', 0, 'is not a port number'],
  ['٢٢', 0, 'is not a port number'],
  [' 22:', 3, 'no protocol after the colon'],
  ['22: tpc', 4, 'unknown protocol `tpc`'],
  ['22:icmp', 3, 'unknown protocol `icmp`'],
  ['22:22', 3, 'unknown protocol'],
  ['22/udp', 2, 'the protocol is not after a colon'],
  ['udp:22', 0, 'the protocol is before the port'],
  ['22 23', 2, 'two knocks without a comma between them'],
  ['22:tcp;23', 6, 'two knocks without a comma between them'],
  ['22 # ssh', 3, 'a comment after the value'],
])('%j is no knock', (text, offset, message) => {
  const result = parseKnock(text)
  expect(result).toMatchObject({ offset, message })
})

const hint = (text: string): string | undefined => {
  const result = parseKnock(text)
  return 'message' in result ? result.hint : undefined
}

test('what was meant', () => {
  expect(hint('22:tpc')).toBe('did you mean `tcp`?')
  expect(hint('22:upd')).toBe('did you mean `udp`?')
  expect(hint('22:icmp')).toBe('the protocol is tcp or udp')
  expect(hint('22/UDP')).toBe('write PORT:udp')
})

test('every fault of a sequence is reported', () => {
  expect(faultsOf(parseSequence('22,x,,70000,23')).map(({ offset, message }) => [offset, message])).toEqual([
    [3, 'knock 2: is not a port number'],
    [5, 'knock 3: no port'],
    [6, 'knock 4: port above 65535'],
  ])
})

test('32 knocks are a sequence, 33 are not, and a million are no work', () => {
  expect(valueOf(parseSequence(Array(32).fill('22').join()))).toHaveLength(32)
  const faults = faultsOf(parseSequence(Array(1_000_000).fill('22').join()))
  expect(faults.map(({ offset, message }) => [offset, message])).toEqual([[96, 'more than 32 knocks']])
})

test('any text is a sequence or has a fault in it, at a place in it', () => {
  const unit = fc.constantFrom(...'0123456789,:;/ tcpudp#-x'.split(''))
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit, maxLength: 40 }), fc.string()), (text) => {
      const read = parseSequence(text)
      const knocks = valueOf(read) ?? []
      const offsets = [...listParts(text)].map(({ offset }) => offset)
      expect(knocks.length + faultsOf(read).length).toBeGreaterThan(0)
      for (const { offset } of faultsOf(read)) expect(offset).toBeLessThanOrEqual(text.length)
      for (const [index, { port }] of knocks.entries()) {
        expect(port >= 1 && port <= 65_535 && text.slice(offsets[index]).startsWith(String(port))).toBe(true)
      }
    }),
  )
})
