import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config/config.ts'
import { rootNeed } from '../../config/privilege.ts'
import { socketPath } from '../../control/socket.ts'
import { findAccount } from '../../file/account.ts'
import type { Account } from '../../file/account.ts'
import { NoUserError } from '../../file/owner.ts'
import { isPrivateGroup, shareWith } from '../../file/private-group.ts'
import { faultAt, formatFault } from '../../text/fault.ts'
import type { Arguments } from '../arguments.ts'
import { ConfigError } from '../config-file.ts'
import { logSettings } from '../logging.ts'
import { pidFileOf } from '../pid-file.ts'
import { statePath, usersJournal } from '../state-path.ts'

/** The user that the daemon runs as, and its commands. */
export interface RunsAs {
  /** The config's `User`, if the daemon runs as that; `undefined`: the user that started it. */
  readonly account: Account | undefined
  /** The user of commands without a need for root, as `1:1`, if the daemon stays root; `undefined`: the daemon's own. */
  readonly commandsAs: string | undefined
  /** Notices for the log at the start. */
  readonly notices: readonly { readonly level: 'info' | 'error'; readonly text: string }[]
}

/** A daemon that runs as the user that started it. */
export const AS_STARTED: RunsAs = { account: undefined, commandsAs: undefined, notices: [] }

/**
 * Changes to the config's `User`, if this process is root's and nothing in the config needs root: it prepares what needs
 * root, and begins again as that user. Then this function does not return. In the process that is that user's, it checks
 * that no thread has more rights.
 *
 * @throws ConfigError if there is no such user, or the user cannot use a file of the config
 * @throws Error if a thread has more rights, or the system refuses a step
 */
export async function settle(args: Arguments, config: Config): Promise<RunsAs> {
  const { user, stateDir } = config.options
  if (args.forUser) requireForUser(config)
  if (process.geteuid?.() !== 0) return user === undefined ? AS_STARTED : await asPresentUser(user)
  const account = user === undefined ? undefined : usableAccount(config, user)
  shareWith(account)
  const need = rootNeed(config)
  const journal = statePath(stateDir, args.config, args.interfaces)
  const log = logSettings(args, config.options).file
  const socket = socketPath(args.config, args.interfaces, true)
  const taken = [...(await takenBack({ journal, socket, log }, need === undefined ? account?.uid : undefined))]
  const { fleet } = config.options
  if (fleet !== undefined) {
    const { settleFleet } = await import('./fleet-folder.ts')
    taken.push(...settleFleet(fleet, need === undefined ? account : undefined))
  }
  if (account === undefined) return { ...AS_STARTED, notices: taken }
  if (need !== undefined) {
    const text = `stays root, not ${account.name}: ${need.why} (line ${need.line})`
    const notices = [...taken, { level: 'info', text } as const]
    return { account: undefined, commandsAs: `${account.uid}:${account.gid}`, notices }
  }
  // Modules that only such a daemon needs are not loaded by others.
  const { faultsOfBarred } = await import('../../peer/key-files.ts')
  const barred = faultsOfBarred(config)
  if (barred.length > 0) throw new ConfigError(barred.map((fault) => formatFault(config.file, fault)).join('\n'))
  const { beginAgain, prepareFiles } = await import('./prepare.ts')
  const pidFile = args.daemon ? pidFileOf(args, config.options) : undefined
  const prepared = { args, config, account, journal, log, pidFile }
  prepareFiles(prepared)
  return args.forUser ? { ...AS_STARTED, notices: taken } : beginAgain(prepared)
}

/** Refuses to prepare what a daemon of this config would not use. @throws Error */
function requireForUser(config: Config): void {
  if (process.geteuid?.() !== 0) throw new Error('only root can prepare the files of a user')
  const need = config.options.user === undefined ? 'it has no User' : rootNeed(config)?.why
  if (need === undefined) return
  // A service manager that read an earlier config starts the daemon as a user.
  const hint = 'systemctl daemon-reload && systemctl restart knockd'
  throw new Error(`the service runs as a user, and ${config.file} needs root: ${need}\n  ${hint}`)
}

/** Checks the rights of this process, if it is that user's. Others go on as the user that started them. */
async function asPresentUser(user: string): Promise<RunsAs> {
  const account = findAccount(user)
  if (account === undefined || account.uid !== process.geteuid?.()) return AS_STARTED
  const { keepToUser } = await import('./credentials.ts')
  keepToUser(account)
  return { ...AS_STARTED, account }
}

/** Takes the state back from another user than the next one. @returns the faults of the journal */
async function takenBack(
  { journal, socket, log }: { readonly journal: string; readonly socket: string; readonly log: string | undefined },
  next: number | undefined,
): Promise<RunsAs['notices']> {
  if (!existsSync(dirname(usersJournal(journal)))) return []
  const { takeBack } = await import('./take-back.ts')
  return (await takeBack(journal, socket, log, next)).map((text) => ({ level: 'error', text }))
}

/** Returns the account of a `User` that can be used. @throws ConfigError */
function usableAccount(config: Config, user: string): Account {
  const refuse = (message: string, hint?: string): never => {
    const { line = 1, valueColumn: column = 1 } = config.places.options.user ?? {}
    throw new ConfigError(formatFault(config.file, faultAt('error', line, column, message, hint)))
  }
  if (process.platform !== 'linux') return refuse('`User` needs Linux', 'take the line out')
  const account = findAccount(user)
  if (account === undefined) {
    const [message = '', hint] = new NoUserError(user).message.split('\n').map((line) => line.trim())
    return refuse(message, hint)
  }
  if (account.uid === 0) return refuse(`user ${user} is root`, 'take the line out, or name another user')
  if (!isPrivateGroup(account.gid, undefined, (uid) => uid === 0 || uid === account.uid)) {
    const message = `group ${account.group} of user ${user} has other members, who could read what is shared with it`
    return refuse(message, 'name a user with a group of its own')
  }
  return account
}
