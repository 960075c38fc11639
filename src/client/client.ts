import { runCommand } from '../cli/command.ts'
import type { Output } from '../cli/output.ts'
import { KNOCK } from './arguments.ts'
import { KNOCK_SPA, wantsSpa } from './spa/arguments.ts'

/**
 * Runs the knock program with the words after its name, and returns the exit code. It throws only internal errors. Help
 * and version load neither sockets nor the resolver.
 */
export async function client(argv: readonly string[], output: Output): Promise<number> {
  return await runCommand(wantsSpa(argv) ? KNOCK_SPA : KNOCK, argv, output)
}
