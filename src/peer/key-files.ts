import type { Config } from '../config/config.ts'
import { rootNeed } from '../config/privilege.ts'
import { findAccount } from '../file/account.ts'
import type { Account } from '../file/account.ts'
import { asUser } from '../file/as-user.ts'
import type { FileFault } from '../file/policy.ts'
import { faultAt } from '../text/fault.ts'
import type { Fault } from '../text/fault.ts'
import { barredFile } from './daemon-access.ts'
import { namedFiles } from './named-files.ts'

/** A file that holds or names a key or a secret, and its faults. */
export interface FaultyFile {
  readonly path: string
  readonly faults: readonly FileFault[]
}

/** Returns the user that the daemon of a config changes to; `undefined`: it keeps its user, or there is no such user. */
export function daemonAccount(config: Config): Account | undefined {
  const { user } = config.options
  return user === undefined || rootNeed(config) !== undefined ? undefined : findAccount(user)
}

/**
 * Does something with the rights to files that the daemon of a config has, if this process is root's; otherwise with its
 * own. The work is synchronous.
 */
export function asDaemon<T>(config: Config, work: () => T): T {
  const account = process.geteuid?.() === 0 ? daemonAccount(config) : undefined
  return account === undefined ? work() : asUser(account, work)
}

/**
 * Returns the files of a config, itself included, that the daemon refuses because others can change or read them. They
 * are judged as the user that the daemon runs as does. Root reads the config, too.
 */
export function refusedFiles(config: Config): readonly FaultyFile[] {
  const files = namedFiles(config)
  const judged = (): readonly FaultyFile[] => files.map(({ path, judge }) => ({ path, faults: judge() }))
  const found = [
    ...files.slice(0, 1).map(({ path, judge }) => ({ path, faults: judge() })),
    ...asDaemon(config, judged),
  ]
  return found.filter(
    ({ path, faults }, index) => faults.length > 0 && found.findIndex((other) => other.path === path) === index,
  )
}

/** Returns {@link refusedFiles} as faults of a check. They are errors, because the daemon refuses these files. */
export function faultsOfFiles(config: Config): readonly Fault[] {
  const refused = refusedFiles(config).flatMap(({ path, faults }) =>
    faults.map(({ message, cure }): Fault => ({
      severity: 'error',
      ...(path === config.file ? {} : { file: path }),
      line: 1,
      column: 1,
      message,
      hint: cure,
    })),
  )
  return [...refused, ...faultsOfBarred(config)]
}

/** A file that the daemon of a config cannot use because of its `User`. */
export interface BarredFile {
  /** The line of the config that names it, from 1. */
  readonly line: number
  readonly fault: FileFault
}

/**
 * Returns the files that the daemon of a config cannot use because of its `User`. Files that nobody can use, such as
 * missing ones, are not among them.
 */
export function barredFiles(config: Config): readonly BarredFile[] {
  const account = daemonAccount(config)
  if (account === undefined) return []
  const files = namedFiles(config)
  const barred = asDaemon(config, () => files.map((file) => barredFile(file)))
  return files.flatMap(({ line }, index): readonly BarredFile[] => {
    const fault = barred[index]?.(account)
    return fault === undefined ? [] : [{ line, fault }]
  })
}

/** Returns {@link barredFiles} as errors of the config. */
export function faultsOfBarred(config: Config): readonly Fault[] {
  return barredFiles(config).map(({ line, fault: { message, cure } }) => faultAt('error', line, 1, message, cure))
}
