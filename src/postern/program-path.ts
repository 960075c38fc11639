import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { firewallProgram } from '../lint/firewall.ts'
import type { ProgramFacts } from '../lint/facts.ts'

/** The folders in which a service's shell looks for programs, and those for administration. */
export const PROGRAM_FOLDERS = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

/** Returns the path of a program on this machine, by its name without a folder. */
export function programPath(name: string): string | undefined {
  if (name === '' || name !== basename(name)) return undefined
  return PROGRAM_FOLDERS.map((folder) => join(folder, name)).find(isExecutable)
}

/** Looks up a program by its path or its name. */
export function programFacts(name: string): ProgramFacts {
  if (name.includes('/') ? isExecutable(name) : programPath(name) !== undefined) return { state: 'there' }
  // Another program of the same name may do something else: only firewall programs are suggested by name.
  const meant = programPath(firewallProgram(basename(name)) ?? '')
  return { state: existsSync(name) ? 'barred' : 'absent', ...(meant === undefined ? {} : { meant }) }
}

/** Returns true for a file that this user may run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
