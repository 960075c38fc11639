/**
 * The exit codes of all programs. The programs in bin end with a few more before anything is loaded (node.ts) and when
 * their output is lost (output.ts).
 */

/** Done. For a check: there are no problems. */
export const DONE = 0
/** Not done. For a check: there are problems. */
export const FAILED = 1
/** The command line cannot be used; nothing was done. */
export const USAGE = 2
/** Nothing was done, because it is so already. */
export const UNCHANGED = 3
/** Done, but a running daemon has not taken the change. */
export const NOT_IN_FORCE = 4
/** Standard output takes nothing any more, a full disk or `/dev/full`: sysexits(3)'s EX_IOERR. */
export const OUTPUT_LOST = 74
/** The config cannot be used: sysexits(3)'s EX_CONFIG. */
export const CONFIG_UNUSABLE = 78
/** Ended by a signal: 128 and its number, as shells show it (POSIX shell, 2.8.2). */
export const SIGNALLED = { SIGHUP: 129, SIGINT: 130, SIGPIPE: 141, SIGTERM: 143 } as const
