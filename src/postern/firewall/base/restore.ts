import { endOverdue } from '../../../base/end-trial.ts'
import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import type { Confirmed } from '../../../base/confirmed.ts'
import { letsIn, misfitWith, servicesText } from '../../../base/problem.ts'
import type { Problem } from '../../../base/problem.ts'
import { DONE } from '../../../cli/exit-code.ts'
import { Failure } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { REMEDIES } from '../../../remedy/remedies.ts'
import { TABLE } from '../../../firewall/guard/element.ts'
import { sshSession } from '../../../host/ssh.ts'
import { examine } from '../../check/check.ts'

/**
 * Runs `postern firewall restore`: ends a trial whose processes were killed, and loads the confirmed base ruleset
 * again, exactly as it was. Established connections stay. Returns the exit code.
 */
export async function restore(_asked: object, output: Output): Promise<number> {
  const files = new BaseFiles()
  const lock = await files.lockSoon()
  const firewall = new Firewall()
  try {
    const ended = endOverdue(files, firewall)
    if (ended === 'taken back') output.out('the trial was not confirmed: it is taken back\n')
    if (files.trial.read() !== undefined) {
      throw new Failure('a ruleset is on trial', 'postern firewall confirm keeps it, its deadline takes it back')
    }
    const confirmed = files.confirmed.read()
    if (confirmed === undefined) {
      if (ended !== undefined) return DONE
      throw new Failure('no base ruleset was confirmed', 'postern firewall apply begins a trial')
    }
    const doubt = doubtOf(confirmed)
    if (doubt !== undefined) throw new Failure(`nothing is put back: ${doubt.message}`, doubt.command)
    firewall.run(confirmed.rules)
    output.out('the base ruleset is in force as it was confirmed\n')
    if (confirmed.guarded !== '' && firewall.list(TABLE) === undefined) {
      output.err(
        `postern: ${confirmed.guarded} is open to everybody until knockd runs\n  ${REMEDIES.start(confirmed.config)}\n`,
      )
    }
    return DONE
  } finally {
    firewall.close()
    lock.release()
  }
}

/** Returns why the ruleset might lock somebody out, with the command for a trial; `undefined` if it does not. */
function doubtOf(confirmed: Confirmed): Problem | undefined {
  const { config } = examine(confirmed.config)
  const { refused } = config === undefined ? { refused: [] } : misfitWith(confirmed, config)
  const command = REMEDIES.applyBase(confirmed, confirmed.config)
  if (refused.length > 0) {
    return { message: `it would refuse ${servicesText(refused)}, which the config opens`, command }
  }
  const here = sshSession().port
  if (here === undefined || letsIn(confirmed, here)) return undefined
  const allowed = [...(confirmed.allowed === '' ? [] : [confirmed.allowed]), `tcp/${here}`].join(',')
  return {
    message: `it would refuse tcp/${here}, where you are logged in`,
    command: REMEDIES.applyBase({ ...confirmed, allowed }, confirmed.config),
  }
}
