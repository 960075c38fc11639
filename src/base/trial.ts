import { uptime } from 'node:os'
import { readBootId } from '../state/boot-clock.ts'
import type { Confirmed } from './confirmed.ts'
import { readRootFile, removeRootFile, writeRootFile } from './root-file.ts'

/** Others may know that the folder of sockets and trials is there. */
const FOLDER_MODE = 0o755

/** A base ruleset that is in force until its deadline, unless it is confirmed. */
export interface Trial {
  readonly id: string
  /** The boot it belongs to. */
  readonly boot: string | undefined
  /** When it is taken back, milliseconds since the machine was started. */
  readonly deadline: number
  /** The table as it was before; `undefined`: there was none. */
  readonly before: string | undefined
  /** What is written down when it is confirmed. */
  readonly confirmed: Confirmed
  /** The guard with nothing open, for a host without one. */
  readonly guard: string
  /** Whether it was applied over ssh, and the TCP connections that there were then. */
  readonly remote: boolean
  readonly connections: readonly string[]
}

/** Milliseconds since the machine was started, time asleep included. */
export function sinceBoot(): number {
  return uptime() * 1000
}

/** Whether its time is over. One of an earlier boot has gone with its rules. */
export function isOver({ boot, deadline }: Trial): boolean {
  return boot !== readBootId() || deadline <= sinceBoot()
}

/** Where the trial under way is written down. */
export class TrialFile {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** What is there; `undefined`: nothing, or nothing of use. */
  read(): Trial | undefined {
    try {
      const text = readRootFile(this.path)
      const trial = text === undefined ? undefined : (JSON.parse(text) as Partial<Trial> | null)
      return typeof trial?.id === 'string' && Number.isFinite(trial.deadline) ? (trial as Trial) : undefined
    } catch {
      return undefined
    }
  }

  /** Puts something else in its place, in one step. @throws the system's error: it is what it was */
  write(trial: Trial): void {
    writeRootFile(this.path, JSON.stringify(trial), FOLDER_MODE)
  }

  remove(): void {
    removeRootFile(this.path)
  }
}
