import { ConfigTrialFile, endOverdueConfig } from '../../base/config-trial.ts'
import { keepTrial } from '../firewall/base/keeper.ts'
import { takeBack } from './take-back.ts'

/**
 * Keeps the trial of a config: see {@link keepTrial}.
 *
 * @param id the id of the trial; empty: ends a trial whose deadline has passed, and waits for none
 */
export async function keepConfig(config: string, id: string): Promise<void> {
  if (id === '') {
    endOverdueConfig(config)
    return
  }
  const file = new ConfigTrialFile(config)
  await keepTrial(
    id,
    () => file.read(),
    async () => void (await takeBack(id, file)),
  )
}
