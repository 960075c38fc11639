import { USABLE, WARNED } from '../../check.ts'
import type { Output } from '../../check.ts'
import { persist } from '../persist.ts'
import { Firewall } from './firewall.ts'
import { guardIfMissing } from './rules.ts'
import { connections, sshConnection } from './session.ts'
import { TrialFile, sinceBoot } from './trial.ts'
import type { Trial } from './trial.ts'

/** `postern firewall confirm`: keeps what is on trial, if whoever asks came in over a new connection. Gives the exit code. */
export async function confirm(output: Output): Promise<number> {
  const trial = new TrialFile().read()
  if (trial?.phase !== 'trial' || trial.deadline <= sinceBoot()) {
    output.err('postern: nothing is on trial\n  postern firewall apply begins one\n')
    return WARNED
  }
  const doubt = doubtOf(trial, sshConnection(), connections())
  if (doubt !== undefined) {
    output.err(`postern: ${doubt}\n  log in once more, and confirm there: that shows that you can\n`)
    return WARNED
  }
  return await confirmTrial(output)
}

/** Why a confirmation shows nothing; `undefined`: it shows that one can get in. */
export function doubtOf(
  { connections: before }: Pick<Trial, 'connections'>,
  mine: string | undefined,
  now: readonly string[],
): string | undefined {
  // At the machine itself nobody can be locked out by its firewall.
  if (mine === undefined) return undefined
  if (before.includes(mine)) return 'this connection was there before the rules'
  return now.includes(mine) ? undefined : 'this shell belongs to a connection that is no more'
}

/** Keeps what is on trial. Gives the exit code. */
export async function confirmTrial(output: Output): Promise<number> {
  const file = new TrialFile()
  const lock = file.lock()
  const firewall = new Firewall()
  try {
    const trial = file.read()
    if (trial?.phase !== 'trial' || trial.deadline <= sinceBoot()) throw new Error('too late: it is taken back')
    firewall.run(`${trial.after}${guardIfMissing(trial.guard, (table) => firewall.list(table))}`)
    file.write({ ...trial, phase: 'kept', before: undefined, connections: [] })
    output.out('it stays\n')
    if (trial.persist === undefined) return USABLE
    const ruleset = { dialect: 'nft', family: undefined, name: 'postern-base', text: trial.persist } as const
    return await persist([ruleset], { root: '/', dryRun: false, replace: trial.replace }, output)
  } finally {
    firewall.close()
    lock.release()
  }
}
