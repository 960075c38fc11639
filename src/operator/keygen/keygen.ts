import { USAGE } from '../check.ts'
import type { Output } from '../check.ts'

const HELP = `usage: postern keygen COMMAND [ARGUMENT]...

  totp DOOR         make the secret of a door's time-based codes
  server            make this server's key for single packets
  user [NAME]       make your own key for single packets

  -h, --help        print this; a command has a --help of its own
`

/** Runs `postern keygen`, and gives the exit code. */
export async function keygen(argv: readonly string[], output: Output): Promise<number> {
  const [command, ...args] = argv
  switch (command) {
    case '-h':
    case '--help':
      output.out(HELP)
      return 0
    case 'totp': {
      const { totp } = await import('./totp.ts')
      return await totp(args, output)
    }
    case 'server': {
      const { server } = await import('./server.ts')
      return await server(args, output)
    }
    case 'user': {
      const { user } = await import('./user.ts')
      return await user(args, output)
    }
    case undefined:
      output.err('postern: keygen: no command is given\n  postern keygen --help lists them\n')
      return USAGE
    default:
      output.err('postern: keygen: no such command\n  postern keygen --help lists them\n')
      return USAGE
  }
}
