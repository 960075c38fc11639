import { MissingLibraryError } from '../../../native/library.ts'
import { NftablesError } from '../../../native/nftables.ts'
import { USABLE, WARNED } from '../../check.ts'
import type { Output } from '../../check.ts'
import { apply } from './apply.ts'
import { read, readConfigOf } from './asked.ts'
import type { Command } from './asked.ts'
import { confirm } from './confirm.ts'
import { HELPS } from './help.ts'
import { remove } from './remove.ts'
import { restore } from './restore.ts'
import { rulesOf } from './rules.ts'
import { status } from './status.ts'

/** Runs `postern firewall print | apply | confirm | restore | remove | status`, and returns the exit code. */
export async function base(command: Command, args: readonly string[], output: Output): Promise<number> {
  const asked = read(command, args, HELPS[command], output)
  if (typeof asked === 'number') return asked
  if (asked.help) {
    output.out(HELPS[command])
    return USABLE
  }
  if (command !== 'print' && process.geteuid?.() !== 0) {
    output.err(`postern: only root can read and change the firewall\n  sudo postern firewall ${command}\n`)
    return WARNED
  }
  try {
    if (command === 'confirm') return await confirm(output)
    if (command === 'remove') return await remove(asked, output)
    if (command === 'restore') return await restore(output)
    if (command === 'status') return await status(asked.json, output)
    const config = readConfigOf(asked, output)
    if (typeof config === 'number') return config
    if (command === 'apply') return await apply(asked, config, output)
    output.out(rulesOf(config, asked, 'print').file)
    return USABLE
  } catch (error) {
    const nothing =
      error instanceof NftablesError || error instanceof MissingLibraryError ? '\n  nothing has changed' : ''
    output.err(`postern: ${(error as Error).message}${nothing}\n`)
    return WARNED
  }
}
