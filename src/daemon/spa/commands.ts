import type { Commands } from '../../config/config.ts'
import { cycleArguments } from '../../spa/fwknop/cycle.ts'
import { RUN_AS } from './command-rights.ts'
import type { CommandGranted } from './fwknops.ts'

const SECOND_MS = 1_000
const SHELL = '/bin/sh'

/** What a packet of fwknop's has run, and for how many milliseconds it holds: as the shell gets it. */
export function commandsFor(
  { door, stanza, grant, arrival }: CommandGranted,
  now: number,
): Commands & { readonly ms: number } {
  if (grant.kind === 'command') {
    const { user, group } = stanza.commands!
    return { start: asUser(grant.command, user, group), stop: undefined, ms: 0 }
  }
  const { source, destination } = arrival
  // Whatever stanza and client say, the door's Open_For is a bound.
  const openS = Math.min(grant.openS, Math.ceil(door.cmdTimeoutMs / SECOND_MS))
  const facts = { address: grant.address, source, destination, port: grant.ports[0]!, openS, now }
  // Its words mean nothing to a shell.
  const words = (command: string): string => cycleArguments(command, facts).map(quoted).join(' ')
  const { open, close } = stanza.cycle!
  return {
    start: words(open),
    stop: close === undefined ? undefined : words(close),
    ms: facts.openS * SECOND_MS,
  }
}

/** A command line run as somebody else, by runuser(1). */
function asUser(command: string, user: string | undefined, group: string | undefined): string {
  if (user === undefined && group === undefined) return command
  const who = [...(user === undefined ? ['-u', 'root'] : ['-u', user]), ...(group === undefined ? [] : ['-g', group])]
  return [RUN_AS, ...who, '--', SHELL, '-c', command].map(quoted).join(' ')
}

/** A word that means itself to a shell (POSIX, 2.2.2). */
function quoted(word: string): string {
  return /^[\w./:,@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
