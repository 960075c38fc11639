import { performance } from 'node:perf_hooks'

/** Microseconds in a millisecond. */
const MS_US = 1_000

/** CPU time in microseconds, from getrusage(2). */
interface Used {
  readonly user: number
  readonly system: number
}

/** `threadCpuUsage` came with Node.js 23.9; before, only the CPU time of all threads is known. */
const { threadCpuUsage } = process as { readonly threadCpuUsage?: () => Used }
const usage = (): Used => threadCpuUsage?.call(process) ?? process.cpuUsage()

/**
 * Returns the time of this thread: milliseconds in which it had a CPU or waited for events. Time in which it waits for
 * a CPU, because other programs have it, does not count. So a share of this time is a share of what the thread gets,
 * however busy the machine is.
 */
export function threadTime(): number {
  const { user, system } = usage()
  return (user + system) / MS_US + performance.nodeTiming.idleTime
}
