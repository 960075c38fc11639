import { DONE } from '../../../cli/exit-code.ts'
import { Failure } from '../../../cli/fault.ts'
import type { Output } from '../../../cli/output.ts'
import { persist } from '../persist.ts'
import { endOverdue } from '../../../base/end-trial.ts'
import { BaseFiles } from '../../../base/files.ts'
import { Firewall } from '../../../base/firewall.ts'
import { isOver } from '../../../base/trial.ts'
import type { Trial } from '../../../base/trial.ts'
import { guardIfMissing } from './rules.ts'
import { connections, typedIn } from './session.ts'
import type { TypedIn } from './session.ts'

/** Runs `postern firewall confirm`, which keeps the rules on trial if the user logged in over a new connection. */
export async function confirm(_asked: object, output: Output): Promise<number> {
  const trial = new BaseFiles().trial.read()
  if (trial === undefined) {
    throw new Failure('nothing is on trial', 'postern firewall apply begins a trial')
  }
  const doubt = isOver(trial) ? undefined : doubtOf(trial, typedIn(), connections())
  if (doubt !== undefined) {
    throw new Failure(doubt, 'log in once more, and confirm there: that proves that you can')
  }
  return await confirmTrial(output)
}

/** Returns why a confirmation proves nothing; `undefined` if it proves that the user can log in. */
export function doubtOf(
  { connections: before, isLocal: wasLocal = false }: Pick<Trial, 'connections' | 'isLocal'>,
  { connection, multiplexer, isLocal }: TypedIn,
  now: readonly string[],
): string | undefined {
  if (multiplexer !== undefined) return `this shell runs in ${multiplexer}, which outlasts connections`
  // The firewall cannot lock out a user at the machine's own console.
  if (connection === undefined) return undefined
  if (before.includes(connection)) return 'this connection was there before the rules'
  if (isLocal && !wasLocal) return 'this connection comes from this machine, where nothing is refused'
  return now.includes(connection) ? undefined : 'this shell belongs to a connection that has ended'
}

/** Keeps the rules on trial, and returns the exit code. */
export async function confirmTrial(output: Output): Promise<number> {
  const files = new BaseFiles()
  const lock = await files.lockSoon()
  const firewall = new Firewall()
  try {
    const trial = files.trial.read()
    if (trial === undefined || isOver(trial)) {
      endOverdue(files, firewall)
      throw new Error('too late: the trial is over, and the ruleset is taken back')
    }
    keep(trial, files)
    // If this process is killed from here on, the keeper, the next command or the daemon completes the confirmation.
    firewall.run(`${trial.confirmed.rules}${guardIfMissing(trial.guard, (table) => firewall.list(table))}`)
    files.trial.remove()
    output.out('it stays\n')
    const { persist: text, replace } = trial.confirmed
    if (text === undefined) return DONE
    const ruleset = { dialect: 'nft', family: undefined, name: 'postern-base', text } as const
    return await persist([ruleset], { root: '/', dryRun: false, replace }, output)
  } finally {
    firewall.close()
    lock.release()
  }
}

/** Records the confirmation on disk before the ruleset is kept: without a record it could not be restored. */
function keep({ confirmed }: Trial, files: BaseFiles): void {
  try {
    files.confirmed.write(confirmed)
  } catch (error) {
    const what = `it cannot be kept: ${(error as Error).message}`
    throw new Error(`${what}\n  it stays on trial: fix that, and confirm again before its time is over`, {
      cause: error,
    })
  }
}
