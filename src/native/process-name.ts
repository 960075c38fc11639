import koffi from './koffi.ts'

/** prctl(2), Linux only. */
const PR_SET_NAME = 15

/** Sets the name of the process for ps(1), pidof(1), pgrep(1) and killall(1). The kernel keeps 15 bytes of the name. */
export function nameProcess(name: string, argv: readonly string[]): void {
  process.title = [name, ...argv].join(' ')
  if (process.platform !== 'linux') return
  const prctl = koffi.load(null).func('int prctl(int option, const char *name, ...)')
  // Node.js gives the whole title to the kernel.
  prctl(PR_SET_NAME, name)
}
