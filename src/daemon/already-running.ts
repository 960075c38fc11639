import { CONFIG_DEFAULT } from '../cli/option.ts'
import { shellWord } from '../text/shell-word.ts'
import { LockedError } from '../state/lock.ts'
import type { Arguments } from './arguments.ts'

/** Returns the operator's message if another daemon holds the lock on the state, and any other error unchanged. */
export function alreadyRunning(error: unknown, { config, interfaces }: Arguments): unknown {
  if (!(error instanceof LockedError)) return error
  const process = error.holder === undefined ? '' : ` (process ${error.holder})`
  const options = [
    ...(config === CONFIG_DEFAULT ? [] : ['-c', shellWord(config)]),
    ...(interfaces.length === 0 ? [] : ['-i', shellWord(interfaces.join())]),
  ]
  const command = ['postern', 'status', ...options].join(' ')
  return new Error(`knockd is already running with this config${process}\n  ${command}`, { cause: error })
}
