// Goal: flags are read as knockd reads them; an unknown or contradictory flag is reported with its place.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ACK, FIN, SYN } from '../packet/packet.ts'
import { flagNames, parseFlags } from './flags.ts'

test('flags can be set or not set', () => {
  expect(parseFlags('syn')).toEqual({ value: { mask: SYN, want: SYN } })
  expect(parseFlags(' FIN , ! Ack,fin')).toEqual({ value: { mask: FIN | ACK, want: FIN } })
  expect(parseFlags('!syn,!syn')).toEqual({ value: { mask: SYN, want: 0 } })
})

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 63 }), fc.nat(63), (mask, bits) => {
      const flags = { mask, want: bits & mask }
      const set = flagNames(bits)
      const text = flagNames(mask).map((name) => (set.includes(name) ? name : `!${name}`))
      expect(parseFlags(text.join())).toEqual({ value: flags })
    }),
  )
})

test.each([
  ['sny', 0, 'unknown flag `sny`', 'did you mean `syn`?'],
  ['syn, !akc', 5, 'unknown flag `!akc`', 'did you mean `ack`?'],
  ['syn,', 4, 'a flag is missing here', 'the flags are fin, syn, rst, psh, ack, urg'],
  ['!', 0, 'a flag is missing here', 'the flags are fin, syn, rst, psh, ack, urg'],
  ['ecn', 0, 'unknown flag `ecn`', 'the flags are fin, syn, rst, psh, ack, urg'],
  ['syn|ack', 0, 'unknown flag `syn|ack`', 'flags are separated by commas'],
  ['syn ack', 0, 'unknown flag `syn ack`', 'flags are separated by commas'],
  ['syn # c', 0, 'unknown flag `syn # c`', 'put the comment on a line of its own'],
  ['syn,!syn', 4, '`!syn` contradicts an earlier flag', 'no packet has syn both set and not set'],
  ['!ack,psh,ack', 9, '`ack` contradicts an earlier flag', 'no packet has ack both set and not set'],
])('%j', (text, offset, message, hint) => {
  expect(parseFlags(text)).toEqual({ offset, message, hint })
})
