import { constants } from 'node:os'
import koffi from './koffi.ts'
import { closeDescriptor } from './libc.ts'
import type { ProgramEnd } from './program.ts'
import { watchReadable } from './watch.ts'

/** The number of pidfd_open(2), which glibc wraps since 2.36 only. It is the same on all architectures of Node.js. */
const SYS_PIDFD_OPEN = 434
/** `<sys/wait.h>`, waitid(2). */
const P_PID = 1
const P_PIDFD = 3
const WNOHANG = 1
const WEXITED = 4
const CLD_EXITED = 1
/**
 * siginfo_t has 128 bytes: three ints, of which the third is the code; then, aligned as a pointer is, process, user and
 * status.
 */
const SIGINFO_INTS = 32
const CODE_AT = 2
const STATUS_AT = koffi.sizeof('void *') === 8 ? 6 : 5
/** Milliseconds between two looks at a process of which no descriptor could be opened. */
const LOOK_MS = 50

const libc = koffi.load(null)
// syscall(2): variadic.
const syscall = libc.func('long syscall(long number, ...)')
const waitid = libc.func('int waitid(int type, uint32_t id, void *information, int options)')

function openProcess(pid: number): number {
  return Number(syscall(SYS_PIDFD_OPEN, 'int', pid, 'unsigned int', 0))
}

/** Returns true if the system has descriptors of processes (Linux 5.3) and can wait by them (5.4). */
export function hasProcessDescriptors(): boolean {
  const fd = openProcess(process.pid)
  if (fd < 0) return false
  waitid(P_PIDFD, fd, new Int32Array(SIGINFO_INTS), WEXITED | WNOHANG)
  const error = koffi.errno()
  closeDescriptor(fd)
  // A process is not its own child. A kernel without this kind of waiting answers EINVAL.
  return error === constants.errno.ECHILD
}

/**
 * Resolves when a child process has ended, and reaps it. libuv reaps only the children that it has started itself, each
 * by its number, so the two do not interfere. Never throws.
 *
 * @param open returns the descriptor of a process, or a negative number: all descriptors may be in use
 */
export async function endOf(pid: number, open = openProcess): Promise<ProgramEnd> {
  return await new Promise((resolve) => {
    const stop = watchProcess(pid, open, (type, id) => {
      const end = reap(type, id)
      if (end === undefined) return
      stop()
      resolve(end)
    })
  })
}

/** Calls back from the event loop when a process may have ended. Returns the function that ends this. */
function watchProcess(
  pid: number,
  open: (pid: number) => number,
  look: (type: number, id: number) => void,
): () => void {
  const fd = open(pid)
  if (fd >= 0) {
    const watch = watchReadable(fd, () => look(P_PIDFD, fd))
    return () => {
      watch.close()
      closeDescriptor(fd)
    }
  }
  const timer = setInterval(() => look(P_PID, pid), LOOK_MS)
  return () => clearInterval(timer)
}

/** Reaps a process. Returns `undefined` while it runs. */
function reap(type: number, id: number): ProgramEnd | undefined {
  const information = new Int32Array(SIGINFO_INTS)
  if (waitid(type, id, information, WEXITED | WNOHANG) !== 0) {
    return koffi.errno() === constants.errno.EINTR ? undefined : {}
  }
  const [code, status] = [information[CODE_AT], information[STATUS_AT]!]
  if (code === 0) return undefined
  return code === CLD_EXITED ? { status } : { signal: signalName(status) }
}

function signalName(number: number): string {
  return Object.entries(constants.signals).find(([, each]) => each === number)?.[0] ?? `signal ${number}`
}
