import { ControlError, ask, findSocket } from '../../control/client.ts'
import type { Reply, Request } from '../../control/message.ts'
import type { Output } from '../check.ts'
import { SourceError, UsageError, readArguments } from './arguments.ts'
import type { ControlArguments } from './arguments.ts'

/** The exit codes. */
export const DONE = 0
export const NOT_DONE = 1
const USAGE = 2

/** A command that talks to the daemon. */
export interface Talk {
  readonly command: 'open' | 'close' | 'forgive' | 'status' | 'accept-loss'
  readonly help: string
  /** Makes the request. @throws UsageError, or an Error if the request cannot be made */
  request(args: ControlArguments): Request | Promise<Request>
  /** Formats the reply. */
  show(reply: Exclude<Reply, { readonly error: string }>, args: ControlArguments): string
}

/** Sends a request to the daemon, prints the reply, and returns the exit code. */
export async function talk(how: Talk, argv: readonly string[], output: Output): Promise<number> {
  try {
    const args = readArguments(how.command, argv)
    if (args.help) {
      output.out(how.help)
      return DONE
    }
    const request = await how.request(args)
    const reply = await ask(findSocket(args.config, args.interfaces), request)
    if ('error' in reply) {
      output.err(`postern: ${reply.error}\n${reply.hint === undefined ? '' : `  ${reply.hint}\n`}`)
      return NOT_DONE
    }
    output.out(how.show(reply, args))
    return DONE
  } catch (error) {
    if (error instanceof UsageError) {
      output.err(`postern: ${error.message}\n${how.help.slice(0, how.help.indexOf('\n'))}\n`)
      return USAGE
    }
    const hint = error instanceof ControlError || error instanceof SourceError ? `  ${error.hint}\n` : ''
    output.err(`postern: ${(error as Error).message}\n${hint}`)
    return NOT_DONE
  }
}
