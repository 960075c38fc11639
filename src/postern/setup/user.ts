import { readFileSync } from 'node:fs'

/** The user that Postern's package makes for the daemon. */
const NAME = '_postern'
const ACCOUNTS = '/etc/passwd'
const DIRECTIVE = 'User'

/**
 * Returns the user that the daemon is to run as, where this machine has it.
 *
 * @param options the directives of `[options]`, of which one names the user
 */
export function daemonUser(
  options: { find(name: string): unknown },
  accounts: string = accountsText(),
): string | undefined {
  const has = accounts.split('\n').some((line) => line.startsWith(`${NAME}:`))
  return has && options.find(DIRECTIVE) !== undefined ? NAME : undefined
}

function accountsText(): string {
  try {
    return readFileSync(ACCOUNTS, 'utf8')
  } catch {
    return ''
  }
}
