import koffi from 'koffi'

/** prctl(2), of Linux alone. */
const PR_SET_NAME = 15

/**
 * Has ps(1) show a command line that begins with a name, and pidof(1), pgrep(1) and killall(1) find the process by it.
 * The kernel keeps 15 bytes of the name.
 */
export function nameProcess(name: string, argv: readonly string[]): void {
  process.title = [name, ...argv].join(' ')
  if (process.platform !== 'linux') return
  const prctl = koffi.load(null).func('int prctl(int option, const char *name, ...)')
  // Node.js gives the kernel the whole title.
  prctl(PR_SET_NAME, name)
}
