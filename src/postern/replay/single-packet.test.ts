// Goal: a packet that the capture cut is counted as unclear exactly if the daemon would have read what is missing.
import { expect, test } from 'vitest'
import { LINKS, ip4 } from '../../../test/packets/build.ts'
import { PACKET, decode } from '../../packet/decode.ts'
import { Packet, TCP, UDP } from '../../packet/packet.ts'
import { mayBeSingle } from './single-packet.ts'

const NEEDS = { datagrams: [{ first: 100, last: 120 }], synPorts: [666] }
const [, linkType, wrap] = LINKS[0]!

const ofCut = (segment: Parameters<typeof ip4>[0], kept?: number): string => {
  const bytes = Uint8Array.from(wrap(ip4(segment)))
  const end = Math.min(kept ?? bytes.length, bytes.length)
  const packet = new Packet()
  expect(decode(bytes, 0, end, bytes.length, linkType, packet)).toBe(PACKET)
  return mayBeSingle(packet, { start: 0, end, wireLength: bytes.length }, NEEDS)
}

test.each([
  [99, 'no'],
  [100, 'whole'],
  [120, 'whole'],
  [121, 'no'],
])('a datagram with %i bytes', (length, whole) => {
  const segment = { protocol: UDP, port: 62_201, payload: Array<number>(length).fill(1) } as const
  expect(ofCut(segment)).toBe(whole)
  expect(ofCut(segment, 68)).toBe(whole === 'no' ? 'no' : 'cut')
  // The end of the header may be missing, so the length is not known to the byte.
  for (const kept of [38, 42]) if (whole === 'whole') expect(ofCut(segment, kept)).toBe('cut')
})

test('a SYN is unclear if its window is missing, at a port of knockknock alone', () => {
  const syn = { protocol: TCP, port: 666 } as const
  expect([undefined, 68, 50, 49, 48].map((kept) => ofCut(syn, kept))).toEqual(['no', 'no', 'no', 'cut', 'cut'])
  expect(ofCut({ ...syn, port: 667 }, 48)).toBe('no')
  expect(ofCut({ ...syn, flags: 0x10 }, 48)).toBe('no')
})
