import { HERE } from '../file/platform.ts'
import type { Platform } from '../file/platform.ts'

/** The folder of Postern's files in a folder of the user's. */
const NAME = 'postern'

/**
 * Returns the folder of the client's files: `postern` in `XDG_CONFIG_HOME` or `~/.config` (XDG Base Directory
 * Specification), or in `%APPDATA%` on Windows. macOS has it where its other command-line tools have theirs: the path
 * of `~/Library/Application Support` has a blank, which ssh_config(5) and shells need in quotes.
 */
export function configFolder(platform: Platform = HERE): string {
  return folderOf(platform, 'XDG_CONFIG_HOME', ['.config'], 'APPDATA', ['AppData', 'Roaming'])
}

/** Returns the folder of what the client remembers, which stays on this machine: `XDG_STATE_HOME`, `%LOCALAPPDATA%`. */
export function stateFolder(platform: Platform = HERE): string {
  return folderOf(platform, 'XDG_STATE_HOME', ['.local', 'state'], 'LOCALAPPDATA', ['AppData', 'Local'])
}

function folderOf(
  { os, env, home, path }: Platform,
  variable: string,
  inHome: readonly string[],
  onWindows: string,
  inProfile: readonly string[],
): string {
  const isWindows = os === 'win32'
  const set = env[isWindows ? onWindows : variable] ?? ''
  return path.join(...(path.isAbsolute(set) ? [set] : [home, ...(isWindows ? inProfile : inHome)]), NAME)
}

/** Expands `~/` to the home folder, on Windows `~\` too. */
export function expandHome(path: string, platform: Platform = HERE): string {
  const isInHome = path.startsWith('~/') || (platform.os === 'win32' && path.startsWith('~\\'))
  return isInHome ? platform.path.join(platform.home, path.slice(2)) : path
}

/** Returns the file with the names of ports (services(5)). */
export function servicesFile({ os, env, path }: Platform = HERE): string {
  if (os !== 'win32') return '/etc/services'
  return path.join(env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'services')
}
