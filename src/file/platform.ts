import { homedir, userInfo } from 'node:os'
import path from 'node:path'
import type { PlatformPath } from 'node:path'

/** The properties of a system that the client depends on. Tests pass those of a system that they do not run on. */
export interface Platform {
  readonly os: NodeJS.Platform
  /** The environment. Windows ignores the case of its names. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** The user's home folder. */
  readonly home: string
  readonly username: string
  readonly path: PlatformPath
}

/** The home folder of a user without one, as login(1) and container runtimes set it. */
const NO_HOME = '/'

/** The system that this process runs on. In a container, its user may have no account (passwd(5)). */
export const HERE: Platform = {
  os: process.platform,
  env: process.env,
  path,
  get home() {
    try {
      return homedir()
    } catch {
      return NO_HOME
    }
  },
  get username() {
    try {
      return userInfo().username
    } catch {
      return String(process.geteuid?.() ?? 'user')
    }
  },
}

/** Returns false on Windows, where stat(2) has neither owners nor permissions of files. */
export function hasOwners({ os }: Platform): boolean {
  return os !== 'win32'
}
