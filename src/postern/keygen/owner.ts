import { CONFIG_DEFAULT } from '../../cli/option.ts'
import { CONFIG_MAX_BYTES } from '../../config/config.ts'
import { readDraft } from '../../config/read.ts'
import { ownerOfSecrets } from '../../file/owner.ts'
import type { FileOwner } from '../../file/owner.ts'
import { CLASSIC } from '../../file/policy.ts'
import { readPrivateText } from '../../file/private-file.ts'
import { FaultList } from '../../text/fault.ts'

/**
 * Returns the owner and mode of a secret that root makes for the daemon of a config with a `User`; `undefined`: the
 * secret is its maker's alone. `postern check` says what is wrong with such a config.
 */
export function ownerForDaemon(file: string = CONFIG_DEFAULT, use: 'read' | 'written' = 'read'): FileOwner | undefined {
  if (process.geteuid?.() !== 0) return undefined
  try {
    const { options } = readDraft(readPrivateText(file, CONFIG_MAX_BYTES, CLASSIC), file, new FaultList())
    return options.user === undefined ? undefined : ownerOfSecrets(options, use)
  } catch {
    return undefined
  }
}
