import type { CommandText } from './placed-door.ts'
import type { Facts } from './facts.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { isTypographic } from './paste.ts'

/** Words that the shell itself carries out (POSIX shell, 2.9.4, 2.14 and 4), including dash's extensions. */
const OF_THE_SHELL: ReadonlySet<string> = new Set(
  `. : [ alias bg break cd chdir command continue do done echo elif else esac eval exec exit export false fg fi for getopts
  hash if in jobs kill local printf pwd read readonly return set shift test then times trap true type ulimit umask unalias
  unset until wait while case source`.split(/\s+/),
)

/** Warns of programs that do not exist or cannot be run. It skips opaque scripts, such as those with loops. */
export function warnOfPrograms(
  commands: Iterable<CommandText | undefined>,
  program: NonNullable<Facts['program']>,
  faults: FaultList,
): void {
  for (const command of new Set(commands)) {
    if (command === undefined || command.script.opaque || isTypographic(command.text)) continue
    const { wrappers, commands: programs } = command.script
    const named = programs.map((words) => words[0]!)
    for (const word of [...wrappers, ...named]) {
      const { text, offset } = word
      // Only a whole path, or a name that the shell looks up, tells which file is meant.
      if (!/^(\/[\w./+-]+|[\w.+-]+)$/.test(text) || OF_THE_SHELL.has(text)) continue
      const { state, meant } = program(text)
      if (state === 'there') continue
      const what =
        state === 'absent' ? `there is no program ${quote(text)} on this machine` : `${quote(text)} cannot be run`
      const hint = wrappers.includes(word)
        ? 'take it out: the daemon runs as root already'
        : meant !== undefined
          ? `write ${quote(meant)}`
          : state === 'absent'
            ? 'install it, or write its path'
            : REMEDIES.mode('+x', text)
      faults.warning(command.line, command.column + offset, what, hint)
    }
  }
}
