import { REMOVE_BASE } from '../../../firewall/base/ruleset.ts'
import { Firewall } from './firewall.ts'
import { TrialFile } from './trial.ts'

/** Takes back the trial with this id, if it is one still. Gives whether it was. @throws NftablesError, LockedError */
export function rollBack(id: string): boolean {
  const file = new TrialFile()
  const lock = file.lock()
  const firewall = new Firewall()
  try {
    const trial = file.read()
    if (trial?.id !== id || trial.phase !== 'trial') return false
    firewall.run(`${REMOVE_BASE}${trial.before ?? ''}`)
    file.remove()
    return true
  } finally {
    firewall.close()
    lock.release()
  }
}
