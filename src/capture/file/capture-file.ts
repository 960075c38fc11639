import { CaptureFileError } from './frame.ts'
import type { FrameReader } from './frame.ts'
import { PcapReader, pcapOrder } from './pcap.ts'
import { PcapngReader, isPcapng } from './pcapng.ts'
import { Window } from './window.ts'
import type { Read } from './window.ts'

/** Formats that captures are often compressed with: the first bytes and the decompressor. */
const PACKED: readonly (readonly [name: string, first: readonly number[], unpack: string])[] = [
  ['gzip', [0x1f, 0x8b], 'zcat'],
  ['Zstandard', [0x28, 0xb5, 0x2f, 0xfd], 'zstdcat'],
  ['xz', [0xfd, 0x37, 0x7a, 0x58], 'xzcat'],
  ['bzip2', [0x42, 0x5a, 0x68], 'bzcat'],
]

/**
 * Reads a capture file in pcap or pcapng format, piece by piece.
 *
 * @throws CaptureFileError if it has neither format, with a hint on a second line
 */
export function readCapture(read: Read): FrameReader {
  const window = new Window(read)
  const all = window.has(4)
  const { bytes, start } = window
  const packed = PACKED.find(
    ([, first]) => window.left >= first.length && first.every((byte, at) => bytes[start + at] === byte),
  )
  if (packed !== undefined) {
    const [name, , unpack] = packed
    throw new CaptureFileError(`is packed with ${name}\n  ${unpack} FILE | postern replay -`)
  }
  if (!all) throw new CaptureFileError(window.left === 0 ? 'is empty' : 'is not a capture: it has less than four bytes')
  if (isPcapng(bytes, start)) return new PcapngReader(window)
  const order = pcapOrder(bytes, start)
  if (order !== undefined) return new PcapReader(window, order)
  throw new CaptureFileError('is not a capture: neither pcap nor pcapng\n  tcpdump -w FILE makes one')
}
