import { DONE } from '../../cli/exit-code.ts'
import { Failure } from '../../cli/fault.ts'
import type { Output } from '../../cli/output.ts'
import { isRefusal, reasonFor } from '../refusal.ts'
import type { ProxyRequest } from './arguments.ts'
import { openConnection } from './opening.ts'

/**
 * Runs `postern proxy`: knocks, connects, and relays standard input and output until the connection ends.
 *
 * @returns the exit code
 * @throws Failure if there is no connection, or it breaks
 */
export async function proxy(request: ProxyRequest, { err }: Output): Promise<number> {
  try {
    // What cannot be handed over costs no code, and opens no door.
    const handOver = request.passFd ? await (await import('./hand-over.ts')).handOverHere() : undefined
    const socket = await openConnection(request, (line) => err(`postern: ${line}\n`))
    if (handOver !== undefined) handOver(socket)
    else {
      const { join, standardOutput } = await import('./join.ts')
      await join(socket, process.stdin, standardOutput())
    }
    return DONE
  } catch (error) {
    if (!isRefusal(error)) throw error
    throw new Failure(reasonFor(error), undefined, error)
  }
}
