import { formatFault } from '../../../text/fault.ts'
import { faultsOfGnupgHome } from '../../../file/faults.ts'
import { SECRET } from '../../../file/policy.ts'
import { forwardsOf } from '../../../firewall/guard/plan.ts'
import type { AuthenticatorDeps } from '../../../secret/deps.ts'
import type { Reading } from '../../../secret/packet-authenticator.ts'
import type { PacketDoor } from '../../../secret/packet-door.ts'
import { forcedInVain } from '../allowed.ts'
import { placeText } from '../stanza.ts'
import type { Stanza } from '../stanza.ts'
import { readAccessFile } from './access-file.ts'
import { ROOT_RIGHTS, barredCommands, ownRights } from './command-rights.ts'
import { stanzasLeft } from './holders.ts'

type StanzaDeps = Pick<AuthenticatorDeps, 'log' | 'isReadOnly'>

/** The stanzas of a door's access.conf or file of keys. */
export class Stanzas {
  readonly list: readonly Stanza[]
  readonly #barred: ReadonlyMap<string, string>

  /** Logs why the commands of a stanza cannot run, because later nobody may be watching. */
  constructor(list: readonly Stanza[], path: string, { log, isReadOnly }: StanzaDeps) {
    this.list = list
    // A replay has no privilege, and tells what the daemon would do as root.
    const rights = isReadOnly === true ? { ...ownRights(), ...ROOT_RIGHTS } : ownRights()
    this.#barred = barredCommands(list, rights, (fault) => log.notice('error', formatFault(path, fault)))
  }

  /** Returns the reason why a stanza's commands cannot run, or `undefined`. */
  barred(stanza: Stanza): string | undefined {
    return this.#barred.get(placeText(stanza))
  }
}

/**
 * Reads the file of a door that fwknop packets open.
 *
 * @param before the stanzas in force
 * @throws FileError if the file itself cannot be read
 */
export function readStanzas(door: PacketDoor, before: Stanzas | undefined, deps: StanzaDeps): Reading<Stanzas> {
  const { path, protocol } = door.secret
  const { stanzas, faults, files, folders, text, isUnread } = readAccessFile(path, protocol, SECRET, before?.list)
  const stanzasOf = (list: readonly Stanza[]): Stanzas => new Stanzas(list, path, deps)
  const replayed = deps.isReadOnly === true && stanzas.some(({ gnupg }) => gnupg !== undefined)
  if (replayed) deps.log.notice('warning', `${door.name}: packets for gpg are not replayed`)
  return {
    faults: [...faults, ...(forwardsOf(door).length > 0 ? [] : stanzas.flatMap(forcedInVain))],
    state: () => stanzasOf(stanzas.filter((stanza) => isSafe(stanza, door, deps.log))),
    left: ({ list }) => stanzasOf(stanzasLeft(list, text, isUnread)),
    files,
    folders,
  }
}

/** Refuses an unsafe folder of GnuPG. Anyone who can write to it chooses the accepted signers. */
function isSafe({ file, line, gnupg }: Stanza, { name, secret }: PacketDoor, log: AuthenticatorDeps['log']): boolean {
  const [fault] = gnupg === undefined ? [] : faultsOfGnupgHome(gnupg.homeDir)
  if (fault === undefined) return true
  const what = `${file ?? secret.path}:${line}: opens to nobody: ${gnupg!.homeDir}: ${fault.message}`
  log.notice('error', `${name}: ${what}\n${fault.cure}`)
  return false
}
