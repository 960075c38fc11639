import koffi from './koffi.ts'
import { markCloseOnExec } from './close-on-exec.ts'
import { errorName } from './libc.ts'

/** The process already has libc's functions. */
const libc = koffi.load(null)

// execve(2), fcntl(2): POSIX.1-2008. pipe2(2): Linux.
const execve = libc.func('int execve(const char *path, const char **words, const char **environment)')
const fcntl = libc.func('int fcntl(int fd, int command, ...)')
const pipe2 = libc.func('int pipe2(_Out_ int *fds, int flags)')

/** `<fcntl.h>`, the same numbers on all systems but for the last one, which is Linux's. */
const F_SETFD = 2
const STANDARD = [0, 1, 2]
const O_CLOEXEC = 0o2000000

/**
 * Replaces the program of this process by another one. The process id stays, all threads but this one end, and
 * descriptors other than 0, 1, 2 and `kept` are closed. It returns only by throwing.
 *
 * @throws Error with the system's error as `code`
 */
export function execute(
  path: string,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  kept: readonly number[],
): never {
  const variables = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  )
  markCloseOnExec()
  // Node.js marks its standard streams, too.
  for (const fd of [...STANDARD, ...kept]) fcntl(fd, F_SETFD, 'int', 0)
  execve(path, [...words, null], [...variables, null])
  const code = errorName()
  markCloseOnExec()
  throw Object.assign(new Error(`cannot run ${path}: ${code}`), { code })
}

/** Opens a pipe whose ends are closed on exec. @throws Error with the system's error as `code` */
export function openPipe(): readonly [from: number, to: number] {
  const fds: [number, number] = [-1, -1]
  if (pipe2(fds, O_CLOEXEC) === 0) return fds
  const code = errorName()
  throw Object.assign(new Error(`cannot open a pipe: ${code}`), { code })
}
