import { CaptureFileError } from './frame.ts'
import type { Frame, FrameReader } from './frame.ts'
import type { Window } from './window.ts'

/** The longest frame in a file: libpcap's own limit, MAXIMUM_SNAPLEN. */
export const FRAME_MAX_BYTES = 262_144
const FILE_HEADER_BYTES = 24
const FRAME_HEADER_BYTES = 16
/** The first four bytes in the file's own byte order, for times in microseconds or in nanoseconds. */
const MICRO = 0xa1b2c3d4
const NANO = 0xa1b23c4d
/** Mask for the link type in its header field. The other bits are about a checksum at the end of frames. */
const LINK_TYPE_MASK = 0x0fffffff

/** Returns the byte order of a pcap file by its first bytes, or `undefined` for another format. */
export function pcapOrder(bytes: Uint8Array, start: number): 'little' | 'big' | undefined {
  const view = viewOf(bytes)
  for (const order of ['little', 'big'] as const) {
    const magic = view.getUint32(start, order === 'little')
    if (magic === MICRO || magic === NANO) return order
  }
  return undefined
}

/** A reader of pcap files (pcap-savefile(5)). */
export class PcapReader implements FrameReader {
  readonly #window: Window
  readonly #little: boolean
  readonly #perMs: number
  readonly #linkType: number

  /** @throws CaptureFileError if the header is incomplete */
  constructor(window: Window, order: 'little' | 'big') {
    this.#window = window
    this.#little = order === 'little'
    if (!window.has(FILE_HEADER_BYTES)) throw new CaptureFileError('ends within its header')
    const view = viewOf(window.bytes)
    const { start } = window
    this.#perMs = view.getUint32(start, this.#little) === NANO ? 1_000_000 : 1_000
    const major = view.getUint16(start + 4, this.#little)
    if (major !== 2) throw new CaptureFileError(`is of version ${major} of the pcap format, not 2`)
    this.#linkType = view.getUint32(start + 20, this.#little) & LINK_TYPE_MASK
    window.skip(FILE_HEADER_BYTES)
  }

  next(frame: Frame): boolean {
    const window = this.#window
    const { offset } = window
    if (!window.has(FRAME_HEADER_BYTES)) {
      if (window.left === 0) return false
      throw new CaptureFileError(`is cut off within a frame, ${offset} bytes from its beginning`)
    }
    const view = viewOf(window.bytes)
    const { start } = window
    const seconds = view.getUint32(start, this.#little)
    const fraction = view.getUint32(start + 4, this.#little)
    const length = view.getUint32(start + 8, this.#little)
    const wireLength = view.getUint32(start + 12, this.#little)
    if (length > FRAME_MAX_BYTES) {
      throw new CaptureFileError(`is damaged: a frame of ${length} bytes, ${offset} bytes from its beginning`)
    }
    if (!window.has(FRAME_HEADER_BYTES + length)) {
      throw new CaptureFileError(`is cut off within a frame, ${offset} bytes from its beginning`)
    }
    frame.time = seconds * 1_000 + fraction / this.#perMs
    frame.linkType = this.#linkType
    frame.link = 0
    frame.bytes = window.bytes
    frame.start = window.start + FRAME_HEADER_BYTES
    frame.end = frame.start + length
    frame.wireLength = wireLength
    window.skip(FRAME_HEADER_BYTES + length)
    return true
  }
}

/** Returns a view of the bytes as numbers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
