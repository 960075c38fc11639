import { readFileSync, readdirSync } from 'node:fs'

/** Nanoseconds in a millisecond. */
const NS_PER_MS = 1e6
const KIB_PER_MIB = 1_024

/** What a process has used up to now. */
export interface Usage {
  /** Milliseconds of CPU, all threads. */
  readonly cpuMs: number
  /** Times that a thread of it gave the CPU back to wait: how often it was woken. */
  readonly wakeUps: number
  /** When this was looked at, milliseconds. */
  readonly at: number
}

/** Looks at a process (proc(5); the scheduler's own figures, to the nanosecond). Threads that ended are not in it. */
export function usageOf(pid: number): Usage {
  let cpuMs = 0
  let wakeUps = 0
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`
    cpuMs += Number(readFileSync(`${folder}/schedstat`, 'utf8').split(' ')[0]) / NS_PER_MS
    wakeUps += field(`${folder}/status`, 'voluntary_ctxt_switches')
  }
  return { cpuMs, wakeUps, at: performance.now() }
}

/** Memory of a process in MiB: what it has now, or had at most. */
export function memoryOf(pid: number, which: 'now' | 'peak'): number {
  return field(`/proc/${pid}/status`, which === 'now' ? 'VmRSS' : 'VmHWM') / KIB_PER_MIB
}

function field(file: string, name: string): number {
  const text = readFileSync(file, 'utf8')
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)
}
