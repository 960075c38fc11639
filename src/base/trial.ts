import { uptime } from 'node:os'
import { readBootId } from '../state/boot-clock.ts'
import type { Confirmed } from './confirmed.ts'
import { RecordFile } from './root-file.ts'

/** The folder of sockets and trials. Others may see that it exists. */
const FOLDER_MODE = 0o755

/** A change that is in force until its deadline, unless it is confirmed. */
export interface Pending {
  readonly id: string
  /** The boot in which the trial began. */
  readonly boot: string | undefined
  /** The time when it is taken back, in milliseconds since the machine was started. */
  readonly deadline: number
  /** True if the trial began over ssh. `connections` holds the TCP connections at that time. */
  readonly remote: boolean
  /** True if that connection came from this machine, as through a tunnel, so that one more is as good as the first. */
  readonly isLocal?: boolean
  readonly connections: readonly string[]
}

/** A base ruleset on trial. */
export interface Trial extends Pending {
  /** The previous table; `undefined`: there was none. */
  readonly before: string | undefined
  /** The record to write when the trial is confirmed. */
  readonly confirmed: Confirmed
  /** The guard without openings, for a host that has no guard. */
  readonly guard: string
}

/** Returns the milliseconds since the machine was started, including time asleep. */
export function sinceBoot(): number {
  return uptime() * 1000
}

/** Returns true if the trial's time is over. The rules of an earlier boot no longer exist. */
export function isOver({ boot, deadline }: Pick<Pending, 'boot' | 'deadline'>): boolean {
  return boot !== readBootId() || deadline <= sinceBoot()
}

/** The file of the present trial. */
export class TrialFile<Kind extends Pending = Trial> extends RecordFile<Kind> {
  constructor(path: string) {
    super(path, FOLDER_MODE)
  }

  /** Reads the trial; `undefined`: there is no trial, or it cannot be used. */
  read(): Kind | undefined {
    try {
      const text = this.text()
      const trial = text === undefined ? undefined : (JSON.parse(text) as Partial<Pending> | null)
      return typeof trial?.id === 'string' && Number.isFinite(trial.deadline) ? (trial as Kind) : undefined
    } catch {
      return undefined
    }
  }
}
