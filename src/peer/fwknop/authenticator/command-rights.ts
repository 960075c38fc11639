import { accessSync, constants, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Fault } from '../../../text/fault.ts'
import { spawnSync } from '../../../native/spawn.ts'
import { placeText } from '../stanza.ts'
import type { CommandTerms, Stanza } from '../stanza.ts'

/** The program that runs commands as another user (runuser(1), util-linux). */
export const RUN_AS = 'runuser'
/** Numbers of capabilities (linux/capability.h). */
const CAP_SETGID = 6
const CAP_SETUID = 7
const STATUS = '/proc/self/status'
/** The most milliseconds that a name service may take to look up an account. */
const ACCOUNT_TIME_MAX_MS = 2_000

/** The rights of this process that matter for running commands as another user. */
export interface Rights {
  /** The effective user id. */
  readonly uid: number
  /** The effective capabilities, a bit each, which a program run as root keeps; `undefined` if the system has none. */
  readonly capabilities: bigint | undefined
  /** Returns true if a program with this name exists. */
  readonly hasProgram: (name: string) => boolean
  readonly hasAccount: (database: 'passwd' | 'group', name: string) => boolean
}

/** The rights of root without limits. */
export const ROOT_RIGHTS: Pick<Rights, 'uid' | 'capabilities'> = { uid: 0, capabilities: undefined }

/** Returns the reason why a stanza's commands cannot run, with a hint on its own line, or `undefined`. */
export function commandFault({ user, group }: CommandTerms, rights: Rights): string | undefined {
  if (user === undefined && group === undefined) return undefined
  const directive = user === undefined ? 'CMD_EXEC_GROUP' : 'CMD_EXEC_USER'
  const hint = 'until then packets with commands are refused'
  if (rights.uid !== 0) return `${directive}: only root can run commands as another user\nrun knockd as root; ${hint}`
  const lacking = [
    ...(lacks(rights, CAP_SETGID) ? ['CAP_SETGID'] : []),
    ...(user !== undefined && lacks(rights, CAP_SETUID) ? ['CAP_SETUID'] : []),
  ]
  if (lacking.length > 0) {
    const add = `add ${lacking.join(' ')} to CapabilityBoundingSet= of the unit`
    return `${directive}: knockd cannot change users: it lacks ${lacking.join(' and ')}\n${add}; ${hint}`
  }
  if (user !== undefined && !rights.hasAccount('passwd', user)) {
    return `CMD_EXEC_USER: there is no user ${user}\nadd the user, or name another; ${hint}`
  }
  if (group !== undefined && !rights.hasAccount('group', group)) {
    return `CMD_EXEC_GROUP: there is no group ${group}\nadd the group, or name another; ${hint}`
  }
  if (!rights.hasProgram(RUN_AS)) return `${directive}: there is no ${RUN_AS}\nit comes with util-linux; ${hint}`
  return undefined
}

/**
 * Finds the stanzas whose commands cannot run, with the reason for each, by {@link placeText}. Each is reported when
 * the file is read, because later nobody may be watching.
 */
export function barredCommands(
  stanzas: readonly Stanza[],
  rights: Rights,
  report: (fault: Fault) => void,
): ReadonlyMap<string, string> {
  const barred = new Map<string, string>()
  for (const stanza of stanzas) {
    const { file, commands } = stanza
    const fault = commands === undefined ? undefined : commandFault(commands, rights)
    if (commands === undefined || fault === undefined) continue
    const [message = '', hint = ''] = fault.split('\n')
    barred.set(placeText(stanza), message)
    const place = file === undefined ? {} : { file }
    report({ severity: 'error', ...place, line: commands.line, column: 1, message, hint })
  }
  return barred
}

function lacks({ capabilities }: Rights, capability: number): boolean {
  return capabilities !== undefined && (capabilities & (1n << BigInt(capability))) === 0n
}

/** Returns the rights of this process. Each account is looked up once. */
export function ownRights(): Rights {
  const accounts = new Map<string, boolean>()
  return {
    uid: process.geteuid?.() ?? 0,
    capabilities: readCapabilities(),
    hasProgram: isOnPath,
    hasAccount: (database, name) => {
      const key = `${database} ${name}`
      const known = accounts.get(key) ?? isAccount(database, name)
      accounts.set(key, known)
      return known
    },
  }
}

/** Returns the capabilities of programs that this process runs as root: its effective ones within the bounding set. */
function readCapabilities(): bigint | undefined {
  try {
    const text = readFileSync(STATUS, 'latin1')
    const bits = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)$`, 'm').exec(text)![1]!}`)
    return bits('CapEff') & bits('CapBnd')
  } catch {
    return undefined
  }
}

function isOnPath(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

/** Looks up an account in the file, and then with the name services. */
function isAccount(database: 'passwd' | 'group', name: string): boolean {
  const named = (text: string): boolean => text.split('\n').some((line) => line.startsWith(`${name}:`))
  try {
    if (named(readFileSync(`/etc/${database}`, 'utf8'))) return true
    const told = spawnSync('getent', [database, name], { encoding: 'utf8', timeout: ACCOUNT_TIME_MAX_MS })
    return named(told.stdout)
  } catch {
    return false
  }
}
