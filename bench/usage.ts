import { readFileSync, readdirSync } from 'node:fs'

/** Nanoseconds in a millisecond. */
const NS_PER_MS = 1e6
const KIB_PER_MIB = 1_024

/** The resources that a process has used since its start. */
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

/** Memory that only one process has, in MiB. */
export interface Private {
  /** Heaps, stacks and data that it has written. The kernel cannot drop them. */
  readonly ownMiB: number
  /** The packet buffers of its captures, which are the kernel's memory mapped into it. */
  readonly ringMiB: number
}

/**
 * Private memory of a process (proc(5), smaps). Pages of mapped files that it did not write are left out: they are the
 * system's cache, and private only as long as no other process maps the same file.
 */
export function privateOf(pid: number): Private {
  let [ownKiB, ringKiB, isRing] = [0, 0, false]
  for (const line of readFileSync(`/proc/${pid}/smaps`, 'utf8').split('\n')) {
    const [, name, kib] = /^(\w+): +(\d+) kB$/.exec(line) ?? []
    if (name === undefined) {
      if (/^[0-9a-f]+-/.test(line)) isRing = line.includes(' socket:[')
    } else if (isRing && name === 'Rss') ringKiB += Number(kib)
    else if (!isRing && name === 'Private_Dirty') ownKiB += Number(kib)
  }
  return { ownMiB: ownKiB / KIB_PER_MIB, ringMiB: ringKiB / KIB_PER_MIB }
}

/** Memory of a process in MiB: what it has now, or had at most. */
export function memoryOf(pid: number, which: 'now' | 'peak'): number {
  return field(`/proc/${pid}/status`, which === 'now' ? 'VmRSS' : 'VmHWM') / KIB_PER_MIB
}

function field(file: string, name: string): number {
  const text = readFileSync(file, 'utf8')
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1] ?? Number.NaN)
}
