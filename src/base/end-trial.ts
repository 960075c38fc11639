import { REMOVE_BASE } from '../firewall/base/ruleset.ts'
import type { BaseFiles } from './files.ts'
import type { Firewall as BaseFirewall } from './firewall.ts'
import { isOver } from './trial.ts'
import type { Trial } from './trial.ts'
import { readBootId } from '../state/boot-clock.ts'

/** The firewall functions that ending a trial needs. */
type Firewall = Pick<BaseFirewall, 'run'>

/** The result of ending a trial. */
export type Ended = 'confirmed' | 'taken back'

/**
 * Ends a trial whose files are locked. A trial that is recorded as confirmed is completed: the operator's process may
 * have been killed before the kernel got the rules. Any other trial is replaced by the previous rules.
 *
 * @throws NftablesError; nothing has changed then
 */
export function endTrial(trial: Trial, files: BaseFiles, firewall: Firewall): Ended {
  const confirmed = files.confirmed.readIfUsable()
  if (confirmed?.id === trial.id) {
    firewall.run(confirmed.rules)
    files.trial.remove()
    return 'confirmed'
  }
  // The record stays until the kernel has the old rules. If this process is killed in between, the next one does it.
  firewall.run(`${REMOVE_BASE}${trial.before ?? ''}`)
  files.trial.remove()
  return 'taken back'
}

/**
 * Ends a trial whose time is over, as after all its processes were killed. The caller has locked the files.
 * `undefined`: no trial was ended.
 *
 * @throws NftablesError; nothing has changed then
 */
export function endOverdue(files: BaseFiles, firewall: Firewall): Ended | undefined {
  const trial = files.trial.read()
  if (trial === undefined || !isOver(trial)) return undefined
  if (trial.boot === readBootId()) return endTrial(trial, files, firewall)
  // The rules of an earlier boot no longer exist.
  files.trial.remove()
  return undefined
}

/** Takes back the trial with this id, if it is still under way. @throws NftablesError, LockedError */
export function rollBack(id: string, files: BaseFiles, firewall: Firewall): Ended | undefined {
  const lock = files.lock()
  try {
    const trial = files.trial.read()
    return trial?.id === id ? endTrial(trial, files, firewall) : undefined
  } finally {
    lock.release()
  }
}
