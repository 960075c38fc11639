import { FAILED } from './exit-code.ts'
import type { Output } from './output.ts'

/** An invalid command line. Nothing was done; the exit code is 2, and `hint` says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}

/** A command that failed; the exit code is 1. The system's error, if any, is in `cause`. */
export class Failure extends Error {
  readonly hint: string | undefined

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}

/** Formats a fault as the programs print it: the hint is on a line of its own. */
export function faultText(program: string, message: string, hint?: string): string {
  return `${program}: ${message}\n${hint === undefined ? '' : `  ${hint}\n`}`
}

/**
 * Prints the reason why a subcommand of `postern` failed, whatever the error is, and returns the exit code. A wrong
 * command line is for the caller. @throws UsageError
 */
export function failed(error: unknown, output: Output): number {
  if (error instanceof UsageError) throw error
  const { message, hint } = error as Failure
  // The message of a FileError ends with its hint.
  const end = hint === undefined ? '' : `\n${hint}`
  output.err(
    faultText('postern', message.endsWith(end) ? message.slice(0, message.length - end.length) : message, hint),
  )
  return FAILED
}
