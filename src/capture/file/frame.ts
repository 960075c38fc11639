/** A frame of a capture file. The reader reuses one record, so that a frame costs no allocation. */
export interface Frame {
  /** The time of capture in milliseconds since 1970, with a fraction. */
  time: number
  /** The link type, as numbered by tcpdump.org/linktypes.html. */
  linkType: number
  /** The number of the file's interface that captured the frame. */
  link: number
  /** The frame is `bytes[start, end)`, valid until the next frame is read. */
  bytes: Uint8Array
  start: number
  end: number
  /** The frame's length in bytes before it was truncated. */
  wireLength: number
}

/** A reader of the frames of a file, one after another. */
export interface FrameReader {
  /** Reads the next frame into the record. Returns false at the end. @throws CaptureFileError if the file is damaged */
  next(frame: Frame): boolean
}

/** A capture file that cannot be read completely. The frames read so far are valid. */
export class CaptureFileError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'CaptureFileError'
  }
}

/** Returns a record to read frames into. */
export function emptyFrame(): Frame {
  return { time: 0, linkType: 0, link: 0, bytes: new Uint8Array(), start: 0, end: 0, wireLength: 0 }
}
