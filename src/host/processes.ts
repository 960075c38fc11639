import { readFileSync } from 'node:fs'

/** Most ancestors of this process that are read. */
const ANCESTORS_MAX = 32

/** A process, as proc(5) shows it. */
export interface AncestorProcess {
  /** The kernel's name for it (`comm`): at most 15 bytes of its program's name, unless it chose another. */
  readonly name: string
  /** The environment it was started with, as `NAME=value`; empty if permission is missing. */
  readonly environment: readonly string[]
}

/** Returns this process and its ancestors, from the bottom up. Systems other than Linux give this process only. */
export function ancestry(): readonly AncestorProcess[] {
  const chain: AncestorProcess[] = []
  // The first process has no parent; in a container this process may be the first.
  for (let pid = process.pid; (pid > 1 || chain.length === 0) && chain.length < ANCESTORS_MAX;) {
    const status = read(`/proc/${pid}/status`)
    // /proc shows the environment at the start of a process. This process uses its present one.
    const own = Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ''}`)
    const environment = pid === process.pid ? own : read(`/proc/${pid}/environ`).split('\0')
    chain.push({ name: /^Name:\t(.*)$/m.exec(status)?.[1] ?? '', environment })
    pid = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return chain
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
