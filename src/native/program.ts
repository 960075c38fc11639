/** The end of a program: its exit status, or the signal that ended it; neither if the system did not tell. */
export interface ProgramEnd {
  readonly status?: number | undefined
  readonly signal?: string | undefined
}

/** A program that runs in a session of its own. */
export interface Program {
  readonly pid: number
  /** Resolves when the program itself has ended. Never rejects. */
  readonly ended: Promise<ProgramEnd>
  /** Resolves when its output is read to the end. After its end, its children may go on printing. Never rejects. */
  readonly read: Promise<void>
  /** Closes the reading end of its output. Later writers get SIGPIPE. */
  release(): void
}

/** The functions that start programs, by posix_spawn(3) or by Node.js, obey one contract. */
export interface StartProgram {
  /**
   * Starts a program with descriptors 0, 1 and 2 and no others, default signals and no blocked ones. Resolves once it
   * runs. Rejects with the system's error if it cannot be run; then nothing has run.
   *
   * @param words the path of the program and its arguments
   * @param output called with each part of what it prints, on either stream; the bytes are valid during the call only
   * @param input the text on its standard input; absent: `/dev/null`
   */
  (
    words: readonly string[],
    environment: Readonly<Record<string, string | undefined>>,
    output: (bytes: Uint8Array) => void,
    input?: string,
  ): Promise<Program>
}
