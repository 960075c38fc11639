import { readCommand } from '../../src/cli/command.ts'
import type { Command } from '../../src/cli/command.ts'
import type { CommandGroup } from '../../src/cli/group.ts'
import { KNOCK } from '../../src/client/arguments.ts'
import { KNOCK_SPA, wantsSpa } from '../../src/client/spa/arguments.ts'
import { KNOCKD } from '../../src/daemon/arguments.ts'
import { POSTERN } from '../../src/postern/postern.ts'

/** A word, or an operator of the shell. Quoted parts of a word belong to it. */
const TOKEN = /(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'|;&><])+|&&|\|\||[|;&]|>+|<+/g

/** Returns the commands in lines of a shell, each as its words. Comments and redirections are left out. */
export function commandsIn(lines: readonly string[]): readonly (readonly string[])[] {
  const whole = lines.join('\n').replaceAll(/\\\n/g, ' ').replaceAll(/&&\n/g, '&& ')
  return whole.split('\n').flatMap((line) => split(line.replace(/(?:^|\s)#.*$/, '')))
}

function split(line: string): readonly (readonly string[])[] {
  const commands: string[][] = [[]]
  let redirected = false
  for (const [token] of line.matchAll(TOKEN)) {
    if (/^(?:&&|\|\||[|;&])$/.test(token)) commands.push([])
    else if (/^[<>]+$/.test(token)) redirected = true
    else if (redirected) redirected = false
    else commands.at(-1)!.push(token.replaceAll(/["']/g, ''))
  }
  return commands.map((words) => (words[0] === 'sudo' ? words.slice(1) : words)).filter((words) => words.length > 0)
}

/** Returns the command of Postern's that the words run; `undefined`: another program, or no such command. */
export function commandOf([program, ...words]: readonly string[]): Command | undefined {
  if (program === 'knockd') return KNOCKD
  if (program === 'knock') return wantsSpa(words) ? KNOCK_SPA : KNOCK
  return program === 'postern' ? rowOf(POSTERN, words) : undefined
}

function rowOf(group: CommandGroup, [word, ...rest]: readonly string[]): Command | undefined {
  const row = group.commands.find(({ name }) => name === `${group.name} ${word}`)
  return row === undefined || !('commands' in row) ? row : rowOf(row, rest)
}

/** Returns true if the words run one of Postern's programs. */
export function isOurs([program = '']: readonly string[]): boolean {
  return ['knock', 'knockd', 'postern'].includes(program)
}

/** Reads a command line of Postern's. @throws UsageError, and Error if there is no such command */
export function readLine(words: readonly string[]): void {
  const row = commandOf(words)
  if (row === undefined) throw new Error(`no such command: ${words.join(' ')}`)
  const before = words[0] === 'postern' ? row.name.split(' ').length : 1
  readCommand(row, words.slice(before))
}
