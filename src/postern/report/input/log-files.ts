import { constants, readdirSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createGunzip } from 'node:zlib'
import { FileError, fileErrorOf } from '../../../file/file-error.ts'
import { CLASSIC, judgeFile } from '../../../file/policy.ts'
import { accountOf } from './intake.ts'
import type { InputAccount, Intake } from './intake.ts'
import { eachLine } from './lines.ts'

/** The most rotated files of a log that are read. */
export const ROTATED_MAX = 400
const CHUNK_BYTES = 1_048_576
/** The name of standard input. */
export const STDIN = '-'

/** A log file, and those that logrotate(8) made of it. */
export interface LogFiles {
  /** The files to be read, the oldest first. */
  readonly paths: readonly string[]
  /** Rotated files in a compression that cannot be read. */
  readonly unread: readonly string[]
}

/**
 * Returns a log file and its rotated ones: FILE.1, FILE.2.gz, FILE-20261115.gz. Those that were last written before
 * `from` are left out.
 */
export function logFilesOf(path: string, from: number): LogFiles {
  if (path === STDIN) return { paths: [path], unread: [] }
  const folder = dirname(path)
  const rotated = namesIn(folder).flatMap((name) => {
    const age = ageOf(name, basename(path))
    return age === undefined ? [] : [{ path: join(folder, name), age }]
  })
  // While logrotate compresses a file, there are two of the same age. The one without a suffix is whole.
  const ages = new Map(
    rotated.toSorted((one, other) => other.path.length - one.path.length).map((each) => [each.age, each]),
  )
  const recent = [...ages.values()]
    .filter((each) => writtenAt(each.path) >= from)
    .sort((one, other) => other.age - one.age)
  const readable = recent.filter((each) => !/\.(xz|bz2|zst)$/.test(each.path)).slice(-ROTATED_MAX)
  return {
    paths: [...readable.map((each) => each.path), path],
    unread: recent.filter((each) => !readable.includes(each)).map((each) => each.path),
  }
}

/** Returns the age of a rotated file: a higher one is older. `undefined`: it is not one of the log. */
function ageOf(name: string, log: string): number | undefined {
  if (!name.startsWith(log)) return undefined
  const match = /^(?:\.(\d{1,5})|-(\d{8,10}))(?:\.(?:gz|xz|bz2|zst))?$/.exec(name.slice(log.length))
  if (match === null) return undefined
  return match[1] === undefined ? -Number((match[2] ?? '').padEnd(10, '0')) : Number(match[1])
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Opening the log itself gives the reason.
    return []
  }
}

function writtenAt(path: string): number {
  try {
    return statSync(path).mtimeMs
  } catch {
    return -Infinity
  }
}

/** Reads a log file to its end. A fault of the file is in the account. */
export async function readLogFile(path: string, intake: Intake): Promise<InputAccount> {
  const account = accountOf(path === STDIN ? 'standard input' : path)
  let handle: FileHandle | undefined
  try {
    handle = path === STDIN ? undefined : await openRegular(path, account)
    const bytes: NodeJS.ReadableStream =
      handle === undefined ? process.stdin : handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false })
    await eachLine(path.endsWith('.gz') ? unzipped(bytes) : (bytes as AsyncIterable<Uint8Array>), (line, isCut) => {
      if (isCut === true) intake.record('unreadable', account)
      else intake.line(line, account)
    })
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    const isCut = code.startsWith('Z_')
    account.problem = isCut ? 'is damaged, or not compressed by gzip' : fileErrorOf(path, error).fault
  } finally {
    await handle?.close()
  }
  return account
}

/** Opens a regular file. A named pipe never blocks. @throws FileError */
async function openRegular(path: string, account: InputAccount): Promise<FileHandle> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY)
  const stat = await handle.stat()
  if (!stat.isFile()) {
    await handle.close()
    throw new FileError(path, 'irregular', 'is not a regular file')
  }
  const [fault] = judgeFile(path, stat, CLASSIC)
  if (fault !== undefined) account.notes.push(`Others could have written lines into ${path}: it ${fault.message}.`)
  return handle
}

function unzipped(bytes: NodeJS.ReadableStream): AsyncIterable<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: CHUNK_BYTES })
  bytes.on('error', (error) => gunzip.destroy(error as Error))
  return bytes.pipe(gunzip)
}
