import { setTimeout as pause } from 'node:timers/promises'
import { rollBack } from '../../../base/end-trial.ts'
import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import { sinceBoot } from '../../../base/trial.ts'
import type { Pending } from '../../../base/trial.ts'
import { LockedError } from '../../../state/lock.ts'

/** The longest sleep in milliseconds. It is short because the machine may be suspended meanwhile. */
const SLEEP_MAX_MS = 1_000
/** Milliseconds until a lock that another process holds is tried again. */
const AGAIN_MS = 50

/** Keeps the trial of a base ruleset: see {@link keepTrial}. */
export async function keep(id: string): Promise<void> {
  const files = new BaseFiles()
  await keepTrial(
    id,
    () => files.trial.read(),
    () => {
      const firewall = new Firewall()
      try {
        rollBack(id, files, firewall)
      } finally {
        firewall.close()
      }
    },
  )
}

/**
 * Waits until the deadline of a trial, and takes the trial back if it was not confirmed, again and again if that fails. It runs in a process of its
 * own, which a closed terminal does not end.
 *
 * @param id the id of the trial
 * @param takeBack throws LockedError while another process has the lock
 */
export async function keepTrial(
  id: string,
  read: () => Pending | undefined,
  takeBack: () => void | Promise<void>,
): Promise<void> {
  for (const signal of ['SIGHUP', 'SIGINT'] as const) process.on(signal, () => undefined)
  for (;;) {
    const trial = read()
    if (trial?.id !== id) return
    const left = trial.deadline - sinceBoot()
    if (left > 0) {
      await pause(Math.min(left, SLEEP_MAX_MS))
      continue
    }
    try {
      await takeBack()
      return
    } catch (error) {
      // Without the keeper the machine could stay shut.
      await pause(error instanceof LockedError ? AGAIN_MS : SLEEP_MAX_MS)
    }
  }
}
