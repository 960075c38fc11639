import type { Config } from '../../config/config.ts'
import { secretFiles } from '../../config/secret.ts'
import { faultsOfFile, faultsOfFolder } from '../../file/faults.ts'
import { SECRET_LIST } from '../../file/policy.ts'
import type { FileFault } from '../../file/policy.ts'
import { asDaemon, barredFiles, refusedFiles } from '../../peer/key-files.ts'
import type { Finding } from './finding.ts'

/** Finds files with secrets, or with commands that root runs, which others can read or change. */
export function judgePermissions(config: Config, stateFolder: string): readonly Finding[] {
  const refused = refusedFiles(config)
  const told = new Set<string>()
  const findings: Finding[] = []
  const tell = (fault: FileFault, where: string): void => {
    // A folder that others can write is reported once for all its files.
    if (told.has(fault.cure)) return
    told.add(fault.cure)
    findings.push(findingOf(fault, where))
  }
  for (const { path, faults } of refused) {
    for (const fault of faults) tell(fault, `${path} is refused`)
  }
  for (const { line, fault } of barredFiles(config)) tell(fault, `line ${line} of ${config.file}`)
  for (const path of readableFiles(config)) {
    // The daemon uses these files even if others can read them, as the classic knockd does.
    if (refused.some((each) => each.path === path)) continue
    for (const fault of asDaemon(config, () => faultsOfFile(path, SECRET_LIST))) tell(fault, `${path} holds secrets`)
  }
  const folder = config.options.stateDir ?? stateFolder
  for (const fault of faultsOfFolder(folder)) tell(fault, folder)
  return findings
}

/**
 * Returns the finding for a fault of a file.
 *
 * @param where the words before the fault, as in `/etc/key is refused`
 */
export function findingOf({ message, cure, byHand }: FileFault, where: string): Finding {
  const finding = { severity: 'fault', subject: 'permissions' } as const
  return byHand === true
    ? { ...finding, message: `${where}: ${message}; ${cure}` }
    : { ...finding, message: `${where}: ${message}`, fix: cure }
}

/** Returns the files that the classic knockd has too. The daemon uses them even if others can read them. */
function readableFiles({ file, doors, options }: Config): readonly string[] {
  const all = doors.flatMap(({ secret }) => secretFiles(secret, options.spaKeyFile))
  return [file, ...all.flatMap(([path, use]) => (use === 'list' ? [path] : []))]
}
