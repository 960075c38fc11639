import { encodeLine } from './line.ts'

/** A record that waits to become durable. */
export interface Waiting {
  readonly json: string
  /** The size of the JSON in UTF-8. */
  readonly bytes: number
  readonly value: unknown
  readonly resolve: () => void
  readonly reject: (error: Error) => void
}

/** Most bytes written before a sync. */
export const BATCH_MAX_BYTES = 1_048_576

/** Records that are written and synced together. */
export interface Batch {
  readonly waiting: readonly Waiting[]
  readonly bytes: Buffer
}

/** Takes the next batch from the head of the queue. `lines` is the number of lines in the file, all durable. */
export function takeBatch(queue: Waiting[], lines: number): Batch {
  const encoded: Buffer[] = []
  let length = 0
  for (const { json } of queue) {
    const line = encodeLine(lines + encoded.length, lines, json)
    if (encoded.length > 0 && length + line.length > BATCH_MAX_BYTES) break
    encoded.push(line)
    length += line.length
  }
  return { waiting: queue.splice(0, encoded.length), bytes: Buffer.concat(encoded, length) }
}

/**
 * Encodes the lines of a new journal in pieces of about `BATCH_MAX_BYTES / 4`. Each line counts them all as durable.
 */
export function* encodeWhole(values: Iterable<unknown>, count: number): Generator<Buffer> {
  let piece: Buffer[] = []
  let length = 0
  let number = 0
  for (const value of values) {
    const line = encodeLine(number++, count, JSON.stringify(value))
    piece.push(line)
    length += line.length
    if (length >= BATCH_MAX_BYTES / 4) {
      yield Buffer.concat(piece, length)
      piece = []
      length = 0
    }
  }
  if (length > 0) yield Buffer.concat(piece, length)
}
