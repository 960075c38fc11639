import { existsSync, symlinkSync } from 'node:fs'
import { scratch } from './scratch.ts'

const SHELL = '/bin/bash'
let named: string | undefined

/**
 * A command as if it were typed in a session of sshd(8) over this connection, named as in SSH_CONNECTION: below a process that
 * the kernel calls `sshd`, so that nothing above the tests themselves counts.
 */
export function asTyped(connection: string, argv: readonly string[]): readonly string[] {
  if (named === undefined || !existsSync(named)) {
    named = scratch('sshd').replace(/[^/]*$/, 'sshd')
    symlinkSync(SHELL, named)
  }
  // What comes after keeps the shell from giving its process to the command.
  return [named, '-c', 'SSH_CONNECTION="$0" "$@"; exit $?', connection, ...argv]
}
