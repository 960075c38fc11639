import { existsSync, rmSync } from 'node:fs'
import { ConfigTrialFile, hashOf } from '../../base/config-trial.ts'
import { isOver } from '../../base/trial.ts'
import { DONE, FAILED } from '../../cli/exit-code.ts'
import { Failure } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { doubtOf } from '../firewall/base/confirm.ts'
import { connections, typedIn } from '../firewall/base/session.ts'
import type { SetupArguments } from './arguments.ts'
import { textOf } from './begin.ts'
import { endText } from './report.ts'
import { faultOf, serviceOf } from './service.ts'
import { end, endOverdue } from './take-back.ts'

type Asked = Pick<SetupArguments, 'config' | 'json'>

/** Runs `postern setup confirm`, which keeps what is on trial if the user logged in over a new connection. */
export async function confirm({ config, json }: Asked, output: Output): Promise<number> {
  const file = new ConfigTrialFile(config)
  const trial = file.read()
  if (trial === undefined) throw nothingOnTrial(config)
  const doubt = isOver(trial) ? undefined : doubtOf(trial, typedIn(), connections())
  if (doubt !== undefined) {
    throw new Failure(doubt, 'log in once more, and confirm there: that proves that you can')
  }
  const code = await confirmConfig(file, output)
  output.out(json ? endText('confirmed', file.config) : 'it stays\n')
  return code
}

/** Keeps what is on trial, and returns the exit code. The removal of the record is the confirmation. */
export async function confirmConfig(file: ConfigTrialFile, output: Output): Promise<number> {
  const lock = await file.lockSoon()
  try {
    const trial = file.read()
    if (trial === undefined || (await endOverdue(file))) {
      throw new Failure('too late: the trial is over, and all is taken back', 'sudo postern setup begins again')
    }
    const { config } = file
    const fault = await faultOf(config)
    if (fault !== undefined) {
      throw new Failure(`knockd does not run as it should: ${fault}`, 'sudo postern setup cancel takes all back')
    }
    file.remove()
    const { backup, sum, starter } = trial
    if (backup !== undefined && existsSync(backup)) {
      if (hashOf(textOf(backup) ?? '') === sum) rmSync(backup, { force: true })
      else output.err(`the previous config is kept: ${backup}\n`)
    }
    const service = serviceOf(starter, config)
    if (service.bootFile !== undefined) rmSync(service.bootFile, { force: true })
    await service.reread()
    const failure = await service.enable()
    if (failure === undefined) return DONE
    output.err(
      `postern: it stays, but knockd does not start with this machine: ${failure}\n  run postern setup again\n`,
    )
    return FAILED
  } finally {
    lock.release()
  }
}

/** Runs `postern setup cancel`, which takes back what is on trial. */
export async function cancel({ config, json }: Asked, output: Output): Promise<number> {
  const file = new ConfigTrialFile(config)
  const lock = await file.lockSoon()
  try {
    const trial = file.read()
    if (trial === undefined) throw nothingOnTrial(config)
    const remarks = await end(trial, file)
    for (const remark of remarks) output.err(`${remark}\n`)
    output.out(json ? endText('taken back', file.config) : 'taken back: all is as it was before\n')
    return DONE
  } finally {
    lock.release()
  }
}

function nothingOnTrial(config: string): Failure {
  return new Failure(`nothing is on trial for ${config}`, 'sudo postern setup begins one')
}
