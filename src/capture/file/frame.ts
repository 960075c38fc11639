/** A frame of a capture file. One record is filled over and over, so that a frame costs no allocation. */
export interface Frame {
  /** When it was captured, milliseconds since 1970 with a fraction. */
  time: number
  /** As tcpdump.org/linktypes.html numbers them. */
  linkType: number
  /** Which of the file's interfaces it came from. */
  link: number
  /** It is `bytes[start, end)`, until the next frame is read. */
  bytes: Uint8Array
  start: number
  end: number
  /** Bytes it had before it was cut. */
  wireLength: number
}

/** Reads the frames of a file one after the other. */
export interface FrameReader {
  /** Fills in the next frame. False: there is none. @throws CaptureFileError */
  next(frame: Frame): boolean
}

/** A capture file that cannot be read, or not to its end: what came before is good. */
export class CaptureFileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CaptureFileError'
  }
}

/** A record to read into. */
export function emptyFrame(): Frame {
  return { time: 0, linkType: 0, link: 0, bytes: new Uint8Array(), start: 0, end: 0, wireLength: 0 }
}
