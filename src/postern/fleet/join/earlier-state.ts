import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { SECRET } from '../../../file/policy.ts'
import { readPrivateText } from '../../../file/private-file.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import type { FleetSettings } from '../../../fleet/settings.ts'
import { SIGNED_MAX_CHARS, openSigned } from '../../../fleet/signed.ts'
import { shellWord } from '../../../text/shell-word.ts'

/**
 * Returns what is wrong with what this host keeps of an earlier fleet of that name; `undefined`: nothing, or it is the
 * same fleet. Its users would stay in force, as the new fleet's versions are lower.
 */
export function earlierState({
  fleet,
  operators,
  stateFolder,
}: Pick<FleetSettings, 'fleet' | 'operators' | 'stateFolder'>):
  { readonly reason: string; readonly hint: string } | undefined {
  const path = join(stateFolder, 'hosts.signed')
  if (!existsSync(path)) return undefined
  try {
    const keyOf = (name: string) => operators.find((each) => each.name === name)?.key
    openSigned(new Keyspace(fleet).document('hosts'), readPrivateText(path, SIGNED_MAX_CHARS, SECRET), keyOf)
    return undefined
  } catch {
    return {
      reason: `${dirname(path)} has the users of an earlier fleet with this name, and newer versions than this one`,
      hint: `move it away before knockd starts: mv ${shellWord(stateFolder)} ${shellWord(`${stateFolder}.old`)}`,
    }
  }
}
