import { lstatSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ConfigTrialFile } from '../../base/config-trial.ts'
import { Failure } from '../../cli/fault.ts'
import { quote } from '../../text/fault.ts'
import { presentStatus } from '../control/present-status.ts'
import { runningDaemons } from '../doctor/daemons.ts'
import { onTrial, textOf } from './begin.ts'
import type { Plan } from './choices.ts'
import { isEmpty, planIn } from './config-text.ts'
import { findStarter, foreignProgram, serviceOf } from './service.ts'
import type { Service } from './service.ts'
import { endOverdue } from './take-back.ts'

/** The state of this machine before set-up. */
export interface Present {
  /** The text of the config; `undefined`: there is no config. */
  readonly text: string | undefined
  /** The plan of the config; `undefined` if set-up did not write it. */
  readonly plan: Plan | undefined
  /** True if there is no config, or one that hides and opens nothing. */
  readonly isEmpty: boolean
  readonly service: Service
  /** True if a daemon runs with the config. */
  readonly isRunning: boolean
  readonly isEnabled: boolean
}

/**
 * Looks at what set-up would change, after it has taken back an earlier trial that nobody confirmed.
 *
 * @throws Failure if set-up cannot begin: a trial is under way, another knockd runs, or the config is a symbolic link
 */
export async function lookAtPresent(
  file: ConfigTrialFile,
  dryRun: boolean,
  say: (text: string) => void,
): Promise<Present> {
  const { config } = file
  if (!dryRun) await clearOverdue(file, say)
  if (file.read() !== undefined) throw onTrial()
  if (lstatSync(config, { throwIfNoEntry: false })?.isSymbolicLink() === true) {
    throw new Failure(`${config} is a symbolic link`, 'name the file itself: -c FILE')
  }
  const starter = await findStarter(config)
  const foreign = await foreignProgram(starter)
  if (foreign !== undefined) {
    const hint = "Postern's package takes over from it: apt install postern"
    throw new Failure(`the service knockd of this machine runs ${foreign}, which is not Postern's`, hint)
  }
  const status = await presentStatus(config, [])
  refuseOthers(config, status?.pid)
  const text = textOf(config)
  const service = serviceOf(starter, config)
  return {
    text,
    plan: text === undefined ? undefined : planIn(text, config),
    isEmpty: text === undefined || isEmpty(text, config),
    service,
    isRunning: status !== undefined,
    isEnabled: await service.isEnabled(),
  }
}

async function clearOverdue(file: ConfigTrialFile, say: (text: string) => void): Promise<void> {
  const lock = await file.lockSoon()
  try {
    if (await endOverdue(file)) say('the set-up before was not confirmed: it is taken back\n')
  } finally {
    lock.release()
  }
}

/** Refuses to begin beside another knockd: both would act on one knock, and only one can have the guard. */
function refuseOthers(config: string, own: number | undefined): void {
  const other = runningDaemons().find(({ pid }) => pid !== own)
  if (other === undefined) return
  const { pid, command, config: theirs } = other
  const message = `another knockd runs, process ${pid} (${quote(command)})`
  if (theirs === undefined) {
    throw new Failure(
      message,
      "end it first, for instance: systemctl disable --now knockd; or have Postern's package take over",
    )
  }
  const hint =
    resolve(config) === theirs ? 'it does not answer: look at its log' : 'end it first, or set its config up: -c FILE'
  throw new Failure(message, hint)
}
