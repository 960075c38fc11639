import { readdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { SpaProtocol } from '../../../config/config.ts'
import { faultsOfFolder } from '../../../file/faults.ts'
import { FileError, fileErrorOf } from '../../../file/file-error.ts'
import type { FilePolicy } from '../../../file/policy.ts'
import { SECRET } from '../../../file/policy.ts'
import { readPrivateText } from '../../../file/private-file.ts'
import { ACCESS_MAX_CHARS, readAccess } from '../access.ts'
import type { AccessReading } from '../access.ts'
import { readKeys } from '../key-file.ts'
import { INCLUDED_MAX_CHARS } from '../include.ts'
import type { AccessSource } from '../include.ts'
import type { Read } from '../../../text/read.ts'
import type { Stanza } from '../stanza.ts'
import { piecesOf } from '../../../text/lines.ts'

/** The maximum length of all texts together, in UTF-16 units. Beyond it, no further files of stanzas in force are read. */
const TEXTS_MAX_CHARS = ACCESS_MAX_CHARS + 2 * INCLUDED_MAX_CHARS

/** The content of an access.conf or a file of keys, with everything that it includes. */
export interface AccessFile extends AccessReading {
  /** The absolute paths of included files, also of missing ones. */
  readonly files: readonly string[]
  /** The folders whose files are included. */
  readonly folders: readonly string[]
  /** The text of all files. */
  readonly text: string
  /**
   * Returns true if a stanza or its keys are in a file that exists but was not read. Its current content is unknown.
   */
  readonly isUnread: (stanza: Stanza) => boolean
}

/**
 * Reads an access.conf and the files that it includes. With `fwknop-keys`, it reads a file of keys, which includes
 * nothing.
 *
 * @param policy the policy for all files; {@link ANYBODYS} reads them despite wrong permissions
 * @param before the stanzas in force; their files are read even if an error keeps them from being included
 * @throws FileError if the file itself cannot be read; problems of included files are among the faults
 */
export function readAccessFile(
  path: string,
  protocol: SpaProtocol,
  policy: FilePolicy = SECRET,
  before: readonly Stanza[] = [],
): AccessFile {
  const read = (from: string): string => readPrivateText(from, ACCESS_MAX_CHARS, policy)
  const texts = [read(path)]
  const [files, folders, unread] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const attempt = <T>(from: string, work: () => T): Read<T> => {
    try {
      return { value: work() }
    } catch (error) {
      const { reason, fault: message, hint } = fileErrorOf(from, error)
      if (reason !== 'missing') unread.add(from)
      return { message, hint }
    }
  }
  const source: AccessSource = {
    path: resolve(path),
    resolve: (each) => resolve(each),
    text: (from) => {
      files.add(from)
      return attempt(from, () => texts[texts.push(read(from)) - 1]!)
    },
    names: (from) => {
      folders.add(from)
      return attempt(from, () => {
        // Anyone who can write to the folder decides who has a key.
        const [first] = policy.forbidden === 0 ? [] : faultsOfFolder(from)
        if (first !== undefined) throw new FileError(from, 'unsafe', first.message, first.cure)
        return readdirSync(from)
      })
    },
  }
  const reading = protocol === 'fwknop-keys' ? readKeys(texts[0]!) : readAccess(texts[0]!, source)
  if (reading.faults.some(({ severity }) => severity === 'error')) {
    const left = new Set(before.flatMap(filesOf))
    for (;;) {
      const named = new Set(texts.flatMap(pathsIn))
      const next = [...left].find((each) => !files.has(each) && (named.has(each) || named.has(dirname(each))))
      if (next === undefined) break
      if (texts.reduce((sum, { length }) => sum + length, 0) <= TEXTS_MAX_CHARS) source.text(next)
      else unread.add(next)
      files.add(next)
    }
  }
  const isUnread = (stanza: Stanza): boolean =>
    filesOf(stanza).some((each) => [...unread].some((one) => each === one || each.startsWith(`${one}/`)))
  return { ...reading, files: [...files], folders: [...folders], text: texts.join('\n'), isUnread }
}

/** The files that a stanza and its keys came from, but for the access.conf itself. */
function filesOf({ file, keyFiles = [] }: Stanza): readonly string[] {
  return [...(file === undefined ? [] : [file]), ...keyFiles]
}

/** The paths that lines name, whatever the word ahead of them is. */
function pathsIn(text: string): readonly string[] {
  return piecesOf(text).flatMap((piece) => {
    if (piece.startsWith(';')) return []
    const [line = ''] = piece.split(';', 1)
    return [line.replace(/^\S+\s+/, ''), line.slice(line.indexOf('/'))].map((path) => resolve(path.trim()))
  })
}
