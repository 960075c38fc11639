/** An invalid command line. Nothing was sent; the exit code is 2, and `hint` says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string

  constructor(message: string, hint = 'see knock --help') {
    super(message)
    this.hint = hint
  }
}

/** A request that failed; the exit code is 1. The system's error, if any, is in `cause`. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}
