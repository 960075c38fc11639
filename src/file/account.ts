import { readFileSync } from 'node:fs'
import { spawnSync } from '../native/spawn.ts'

/** Milliseconds that the name services may take to look up an account. */
const LOOKUP_MAX_MS = 2_000

/** A user of this machine (passwd(5)). */
export interface Account {
  readonly name: string
  readonly uid: number
  /** The user's first group. */
  readonly gid: number
  /** The name of that group, or its number if it has none. */
  readonly group: string
  readonly home: string
}

/** Returns a user's account; `undefined`: there is no such user. The file comes before the name services. */
export function findAccount(name: string): Account | undefined {
  const line = lineOf('passwd', (words) => words[0] === name) ?? asked('passwd', name)
  const [, , uid, gid, , home] = line ?? []
  if (!isNumber(uid) || !isNumber(gid)) return undefined
  const group = lineOf('group', (words) => words[2] === gid)?.[0] ?? asked('group', gid)?.[0] ?? gid
  return { name, uid: Number(uid), gid: Number(gid), group, home: home === undefined || home === '' ? '/' : home }
}

/** Returns the words of the first fitting line of a file in /etc. */
function lineOf(
  database: 'passwd' | 'group',
  fits: (words: readonly string[]) => boolean,
): readonly string[] | undefined {
  try {
    return readFileSync(`/etc/${database}`, 'utf8')
      .split('\n')
      .map((line) => line.split(':'))
      .find(fits)
  } catch {
    return undefined
  }
}

function asked(database: 'passwd' | 'group', key: string): readonly string[] | undefined {
  const { stdout } = spawnSync('getent', [database, key], { encoding: 'utf8', timeout: LOOKUP_MAX_MS })
  const [line = ''] = (stdout ?? '').split('\n')
  return line === '' ? undefined : line.split(':')
}

function isNumber(text: string | undefined): text is string {
  return text !== undefined && /^[0-9]{1,10}$/.test(text)
}
