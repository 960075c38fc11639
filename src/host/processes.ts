import { readFileSync } from 'node:fs'

/** Processes above this one that are asked at most. */
const ANCESTORS_MAX = 32

/** A process, as proc(5) shows it. */
export interface AncestorProcess {
  /** What the kernel calls it: at most 15 bytes of its program's name, unless it chose another (`comm`). */
  readonly name: string
  /** What it was started with, as `NAME=value`; empty where it may not be read. */
  readonly environment: readonly string[]
}

/** This process and those above it, from the bottom up. Linux alone; elsewhere only this one. */
export function ancestry(): readonly AncestorProcess[] {
  const chain: AncestorProcess[] = []
  // The first process of all has nobody above it; in a container that may be this one.
  for (let pid = process.pid; (pid > 1 || chain.length === 0) && chain.length < ANCESTORS_MAX;) {
    const status = read(`/proc/${pid}/status`)
    // Its own environment is what it has now: a program started by this one is asked for what it was given.
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
