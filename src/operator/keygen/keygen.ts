import type { Output } from '../check.ts'
import { runCommand } from '../command.ts'
import type { CommandGroup } from '../command.ts'

const HELP = `usage: postern keygen COMMAND [ARGUMENT]...

  totp DOOR         make the secret of a door's time-based codes
  server            make this server's key for single packets
  user [NAME]       make your own key for single packets

  -h, --help        show this help; each command has its own
`

const KEYGEN: CommandGroup = {
  name: 'postern keygen',
  help: HELP,
  commands: {
    totp: async () => (await import('./totp.ts')).totp,
    server: async () => (await import('./server.ts')).server,
    user: async () => (await import('./user.ts')).user,
  },
}

/** Runs `postern keygen`, and returns the exit code. */
export async function keygen(argv: readonly string[], output: Output): Promise<number> {
  return await runCommand(KEYGEN, argv, output)
}
