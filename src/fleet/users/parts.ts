import type { PartSeal } from './sealed-part.ts'
import { PART_MAX_BYTES } from './users-document.ts'
import type { FilePart, UsersFile, UsersFiles } from './users-document.ts'

/** Shortest part but for the last of a file, in bytes. */
const PART_MIN_BYTES = 16_384
/** A part ends after a line whose hash has these bits clear: after one of 256 lines. */
const END_MASK = 0xff
const NEWLINE = 0x0a
/** The start value and the factor of FNV-1a with 32 bits (draft-eastlake-fnv, 5). */
const FNV_START = 0x811c9dc5
const FNV_FACTOR = 0x01000193

/**
 * Cuts a file into parts. They end at lines that their content determines, so that a line more or less changes one part,
 * and not all behind it: each host fetches what it does not have.
 */
export function cutParts(content: Buffer): readonly Buffer[] {
  const parts: Buffer[] = []
  let start = 0
  let hash = FNV_START
  for (let at = 0; at < content.length; at++) {
    const byte = content[at]!
    hash = Math.imul(hash ^ byte, FNV_FACTOR)
    const length = at + 1 - start
    const isEnd = byte === NEWLINE && (hash & END_MASK) === 0 && length >= PART_MIN_BYTES
    if (byte === NEWLINE) hash = FNV_START
    if (!isEnd && length < PART_MAX_BYTES) continue
    parts.push(content.subarray(start, at + 1))
    start = at + 1
  }
  if (start < content.length) parts.push(content.subarray(start))
  return parts
}

/** Files as a document lists them, and the content of each part by its name. */
export interface CutFiles {
  readonly files: readonly UsersFile[]
  readonly parts: ReadonlyMap<string, Buffer>
}

/** Cuts files into parts, and names these. */
export function cutFiles(contents: UsersFiles, seal: Pick<PartSeal, 'idOf'>): CutFiles {
  const parts = new Map<string, Buffer>()
  const files = Array.from(contents, ([name, content]): UsersFile => {
    const cut = cutParts(content).map((part): FilePart => {
      const id = seal.idOf(part)
      parts.set(id, part)
      return { id, bytes: part.length }
    })
    return { name, parts: cut }
  })
  return { files, parts }
}

/** Returns the bytes of a file. */
export function bytesOf({ parts }: UsersFile): number {
  return parts.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** Yields the parts of a file's content at the places that a document says, if their content is still that. */
export function* partsIn(
  { parts }: UsersFile,
  content: Buffer,
  seal: Pick<PartSeal, 'idOf'>,
): Generator<[id: string, part: Buffer]> {
  let at = 0
  for (const { id, bytes } of parts) {
    const part = content.subarray(at, (at += bytes))
    if (seal.idOf(part) === id) yield [id, part]
  }
}
