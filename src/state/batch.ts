import { encodeLine } from './line.ts'

/** One record that waits to become durable. */
export interface Waiting {
  readonly json: string
  /** What the JSON takes in UTF-8. */
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

/** Takes the next batch off the head of the queue; `lines` is how many the file has, all of them durable. */
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

/** The lines of a new journal, joined to pieces of about `BATCH_MAX_BYTES / 4`; all count as durable from the first on. */
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
