import { ConfigTrialFile } from '../../base/config-trial.ts'
import { keepTrial } from '../firewall/base/keeper.ts'
import { takeBack } from './take-back.ts'

/** Keeps the trial of a config: see {@link keepTrial}. */
export async function keepConfig(config: string, id: string): Promise<void> {
  const file = new ConfigTrialFile(config)
  await keepTrial(
    id,
    () => file.read(),
    async () => void (await takeBack(id, file)),
  )
}
