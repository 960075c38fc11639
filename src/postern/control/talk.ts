import { DONE, FAILED } from '../../cli/exit-code.ts'
import { failed, faultText } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { ask, findSocket } from '../../control/client.ts'
import type { Reply, Request } from '../../control/message.ts'
import type { DaemonArguments } from './arguments.ts'

/** A reply of a daemon that did what it was asked. */
export type Answer = Exclude<Reply, { readonly error: string }>

/**
 * Sends a request to the daemon, prints the reply, and returns the exit code.
 *
 * @param request makes the request; it may throw UsageError, or an Error if the request cannot be made
 * @param show formats the reply
 */
export async function talk(
  daemon: DaemonArguments,
  output: Output,
  request: () => Request | Promise<Request>,
  show: (reply: Answer) => string = doneText,
): Promise<number> {
  try {
    const asked = await request()
    const reply = await ask(findSocket(daemon.config, daemon.interface.flat()), asked)
    if ('error' in reply) {
      output.err(faultText('postern', reply.error, reply.hint))
      return FAILED
    }
    output.out(show(reply))
    return DONE
  } catch (error) {
    return failed(error, output)
  }
}

/** Formats the reply to a change. */
export function doneText(reply: Answer): string {
  return 'done' in reply ? `${reply.done}\n` : ''
}
