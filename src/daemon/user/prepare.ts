import { openSync, closeSync, realpathSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { basePlaces } from '../../base/places.ts'
import type { Config } from '../../config/config.ts'
import { groupId } from '../../control/group.ts'
import { RUN_FOLDER, socketPath, usersSocket } from '../../control/socket.ts'
import type { Account } from '../../file/account.ts'
import { asUser } from '../../file/as-user.ts'
import { cannot, reasonOf } from '../../file/file-error.ts'
import { becomeUser } from '../../native/credentials.ts'
import { execute } from '../../native/execute.ts'
import type { Arguments } from '../arguments.ts'
import { starterDescriptors } from '../background.ts'
import { guardLockPath } from '../guard-lock.ts'
import { KEEPER, startPidKeeper } from '../pid-keeper.ts'
import { handOver } from './hand-over.ts'
import { giveFolder, giveLog, shareFile, shareRunFolder, takeFolder } from './root-files.ts'

/** Variables by which a dynamic linker, the C library or Node.js loads other code, or reads other files. */
const LOADING = /^(?:LD_|NODE_|GCONV_PATH$|GLIBC_TUNABLES$|LOCPATH$|MALLOC_)/

/** The daemon that begins again as a user. */
interface Prepared {
  readonly args: Arguments
  readonly config: Config
  readonly account: Account
  /** The journal that the daemon would have as root. */
  readonly journal: string
  readonly log: string | undefined
  readonly pidFile: string | undefined
}

/**
 * Prepares what needs root, for a daemon that begins as the user.
 *
 * @throws LockedError if a daemon uses the state, UnsafeFolderError, or the system's error
 */
export function prepareFiles({ args, config, account, journal, log }: Prepared): void {
  requireProgram(account)
  handOver(journal, account)
  prepareRunFolder(args, config, account)
  if (log !== undefined) giveLog(log, config.options.logFormat, account)
}

/** Begins again as the user. Returns only by throwing. */
export function beginAgain({ account, pidFile }: Prepared): never {
  const kept = [...starterDescriptors()]
  const { uid, gid, name, home } = account
  const environment: NodeJS.ProcessEnv = { ...process.env, HOME: home, USER: name, LOGNAME: name }
  for (const each of Object.keys(environment)) if (LOADING.test(each)) delete environment[each]
  if (pidFile !== undefined) {
    const keeper = startPidKeeper(pidFile)
    kept.push(keeper)
    environment[KEEPER] = String(keeper)
  }
  try {
    becomeUser({ uid, gid })
  } catch (error) {
    throw new Error(`cannot run as ${name}: ${(error as Error).message}\n  ${RIGHTS_HINT}`, { cause: error })
  }
  return execute(process.execPath, [process.argv0, ...process.execArgv, ...process.argv.slice(1)], environment, kept)
}

const RIGHTS_HINT = 'let knockd have CAP_CHOWN, CAP_SETUID and CAP_SETGID, or start it as that user'

/** @throws Error if the user cannot read this program, which would end it later without a reason */
function requireProgram(account: Account): void {
  const files = [process.execPath, process.argv[1] ?? '', import.meta.filename].map((file) => realpathSync(file))
  files.push(fileURLToPath(import.meta.resolve('koffi')))
  for (const file of files) {
    try {
      asUser(account, () => closeSync(openSync(file, 'r')))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code === 'EPERM') throw cannot(`run as ${account.name}`, error, { EPERM: RIGHTS_HINT })
      const hint = 'install knockd in a folder that everybody can enter'
      throw new Error(`user ${account.name} cannot read ${file}: ${reasonOf(error)}\n  ${hint}`, { cause: error })
    }
  }
}

/** Prepares the folder of the control socket, and the files in root's folder that the daemon shares with commands. */
function prepareRunFolder(args: Arguments, { options }: Config, { uid, gid }: Account): void {
  shareRunFolder(RUN_FOLDER, gid)
  const socket = socketPath(args.config, args.interfaces)
  const group = options.controlGroup === undefined ? undefined : groupId(options.controlGroup)
  // What is made in a folder with the set-group-ID bit has the folder's group, so the daemon need not be in it.
  const folder = dirname(usersSocket(socket))
  takeFolder(folder)
  giveFolder(folder, 0o2755, { uid, gid: group ?? gid })
  rmSync(socket, { force: true })
  const { trial, confirmed } = basePlaces()
  for (const lock of [guardLockPath(), `${trial}.lock`]) shareFile(lock, { gid, mode: 0o660, isMade: true })
  for (const record of [trial, confirmed]) shareFile(record, { gid, mode: 0o640, isMade: false })
}
