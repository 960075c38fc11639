import { readSync } from 'node:fs'
import { setImmediate as breathe } from 'node:timers/promises'
import { readCapture } from '../../capture/file/capture-file.ts'
import { CaptureFileError, emptyFrame } from '../../capture/file/frame.ts'
import type { Frame } from '../../capture/file/frame.ts'
import { reasonOf } from '../../file/file-error.ts'
import { decodesLinkType } from '../../packet/decode.ts'
import type { Replayer } from './replayer.ts'

/** The number of frames between two pauses, in which signals and a closed output are noticed. */
const FRAMES_AT_A_TIME = 20_000
/** The most unknown link types that are reported. */
const LINK_TYPES_NAMED_MAX = 16
/** Milliseconds between two reads of a non-blocking input without data. */
const AGAIN_MS = 20

/** The result of a pass through a capture. */
export interface Seen {
  readonly frames: number
  readonly first: number | undefined
  readonly last: number | undefined
  /** The time of the last frame in the file. It is not the latest time if the clock was set back. */
  readonly end: number | undefined
  readonly failure: string | undefined
  /** True if there were frames of a link type that cannot be decoded. */
  readonly strange: boolean
}

/**
 * Takes all frames of a capture to a replay. A capture that ends early has the reason in `failure`.
 *
 * @param read reads bytes into a buffer, as {@link readAgain}
 */
export async function takeAll(
  read: (buffer: Uint8Array, offset: number, length: number) => number,
  replayer: Replayer,
  warn: (text: string) => void,
): Promise<Seen> {
  const frame = emptyFrame()
  const strange = new Set<number>()
  let frames = 0
  let first: number | undefined
  let last: number | undefined
  let end: number | undefined
  let failure: string | undefined
  try {
    const reader = readCapture(read)
    while (reader.next(frame)) {
      frames++
      first ??= frame.time
      end = frame.time
      if (last === undefined || frame.time > last) last = frame.time
      if (!decodesLinkType(frame.linkType)) warnOf(frame, strange, warn)
      else {
        const opening = replayer.take(frame)
        if (opening !== undefined) await opening
      }
      if (frames % FRAMES_AT_A_TIME === 0) await breathe()
    }
  } catch (error) {
    failure = error instanceof CaptureFileError ? error.message : `cannot be read: ${reasonOf(error)}`
  }
  return { frames, first, last, end, failure, strange: strange.size > 0 }
}

function warnOf({ linkType }: Frame, strange: Set<number>, warn: (text: string) => void): void {
  if (strange.has(linkType) || strange.size >= LINK_TYPES_NAMED_MAX) return
  strange.add(linkType)
  warn(`frames of link type ${linkType} are ignored: they cannot be decoded`)
}

/** Reads a file or pipe. It waits for data even if another program set the pipe or terminal to non-blocking. */
export function readAgain(fd: number, buffer: Uint8Array, offset: number, length: number): number {
  for (;;) {
    try {
      return readSync(fd, buffer, offset, length, null)
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EOF') return 0
      if (code !== 'EAGAIN') throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, AGAIN_MS)
    }
  }
}
