/** A command line that cannot be understood: nothing was sent, exit code 2. `hint` says what would be right. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly hint: string

  constructor(message: string, hint = 'see knock --help') {
    super(message)
    this.hint = hint
  }
}

/** What was asked for could not be done: exit code 1. `cause` keeps the system's error where there was one. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly hint: string | undefined

  constructor(message: string, hint?: string, cause?: unknown) {
    super(message, { cause })
    this.hint = hint
  }
}
