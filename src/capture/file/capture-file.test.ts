// Goal: captures are read as they were written, in either byte order and every unit of time. A cut or damaged one gives
// its packets before that place, and names the place. No bytes make the reader hang, or read beyond its piece.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SLOW } from '../../../test/slow.ts'
import { pcapFile, pcapngSection } from '../../../test/packets/capture.ts'
import { readCapture } from './capture-file.ts'
import { CaptureFileError, emptyFrame } from './frame.ts'

interface Got {
  readonly frames: readonly {
    time: number
    bytes: readonly number[]
    linkType: number
    link: number
    wireLength: number
  }[]
  readonly failure: string | undefined
}

/** Reads a file that comes in small pieces, and copies what it holds. */
function readAll(file: Uint8Array, piece = 7): Got {
  const frames = []
  let at = 0
  let failure: string | undefined
  try {
    const reader = readCapture((buffer, offset, length) => {
      const part = file.subarray(at, at + Math.min(piece, length))
      buffer.set(part, offset)
      at += part.length
      return part.length
    })
    const frame = emptyFrame()
    while (reader.next(frame)) {
      const { time, bytes, start, end, linkType, link, wireLength } = frame
      expect(start).toBeLessThanOrEqual(end)
      expect(end).toBeLessThanOrEqual(bytes.length)
      frames.push({ time, bytes: [...bytes.subarray(start, end)], linkType, link, wireLength })
    }
  } catch (error) {
    expect(error).toBeInstanceOf(CaptureFileError)
    failure = (error as Error).message
  }
  return { frames, failure }
}

const SECONDS = 1_700_000_000n
const FRAMES = [
  { time: SECONDS * 1_000_000n + 250_000n, bytes: [1, 2, 3] },
  { time: SECONDS * 1_000_000n + 500_001n, bytes: [], wireLength: 60 },
  { time: SECONDS * 1_000_000n + 1_000_000n, bytes: [4, 5, 6, 7] },
]
const NANO_FRAMES = FRAMES.map((frame) => ({ ...frame, time: frame.time * 1_000n }))
const TIMES = [1_700_000_000_250, 1_700_000_000_500.001, 1_700_000_001_000]

describe.each(['little', 'big'] as const)('%s-endian', (order) => {
  test.each([
    ['pcap, microseconds', pcapFile(FRAMES, order, 'us', 276), 276],
    ['pcap, nanoseconds', pcapFile(NANO_FRAMES, order, 'ns', 1), 1],
    ['pcapng', pcapngSection(FRAMES, order, [{ linkType: 101 }]), 101],
    ['pcapng, nanoseconds', pcapngSection(NANO_FRAMES, order, [{ linkType: 1, resolution: 9 }]), 1],
    ['pcapng, the old block', pcapngSection(FRAMES, order, [{ linkType: 1 }], 'old'), 1],
  ])('%s', (_, file, linkType) => {
    const { frames, failure } = readAll(file)
    expect(failure).toBeUndefined()
    expect(frames.map(({ bytes }) => bytes)).toEqual([[1, 2, 3], [], [4, 5, 6, 7]])
    expect(frames.map(({ wireLength }) => wireLength)).toEqual([3, 60, 4])
    expect(frames.map((frame) => frame.linkType)).toEqual([linkType, linkType, linkType])
    for (const [at, { time }] of frames.entries()) expect(time).toBeCloseTo(TIMES[at]!, 2)
  })

  test('pcapng: powers of two, an offset, several interfaces, simple blocks, and a section of the other order behind', () => {
    const other = order === 'little' ? 'big' : 'little'
    const binary = [{ time: SECONDS << 10n, bytes: [9], link: 1 }]
    const file = [
      ...pcapngSection(binary, order, [{ linkType: 113 }, { linkType: 228, resolution: 0x8a, offset: -3_600n }]),
      ...pcapngSection([{ time: 0n, bytes: [8, 8] }], other, [{ linkType: 12 }], 'simple'),
    ]
    const { frames, failure } = readAll(Uint8Array.from(file))
    expect(failure).toBeUndefined()
    const time = (Number(SECONDS) - 3_600) * 1_000
    expect(frames).toEqual([
      { time, bytes: [9], linkType: 228, link: 1, wireLength: 1 },
      // Blocks of this kind have no time.
      { time, bytes: [8, 8], linkType: 12, link: 0, wireLength: 2 },
    ])
  })

  test.each([
    ['pcap', pcapFile(FRAMES, order, 'us', 1)],
    ['pcapng', pcapngSection(FRAMES, order, [{ linkType: 1 }])],
  ])('%s cut off anywhere gives what came before, and says so', (_, file) => {
    const whole = readAll(file).frames
    for (let length = 0; length < file.length; length++) {
      const { frames, failure } = readAll(file.subarray(0, length), 1_000)
      expect(frames).toEqual(whole.slice(0, frames.length))
      // Between two frames, or blocks, nobody can tell.
      if (failure !== undefined) expect(failure).toMatch(/cut off|header|empty|not a capture/)
    }
    expect(readAll(file.subarray(0, file.length - 1)).failure).toMatch(/cut off within a (frame|block), \d+ bytes/)
  })
})

test.each([
  ['empty', [], /is empty/],
  ['short', [1, 2, 3], /less than four bytes/],
  ['text', [...Buffer.from('[options]\n')], /neither pcap nor pcapng\n {2}tcpdump -w/],
  ['gzip', [0x1f, 0x8b, 8, 0, 0], /packed with gzip\n {2}zcat FILE \| postern replay -/],
  ['Zstandard', [0x28, 0xb5, 0x2f, 0xfd, 0], /zstdcat/],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a], /xzcat/],
  ['bzip2', [...Buffer.from('BZh91AY')], /bzcat/],
  ['pcap of version 3', pcapFile([], 'big', 'us', 1).with(5, 3), /version 3/],
])('%s is not a capture', (_, bytes, why) => {
  expect(readAll(Uint8Array.from(bytes)).failure).toMatch(why)
})

test('lengths that cannot be are damage, and are named with their place', () => {
  const long = pcapFile([{ time: 0n, bytes: [1] }], 'little', 'us', 1)
  long.set([0xff, 0xff, 0xff, 0x7f], 24 + 8)
  expect(readAll(long).failure).toBe('is damaged: a frame of 2147483647 bytes, 24 bytes from its beginning')
  const block = pcapngSection([], 'little', [{ linkType: 1 }])
  block.set([5, 0, 0, 0], 28 + 4)
  expect(readAll(block).failure).toBe('is damaged: a block of 5 bytes, 28 bytes from its beginning')
})

test('a frame of an interface that the section has not is damage', () => {
  expect(readAll(pcapngSection([{ time: 0n, bytes: [1], link: 3 }], 'big', [{ linkType: 1 }])).failure).toMatch(
    /damaged: a frame/,
  )
})

test('any bytes come to an end, with frames or a word of what is wrong', () => {
  const good = [
    pcapFile(FRAMES, 'little', 'us', 1),
    pcapFile(FRAMES, 'big', 'ns', 1),
    pcapngSection(FRAMES, 'little', [{ linkType: 1, resolution: 9, offset: 1n }]),
    pcapngSection(FRAMES, 'big', [{ linkType: 1 }], 'simple'),
  ]
  const mutated = fc
    .tuple(fc.constantFrom(...good), fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 8 }))
    .map(([file, changes]) =>
      changes.reduce((bytes, [at, value]) => (at < bytes.length ? bytes.with(at, value) : bytes), file),
    )
  const begun = fc
    .tuple(fc.constantFrom(...good), fc.uint8Array({ maxLength: 200 }))
    .map(([file, rest]) => Uint8Array.from([...file.subarray(0, 28), ...rest]))
  fc.assert(
    fc.property(fc.oneof(mutated, begun), (file) => {
      expect(readAll(file, 64).frames.length).toBeLessThanOrEqual(file.length / 12)
    }),
    { numRuns: SLOW ? 100_000 : 400 },
  )
})
