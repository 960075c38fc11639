import { REMOVE_BASE } from '../firewall/base/ruleset.ts'
import type { BaseFiles } from './files.ts'
import type { Firewall as BaseFirewall } from './firewall.ts'
import { isOver } from './trial.ts'
import type { Trial } from './trial.ts'
import { readBootId } from '../state/boot-clock.ts'

/** All that ending a trial needs of the firewall. */
type Firewall = Pick<BaseFirewall, 'run'>

/** What became of a trial. */
export type Ended = 'confirmed' | 'taken back'

/**
 * Ends a trial whose files are locked. A trial that is written down as confirmed is finished as such: whoever confirmed it may
 * have been killed before the kernel was told. Any other gives way to what was there before it.
 *
 * @throws NftablesError: nothing has changed
 */
export function endTrial(trial: Trial, files: BaseFiles, firewall: Firewall): Ended {
  const confirmed = files.confirmed.readIfUsable()
  if (confirmed?.id === trial.id) {
    firewall.run(confirmed.rules)
    files.trial.remove()
    return 'confirmed'
  }
  // Written down until the kernel has the old rules: killed in between, this is done again.
  firewall.run(`${REMOVE_BASE}${trial.before ?? ''}`)
  files.trial.remove()
  return 'taken back'
}

/**
 * Ends a trial whose time is over, because all its processes were killed. `undefined`: there was none. The files are locked.
 *
 * @throws NftablesError: nothing has changed
 */
export function endOverdue(files: BaseFiles, firewall: Firewall): Ended | undefined {
  const trial = files.trial.read()
  if (trial === undefined || !isOver(trial)) return undefined
  if (trial.boot === readBootId()) return endTrial(trial, files, firewall)
  // Its rules went with its boot.
  files.trial.remove()
  return undefined
}

/** Takes back the trial with this id, if it is one still. @throws NftablesError, LockedError */
export function rollBack(id: string, files: BaseFiles, firewall: Firewall): Ended | undefined {
  const lock = files.lock()
  try {
    const trial = files.trial.read()
    return trial?.id === id ? endTrial(trial, files, firewall) : undefined
  } finally {
    lock.release()
  }
}
