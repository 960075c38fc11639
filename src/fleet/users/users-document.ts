import { isRecord } from '../../text/record.ts'
import { isVersion } from '../hosts.ts'

/** Most files of the fleet's users. A folder of knockknock's profiles has four for each user. */
export const USERS_FILES_MAX = 1_200
/** Largest content of all files together, in bytes. */
export const USERS_TOTAL_MAX_BYTES = 16 * 1_048_576
/** Most parts of all files together. The document with their names has to fit into one value of etcd. */
export const PARTS_MAX = 4_096
/** Largest part of a file, in bytes. In base64 and JSON it stays below the 1.5 MiB that etcd takes at once. */
export const PART_MAX_BYTES = 262_144
/** A name in a path: no dot in front, so no `..` and nothing hidden. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/
/** Names in a path: a file alone, or one of a profile at `NAME.knockknock/USER/FILE`. */
const DEPTHS = new Set([1, 3])
/** The name of a part: an HMAC of its content in base64url. */
const PART_NAME = /^[A-Za-z0-9_-]{43}$/

/** A part of a file, under its name in etcd. */
export interface FilePart {
  readonly id: string
  /** 1 to {@link PART_MAX_BYTES}. */
  readonly bytes: number
}

/** A file of users. An empty one has no parts. */
export interface UsersFile {
  /** The path below `users.d`. */
  readonly name: string
  readonly parts: readonly FilePart[]
}

/** The users of the fleet, in the document that an operator signs. The parts of the files are encrypted beside it. */
export interface UsersDocument {
  /** Only a higher version is accepted. */
  readonly version: number
  readonly files: readonly UsersFile[]
}

/** The files of the fleet's users by their names. */
export type UsersFiles = ReadonlyMap<string, Buffer>

/** Reads the content of the document. `undefined`: it is something else. */
export function readUsersDocument(body: unknown): UsersDocument | undefined {
  if (!isRecord(body) || !Array.isArray(body['files'])) return undefined
  const { version } = body
  const files: readonly unknown[] = body['files']
  if (!isVersion(version) || files.length > USERS_FILES_MAX || !files.every(isFile)) return undefined
  const parts = files.flatMap((file) => file.parts)
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0)
  if (parts.length > PARTS_MAX || bytes > USERS_TOTAL_MAX_BYTES) return undefined
  return areDistinct(files.map(({ name }) => name)) ? { version, files } : undefined
}

/** Returns true for the path of a file of users, below its folder. */
export function isFileName(path: string): boolean {
  const names = path.split('/')
  return DEPTHS.has(names.length) && names.every((name) => NAME.test(name))
}

/** Returns true if no path is there twice, or is the folder of another. */
function areDistinct(paths: readonly string[]): boolean {
  const all = new Set(paths)
  return all.size === paths.length && paths.every((path) => foldersOf(path).every((folder) => !all.has(folder)))
}

/** Returns the folders on a path, the outermost first. */
export function foldersOf(path: string): readonly string[] {
  const names = path.split('/')
  return names.slice(1).map((_, index) => names.slice(0, index + 1).join('/'))
}

function isFile(value: unknown): value is UsersFile {
  if (!isRecord(value)) return false
  const { name, parts } = value
  return typeof name === 'string' && isFileName(name) && Array.isArray(parts) && parts.every(isPart)
}

function isPart(value: unknown): value is FilePart {
  if (!isRecord(value)) return false
  const { id, bytes } = value
  if (typeof id !== 'string' || !PART_NAME.test(id)) return false
  return Number.isSafeInteger(bytes) && (bytes as number) > 0 && (bytes as number) <= PART_MAX_BYTES
}
