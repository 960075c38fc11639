import { Failure } from '../../cli/fault.ts'
import type { FileOwner } from '../../file/owner.ts'
import { withClaims } from './claim.ts'
import { readOriginal, realPath, replaceAll } from './replacement.ts'
import type { Original, Replacement } from './replacement.ts'
import type { UsersFile } from './users-file.ts'
import { readContent } from './users-format.ts'
import type { FileContent } from './users-format.ts'

/** A file of users that was read. */
export interface OpenedFile extends UsersFile {
  readonly original: Original
  /** The bytes as a text with one character for each. */
  readonly bytes: string
  readonly text: string
  readonly content: FileContent
}

/** A file with an edited text. */
export interface EditedFile {
  readonly file: OpenedFile
  readonly bytes: string
  readonly text: string
  readonly content: FileContent
}

/** Reads a file as the daemon does. A file that is missing is empty. @throws FileError */
export function openedFile(file: UsersFile): OpenedFile {
  const original = readOriginal(file.path, file.format)
  const text = original.bytes.toString('utf8')
  return { ...file, original, bytes: original.bytes.toString('latin1'), text, content: readContent(file.format, text) }
}

/** Reads an edited text as the daemon would. @throws Failure if it is too large for the daemon */
export function editedFile(file: OpenedFile, bytes: string): EditedFile {
  const { format, path } = file
  if (bytes.length > format.maxBytes)
    throw new Failure(`${path} would be too large`, `at most ${format.maxBytes} bytes`)
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return { file, bytes, text, content: readContent(format, text) }
}

/**
 * Claims files, reads, edits and replaces them.
 *
 * @param owner returns the owner of a file that is missing
 * @param edit returns the edited files; none: nothing is written
 * @param replace replaces the files, as {@link replaceAll} does
 * @returns what `edit` returned, and the reasons why a change may not survive a power cut
 * @throws Failure or FileError; nothing has changed then
 */
export async function withFiles<T extends { readonly edited: readonly EditedFile[] }>(
  files: readonly UsersFile[],
  owner: () => FileOwner,
  edit: (opened: readonly OpenedFile[]) => T,
  replace: (all: readonly Replacement[]) => Promise<readonly string[]> = replaceAll,
): Promise<T & { readonly doubts: readonly string[] }> {
  const paths = files.map(({ path }) => realPath(path))
  return await withClaims(paths, async (claims) => {
    const done = edit(files.map(openedFile))
    const all = done.edited.map(({ file: { original, format, path }, bytes }): Replacement => {
      const claim = claims.get(original.real)
      if (claim === undefined) throw new Failure(`${path} was changed meanwhile`, 'run this again')
      return { claim, original, bytes: Buffer.from(bytes, 'latin1'), bounds: format, owner }
    })
    return { ...done, doubts: await replace(all) }
  })
}
