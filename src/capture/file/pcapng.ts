import { CaptureFileError } from './frame.ts'
import type { Frame, FrameReader } from './frame.ts'
import { FRAME_MAX_BYTES, viewOf } from './pcap.ts'
import { PIECE_MAX_BYTES } from './window.ts'
import type { Window } from './window.ts'

/** The most interfaces of a section. */
export const INTERFACES_MAX = 65_536

/** Block types of the format (draft-ietf-opsawg-pcapng, 4). */
const SECTION = 0x0a0d0d0a
const INTERFACE = 1
const OLD_PACKET = 2
const SIMPLE_PACKET = 3
const ENHANCED_PACKET = 6
/** This number shows the byte order of a section. */
const ORDER_MAGIC = 0x1a2b3c4d
/** Type and length come first, and the length again at the end. */
const HEAD_BYTES = 8
const FRAMING_BYTES = 12
/** Options of an interface: the unit of its times, and the offset of its times in seconds. */
const END_OF_OPTIONS = 0
const TIME_RESOLUTION = 9
const TIME_OFFSET = 14
/** The default unit is a microsecond. The value is units per millisecond. */
const PER_MS_DEFAULT = 1_000

interface Interface {
  readonly linkType: number
  readonly snapLength: number
  /** The units of its times per millisecond; it may be less than one. */
  readonly perMs: number
  readonly offsetMs: number
}

/** Returns true if a file with these first bytes is a pcapng file. */
export function isPcapng(bytes: Uint8Array, start: number): boolean {
  return viewOf(bytes).getUint32(start) === SECTION
}

/**
 * A reader of pcapng files. They may have any number of sections and interfaces, in either byte order. Blocks without a
 * frame are skipped.
 */
export class PcapngReader implements FrameReader {
  readonly #window: Window
  #little = true
  #interfaces: Interface[] = []
  #lastTime = 0

  constructor(window: Window) {
    this.#window = window
  }

  next(frame: Frame): boolean {
    for (;;) {
      const window = this.#window
      const { offset } = window
      if (!window.has(HEAD_BYTES)) {
        if (window.left === 0) return false
        throw cutOff(offset)
      }
      const isSection = viewOf(window.bytes).getUint32(window.start) === SECTION
      if (isSection) this.#beginSection(offset)
      const view = viewOf(window.bytes)
      const type = view.getUint32(window.start, this.#little)
      const length = view.getUint32(window.start + 4, this.#little)
      if (length < FRAMING_BYTES || length % 4 !== 0 || length > PIECE_MAX_BYTES) {
        throw new CaptureFileError(`is damaged: a block of ${length} bytes, ${offset} bytes from its beginning`)
      }
      if (!window.has(length)) throw cutOff(offset)
      const found = this.#block(type, window.start + HEAD_BYTES, window.start + length - 4, frame, offset)
      window.skip(length)
      if (found) return true
    }
  }

  #beginSection(offset: number): void {
    const window = this.#window
    if (!window.has(FRAMING_BYTES)) throw cutOff(offset)
    const view = viewOf(window.bytes)
    this.#little = view.getUint32(window.start + HEAD_BYTES, true) === ORDER_MAGIC
    if (!this.#little && view.getUint32(window.start + HEAD_BYTES) !== ORDER_MAGIC) {
      throw new CaptureFileError(`is damaged: a section without byte order, ${offset} bytes from its beginning`)
    }
    this.#interfaces = []
  }

  /** Reads a block with the content `[start, end)`. Returns true if it was a frame. */
  #block(type: number, start: number, end: number, frame: Frame, offset: number): boolean {
    switch (type) {
      case INTERFACE:
        this.#addInterface(start, end, offset)
        return false
      case ENHANCED_PACKET:
        return this.#packet(frame, start, end, offset, 4)
      case OLD_PACKET:
        return this.#packet(frame, start, end, offset, 2)
      case SIMPLE_PACKET:
        return this.#simple(frame, start, end, offset)
      default:
        return false
    }
  }

  #addInterface(start: number, end: number, offset: number): void {
    if (end - start < 8 || this.#interfaces.length >= INTERFACES_MAX) throw damaged('an interface', offset)
    const view = viewOf(this.#window.bytes)
    let perMs = PER_MS_DEFAULT
    let offsetMs = 0
    for (let at = start + 8; at + 4 <= end;) {
      const code = view.getUint16(at, this.#little)
      const length = view.getUint16(at + 2, this.#little)
      const value = at + 4
      if (code === END_OF_OPTIONS || value + length > end) break
      if (code === TIME_RESOLUTION && length >= 1) perMs = perMsOf(view.getUint8(value))
      if (code === TIME_OFFSET && length >= 8) offsetMs = Number(view.getBigInt64(value, this.#little)) * 1_000
      at = value + Math.ceil(length / 4) * 4
    }
    const linkType = view.getUint16(start, this.#little)
    this.#interfaces.push({ linkType, snapLength: view.getUint32(start + 4, this.#little), perMs, offsetMs })
  }

  /**
   * @param numberBytes the size of the interface number; in the old block type it is two bytes, followed by two bytes
   * of counts
   */
  #packet(frame: Frame, start: number, end: number, offset: number, numberBytes: 2 | 4): boolean {
    if (end - start < 20) throw damaged('a frame', offset)
    const view = viewOf(this.#window.bytes)
    const link = numberBytes === 4 ? view.getUint32(start, this.#little) : view.getUint16(start, this.#little)
    const length = view.getUint32(start + 12, this.#little)
    const from = this.#interfaces[link]
    if (from === undefined || length > FRAME_MAX_BYTES || start + 20 + length > end) throw damaged('a frame', offset)
    const high = view.getUint32(start + 4, this.#little)
    const low = view.getUint32(start + 8, this.#little)
    const wireLength = view.getUint32(start + 16, this.#little)
    const time = (high * 2 ** 32 + low) / from.perMs + from.offsetMs
    return this.#fill(frame, { time, link, start: start + 20, length, wireLength }, from)
  }

  /** Reads a frame without time or interface. It gets the previous frame's time and the section's first interface. */
  #simple(frame: Frame, start: number, end: number, offset: number): boolean {
    const [from] = this.#interfaces
    if (end - start < 4 || from === undefined) throw damaged('a frame', offset)
    const wireLength = viewOf(this.#window.bytes).getUint32(start, this.#little)
    const snapLength = from.snapLength === 0 ? wireLength : from.snapLength
    const length = Math.min(wireLength, snapLength, end - start - 4)
    if (length > FRAME_MAX_BYTES) throw damaged('a frame', offset)
    return this.#fill(frame, { time: this.#lastTime, link: 0, start: start + 4, length, wireLength }, from)
  }

  #fill(
    frame: Frame,
    found: { readonly time: number; readonly link: number; start: number; length: number; wireLength: number },
    from: Interface,
  ): true {
    frame.time = found.time
    frame.linkType = from.linkType
    frame.link = found.link
    frame.bytes = this.#window.bytes
    frame.start = found.start
    frame.end = found.start + found.length
    frame.wireLength = found.wireLength
    this.#lastTime = found.time
    return true
  }
}

/** Converts the option's byte, a negative power of ten, or of two if the highest bit is set. */
function perMsOf(resolution: number): number {
  const power = resolution & 0x7f
  return (resolution & 0x80) === 0 ? 10 ** power / 1_000 : 2 ** power / 1_000
}

function cutOff(offset: number): CaptureFileError {
  return new CaptureFileError(`is cut off within a block, ${offset} bytes from its beginning`)
}

function damaged(what: string, offset: number): CaptureFileError {
  return new CaptureFileError(`is damaged: ${what} that does not fit its block, ${offset} bytes from its beginning`)
}
