import type { Commands, Door } from '../../../config/config.ts'
import type { Grant } from '../../../door/grant.ts'
import type { Address } from '../../../packet/address.ts'
import type { Grant as StanzaGrant } from '../access.ts'
import { cycleArguments } from '../cycle.ts'
import type { CommandCycle, Stanza } from '../stanza.ts'
import { RUN_AS } from './command-rights.ts'

const SECOND_MS = 1_000
const SHELL = '/bin/sh'

/** Returns the shell command for the command of a packet. */
export function commandsOf({ commands }: Stanza, command: string): Commands {
  return { start: asUser(command, commands?.user, commands?.group), stop: undefined }
}

/** Returns the shell commands of a command cycle for a packet, and the milliseconds between them. */
export function cycleOf(
  { open, close }: CommandCycle,
  { cmdTimeoutMs }: Door,
  { address, ports, openS: wantedS }: Extract<StanzaGrant, { kind: 'access' }>,
  around: { readonly source: Address; readonly destination: Address; readonly now: number },
): Required<Pick<Grant, 'commands' | 'ms'>> {
  // The door's Open_For is an upper limit for the times of stanza and client.
  const openS = Math.min(wantedS, Math.ceil(cmdTimeoutMs / SECOND_MS))
  const facts = { ...around, address, port: ports[0]!, openS }
  // Each word is quoted for the shell.
  const words = (command: string): string => cycleArguments(command, facts).map(quoted).join(' ')
  const stop = close === undefined ? undefined : words(close)
  return { commands: { start: words(open), stop }, ms: openS * SECOND_MS }
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
