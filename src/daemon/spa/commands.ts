import type { Commands } from '../../config/config.ts'
import { cycleArguments } from '../../spa/fwknop/cycle.ts'
import { RUN_AS } from './command-rights.ts'
import type { CommandGranted } from './fwknops.ts'

const SECOND_MS = 1_000
const SHELL = '/bin/sh'

/** Returns the shell commands for an fwknop packet, and the milliseconds until the second one. */
export function commandsFor(
  { door, stanza, grant, arrival }: CommandGranted,
  now: number,
): Commands & { readonly ms: number } {
  if (grant.kind === 'command') {
    const { user, group } = stanza.commands!
    return { start: asUser(grant.command, user, group), stop: undefined, ms: 0 }
  }
  const { source, destination } = arrival
  // The door's Open_For is an upper limit for the times of stanza and client.
  const openS = Math.min(grant.openS, Math.ceil(door.cmdTimeoutMs / SECOND_MS))
  const facts = { address: grant.address, source, destination, port: grant.ports[0]!, openS, now }
  // Each word is quoted for the shell.
  const words = (command: string): string => cycleArguments(command, facts).map(quoted).join(' ')
  const { open, close } = stanza.cycle!
  return {
    start: words(open),
    stop: close === undefined ? undefined : words(close),
    ms: facts.openS * SECOND_MS,
  }
}

/** Builds a command line for another user or group, with runuser(1). */
function asUser(command: string, user: string | undefined, group: string | undefined): string {
  if (user === undefined && group === undefined) return command
  const who = [...(user === undefined ? ['-u', 'root'] : ['-u', user]), ...(group === undefined ? [] : ['-g', group])]
  return [RUN_AS, ...who, '--', SHELL, '-c', command].map(quoted).join(' ')
}

/** Quotes a word for the shell (POSIX, 2.2.2). */
function quoted(word: string): string {
  return /^[\w./:,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
