import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { sinceBoot } from '../../../base/trial.ts'
import type { Pending } from '../../../base/trial.ts'
import { LockedError } from '../../../state/lock.ts'

/** Milliseconds between two checks of whether the trial is over. */
const LOOK_MS = 100

/** The actions of a process that waits until a trial is over. */
export interface VerdictDeps {
  /** Returns the present trial. */
  readonly read: () => Pending | undefined
  /** Keeps what is on trial, and returns the exit code. */
  readonly confirm: () => Promise<number>
  /** Takes the trial back. @throws LockedError while another process has the lock, which may take it back */
  readonly takeBack: () => void | Promise<void>
}

/**
 * Waits until a trial is confirmed or taken back. Signals take it back at once. At the machine's own console, `yes`
 * confirms it.
 *
 * @returns the exit code of a confirmation that was typed here; `undefined` if the trial ended elsewhere
 */
export async function awaitVerdict(
  trial: Pending,
  { read, confirm, takeBack }: VerdictDeps,
): Promise<number | undefined> {
  let interrupted = false
  const interrupt = (): void => {
    interrupted = true
  }
  process.on('SIGINT', interrupt)
  process.on('SIGTERM', interrupt)
  const answers = trial.remote || !process.stdin.isTTY ? undefined : createInterface({ input: process.stdin })
  let yes = false
  answers?.on('line', (line) => (yes ||= line.trim().toLowerCase() === 'yes'))
  try {
    for (;;) {
      const now = read()
      if (now?.id !== trial.id) return undefined
      if (yes) return await confirm()
      // The keeper process may be gone.
      if (interrupted || sinceBoot() > now.deadline) await unlessLocked(takeBack)
      await pause(LOOK_MS)
    }
  } finally {
    answers?.close()
    process.off('SIGINT', interrupt)
    process.off('SIGTERM', interrupt)
  }
}

async function unlessLocked(takeBack: VerdictDeps['takeBack']): Promise<void> {
  try {
    await takeBack()
  } catch (error) {
    if (!(error instanceof LockedError)) throw error
  }
}
