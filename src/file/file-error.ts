import { getSystemErrorMap } from 'node:util'

/** The reason why a file is refused. */
export type FileErrorReason = 'missing' | 'forbidden' | 'irregular' | 'too large' | 'unsafe' | 'unreadable'

/** A file is refused. The message begins with its path; a hint, such as a command, has its own line. */
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

/** Turns the system's error into a FileError. */
export function fileErrorOf(path: string, error: unknown): FileError {
  if (error instanceof FileError) return error
  const { code } = error as NodeJS.ErrnoException
  const [reason, fault] = WORDS[code ?? ''] ?? (['unreadable', `cannot be read: ${code ?? String(error)}`] as const)
  return new FileError(path, reason, fault, undefined, error)
}

/** Returns the system's words for its error, as in `permission denied`, or the message of any other error. */
export function reasonOf(error: unknown): string {
  const { errno, message } = error as NodeJS.ErrnoException
  return getSystemErrorMap().get(errno ?? 0)?.[1] ?? message
}

/**
 * Makes an error of the form `cannot WHAT: REASON`. It keeps the system's code.
 *
 * @param what the words after `cannot`, as in `create /x`
 * @param hints the hints, by the system's code
 */
export function cannot(what: string, error: unknown, hints: Readonly<Record<string, string>> = {}): Error {
  const { code = '' } = error as NodeJS.ErrnoException
  const hint = hints[code]
  const message = `cannot ${what}: ${reasonOf(error)}${hint === undefined ? '' : `\n  ${hint}`}`
  return Object.assign(new Error(message, { cause: error }), { code })
}

/** Reasons and messages for the errors of open(2), stat(2) and readlink(2). */
const WORDS: Readonly<Record<string, readonly [FileErrorReason, string]>> = {
  ENOENT: ['missing', 'no such file'],
  ENOTDIR: ['missing', 'no such file'],
  EACCES: ['forbidden', 'permission denied'],
  EPERM: ['forbidden', 'permission denied'],
  EISDIR: ['irregular', 'is not a regular file'],
  ENXIO: ['irregular', 'is not a regular file'],
  ELOOP: ['unreadable', 'too many symbolic links'],
}
