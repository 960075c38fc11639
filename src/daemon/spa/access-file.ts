import { readdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { faultsOfFolder } from '../../file/faults.ts'
import { FileError, fileErrorOf } from '../../file/file-error.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { ACCESS_MAX_CHARS, readAccess } from '../../spa/fwknop/access.ts'
import type { AccessReading } from '../../spa/fwknop/access.ts'
import { readKeys } from '../../spa/fwknop/key-file.ts'
import { INCLUDED_MAX_CHARS } from '../../spa/fwknop/include.ts'
import type { AccessSource } from '../../spa/fwknop/include.ts'
import type { Value } from '../../spa/fwknop/settings.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'
import { piecesOf } from '../../text/lines.ts'

/** Longest that all texts may be together before no file is read any more for whose keys it holds, in UTF-16 units. */
const TEXTS_MAX_CHARS = ACCESS_MAX_CHARS + 2 * INCLUDED_MAX_CHARS

/** An access.conf, or a file of keys, as it was read, and everything that was read for it. */
export interface AccessFile extends AccessReading {
  /** Files that are included or should be, by absolute path. */
  readonly files: readonly string[]
  /** Folders whose files are included. */
  readonly folders: readonly string[]
  /** The text of all files. */
  readonly text: string
  /** Whether a stanza is, or has keys, in a file that is there but was not read: what is in it now is not known. */
  readonly isUnread: (stanza: Stanza) => boolean
}

/**
 * Reads an access.conf and the files that it includes; `fwknop-keys`: a file of keys, which includes nothing.
 *
 * @param policy of all of them; {@link ANYBODYS} to see what is in them whatever is wrong with their permissions
 * @param before stanzas in force: their files are read as well where an error keeps them from being included
 * @throws FileError where the file itself cannot be read; what is wrong with others is a fault among the others
 */
export function readAccessFile(
  path: string,
  protocol: 'fwknop' | 'fwknop-keys',
  policy: FilePolicy = SECRET,
  before: readonly Stanza[] = [],
): AccessFile {
  const read = (from: string): string => readPrivateText(from, ACCESS_MAX_CHARS, policy)
  const texts = [read(path)]
  const [files, folders, unread] = [new Set<string>(), new Set<string>(), new Set<string>()]
  const attempt = <T>(from: string, work: () => T): Value<T> => {
    try {
      return { value: work() }
    } catch (error) {
      const { reason, fault, hint } = fileErrorOf(from, error)
      if (reason !== 'missing') unread.add(from)
      return { fault, ...(hint === undefined ? {} : { hint }) }
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
        // Whoever can write to the folder says who has a key.
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
