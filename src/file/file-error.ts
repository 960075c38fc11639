/** Why a file is not taken. */
export type FileErrorReason = 'missing' | 'forbidden' | 'irregular' | 'too large' | 'unsafe' | 'unreadable'

/** A file that is not taken. The message begins with its path; a hint, such as a command, has a line of its own. */
export class FileError extends Error {
  readonly path: string
  readonly reason: FileErrorReason
  /** The message without path and hint: lower case, no full stop. */
  readonly fault: string
  readonly hint: string | undefined

  constructor(path: string, reason: FileErrorReason, fault: string, hint?: string, cause?: unknown) {
    super(`${path}: ${fault}${hint === undefined ? '' : `\n${hint}`}`, { cause })
    this.name = 'FileError'
    this.path = path
    this.reason = reason
    this.fault = fault
    this.hint = hint
  }
}

/** The system's error in words. */
export function fileErrorOf(path: string, error: unknown): FileError {
  if (error instanceof FileError) return error
  const { code } = error as NodeJS.ErrnoException
  const [reason, fault] = WORDS[code ?? ''] ?? (['unreadable', `cannot be read: ${code ?? String(error)}`] as const)
  return new FileError(path, reason, fault, undefined, error)
}

/** What open(2), stat(2) and readlink(2) say. */
const WORDS: Readonly<Record<string, readonly [FileErrorReason, string]>> = {
  ENOENT: ['missing', 'no such file'],
  ENOTDIR: ['missing', 'no such file'],
  EACCES: ['forbidden', 'permission denied'],
  EPERM: ['forbidden', 'permission denied'],
  EISDIR: ['irregular', 'is no regular file'],
  ENXIO: ['irregular', 'is no regular file'],
  ELOOP: ['unreadable', 'too many symbolic links'],
}
