import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { faultsOfFolder } from '../../file/faults.ts'
import { FileError, fileErrorOf } from '../../file/file-error.ts'
import type { FilePolicy } from '../../file/policy.ts'
import { SECRET } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { ACCESS_MAX_CHARS, readAccess } from '../../spa/fwknop/access.ts'
import type { AccessReading } from '../../spa/fwknop/access.ts'
import { readKeys } from '../../spa/fwknop/key-file.ts'
import type { AccessSource } from '../../spa/fwknop/include.ts'
import type { Value } from '../../spa/fwknop/settings.ts'
import type { Stanza } from '../../spa/fwknop/stanza.ts'

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
 * @throws FileError if the file itself cannot be read; problems of included files are among the faults
 */
export function readAccessFile(
  path: string,
  protocol: 'fwknop' | 'fwknop-keys',
  policy: FilePolicy = SECRET,
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
        // Anyone who can write to the folder decides who has a key.
        const [first] = policy.forbidden === 0 ? [] : faultsOfFolder(from)
        if (first !== undefined) throw new FileError(from, 'unsafe', first.message, first.cure)
        return readdirSync(from)
      })
    },
  }
  const reading = protocol === 'fwknop-keys' ? readKeys(texts[0]!) : readAccess(texts[0]!, source)
  const isUnread = ({ file, keyFiles = [] }: Stanza): boolean =>
    [...(file === undefined ? [] : [file]), ...keyFiles].some((each) =>
      [...unread].some((one) => each === one || each.startsWith(`${one}/`)),
    )
  return { ...reading, files: [...files], folders: [...folders], text: texts.join('\n'), isUnread }
}
