// Goal: a sequence is read in every spelling that knockd accepts, and every wrong word in one is reported with its
// place.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import { faultsOf, listParts, valueOf } from '../text/read.ts'
import { formatSequence, parseKnock, parseSequence } from './sequence.ts'

const port = fc.integer({ min: 1, max: 65_535 })
const size = fc.integer({ min: 0, max: 65_507 })
const knock = fc.oneof(
  fc.record({ protocol: fc.constantFrom(TCP, UDP), port }),
  fc.record({ protocol: fc.constant(UDP), port, size }),
  fc.record({ protocol: fc.constant(ICMP), port: fc.constant(0 as const), size }),
)

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
  ['22:icmp', 3, 'a port before `icmp`'],
  ['icmp', 0, 'no size after icmp'],
  ['icmp:100', 0, 'no size after icmp'],
  ['ICMP/', 5, 'no size after the slash'],
  ['icmp/65508', 5, 'size above 65507'],
  [' icmp/ 007', 7, 'size with a leading zero'],
  ['icmp/big', 5, 'is not a size'],
  ['icmp/-1', 5, 'is not a size'],
  ['icmpv6/100', 0, 'unknown protocol `icmpv6`'],
  ['ping/100', 0, 'unknown protocol `ping`'],
  ['icmp/100 icmp/200', 8, 'two knocks without a comma between them'],
  ['22:udp/', 7, 'no size after the slash'],
  ['22:udp/99999', 7, 'size above 65507'],
  ['22:udp/x', 7, 'is not a size'],
  ['22:tcp/32', 7, 'a size after tcp'],
  ['22/32', 0, 'is not a port number'],
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
  expect(hint('22:icmp')).toBe('an echo request has no port: write icmp/SIZE')
  expect(hint('icmp6/100')).toBe('write icmp/SIZE, for both families')
  expect(hint('22:tcp/32')).toBe('only datagrams have one: write PORT:udp/SIZE')
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
  const unit = fc.constantFrom(...'0123456789,:;/ tcpudp#-x'.split(''), 'icmp', 'icmp/', ':udp/')
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit, maxLength: 40 }), fc.string()), (text) => {
      const read = parseSequence(text)
      const knocks = valueOf(read) ?? []
      const offsets = [...listParts(text)].map(({ offset }) => offset)
      expect(knocks.length + faultsOf(read).length).toBeGreaterThan(0)
      for (const { offset } of faultsOf(read)) expect(offset).toBeLessThanOrEqual(text.length)
      for (const [index, { protocol, port: one, size: bytes = 0 }] of knocks.entries()) {
        const begin = protocol === ICMP ? 'icmp/' : String(one)
        expect(text.slice(offsets[index]).toLowerCase().startsWith(begin)).toBe(true)
        expect(bytes >= 0 && bytes <= 65_507 && (protocol === ICMP ? one === 0 : one >= 1 && one <= 65_535)).toBe(true)
      }
    }),
  )
})
