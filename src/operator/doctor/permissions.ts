import type { Config } from '../../config/config.ts'
import { faultsOfFile, faultsOfFolder } from '../../file/faults.ts'
import { SECRET } from '../../file/policy.ts'
import { refusedFiles } from '../key-files.ts'
import type { Finding } from './finding.ts'
import { shellWord } from './finding.ts'

/** Files that hold or name secrets, or commands that root runs, and that others can read or change. */
export function judgePermissions(config: Config, stateFolder: string): readonly Finding[] {
  const refused = refusedFiles(config)
  const told = new Set<string>()
  const findings: Finding[] = []
  const tell = (message: string, mend: string, byHand = false): void => {
    // A folder that others can write is told of once, however many files are in it.
    if (told.has(mend)) return
    told.add(mend)
    const finding = { severity: 'fault', subject: 'permissions', message } as const
    findings.push(byHand ? { ...finding, message: `${message}; ${mend}` } : { ...finding, mend })
  }
  for (const { path, faults } of refused) {
    for (const { message, cure, byHand } of faults) tell(`${path} is refused: ${message}`, cure, byHand)
  }
  for (const path of readableFiles(config)) {
    // As knockd does, the daemon takes these whoever can read them.
    for (const { message } of faultsOfFile(path, SECRET)) {
      if (!refused.some((each) => each.path === path))
        tell(`${path} holds secrets: ${message}`, `chmod 600 ${shellWord(path)}`)
    }
  }
  const folder = config.options.stateDir ?? stateFolder
  for (const { message, cure, byHand } of faultsOfFolder(folder)) {
    tell(`${folder}: ${message}`, cure, byHand)
  }
  return findings
}

/** Files of knockd's own kinds, which the daemon takes though others can read them. */
function readableFiles({ file, doors }: Config): readonly string[] {
  return [file, ...doors.flatMap(({ secret }) => (secret.kind === 'one-time' ? [secret.path] : []))]
}
