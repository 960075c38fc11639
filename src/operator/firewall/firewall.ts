import type { Output } from '../check.ts'
import { runCommand } from '../command.ts'
import type { CommandGroup, Run } from '../command.ts'
import type { Command } from './base/asked.ts'

const HELP = `usage: postern firewall COMMAND [ARGUMENT]...

  print             print a base ruleset for a server that has none
  apply             load it on trial: it is taken back unless you confirm it
  confirm           confirm it, over a new connection
  restore           load again what was confirmed
  remove            remove it
  status            show the state
  kernel            print rules with which the kernel does the knocking, without
                    a daemon

  -h, --help        show this help; each command has its own
`

const FIREWALL: CommandGroup = {
  name: 'postern firewall',
  help: HELP,
  commands: {
    print: ofBase('print'),
    apply: ofBase('apply'),
    confirm: ofBase('confirm'),
    restore: ofBase('restore'),
    remove: ofBase('remove'),
    status: ofBase('status'),
    kernel: async () => (await import('./kernel.ts')).kernel,
  },
}

function ofBase(command: Command): () => Promise<Run> {
  return async () => {
    const { base } = await import('./base/base.ts')
    return async (args, output) => await base(command, args, output)
  }
}

/** Runs `postern firewall`, and gives the exit code. */
export async function firewall(argv: readonly string[], output: Output): Promise<number> {
  return await runCommand(FIREWALL, argv, output)
}
