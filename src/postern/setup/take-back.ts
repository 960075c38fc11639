import { putConfigBack, putGuardBack } from '../../base/config-trial.ts'
import type { ConfigTrial, ConfigTrialFile } from '../../base/config-trial.ts'
import { Firewall } from '../../base/firewall.ts'
import { isOver } from '../../base/trial.ts'
import { readBootId } from '../../state/boot-clock.ts'
import { serviceOf } from './service.ts'

/**
 * Takes a trial back: stops the daemon, puts the previous config and guard back, and starts the daemon again if one ran
 * before. If this process is killed, the next one does it again.
 *
 * @returns the remarks for the operator; `undefined` if this trial is over already
 * @throws LockedError while another process has the lock, NftablesError
 */
export async function takeBack(id: string, file: ConfigTrialFile): Promise<readonly string[] | undefined> {
  const lock = file.lock()
  try {
    const trial = file.read()
    return trial?.id === id ? await end(trial, file) : undefined
  } finally {
    lock.release()
  }
}

/** Takes a trial back whose deadline has passed, as after all its processes were killed. The caller has the lock. */
export async function endOverdue(file: ConfigTrialFile): Promise<boolean> {
  const trial = file.read()
  if (trial === undefined || !isOver(trial)) return false
  await end(trial, file)
  return true
}

/** Takes a trial back. The caller has the lock. */
export async function end(trial: ConfigTrial, file: ConfigTrialFile): Promise<readonly string[]> {
  const service = serviceOf(trial.starter, file.config)
  const remarks: string[] = []
  // After a reboot there is neither the daemon of the trial nor its guard.
  const sameBoot = trial.boot === readBootId()
  if (sameBoot) await service.stop(trial.pid)
  const edited = putConfigBack(trial, file.config)
  if (edited !== undefined) remarks.push(`the config was edited during the trial: that text is in ${edited}`)
  if (sameBoot) await service.reread()
  if (sameBoot && trial.wasRunning) {
    const fault = await service.start()
    if (fault !== undefined) remarks.push(`knockd does not start with the previous config: ${fault}`)
  } else if (sameBoot) {
    const firewall = new Firewall()
    try {
      putGuardBack(trial, firewall)
    } finally {
      firewall.close()
    }
  }
  file.remove()
  return remarks
}
