import type { Output } from '../client.ts'
import { ClientError, UsageError } from '../fault.ts'
import { isRefusal, reasonFor } from '../refusal.ts'
import { parseProxy } from './arguments.ts'

/** Exit codes of `postern proxy`. */
const DONE = 0
const FAILED = 1
const USAGE_FAULT = 2

/**
 * Runs `postern proxy`: knocks, connects, and relays standard input and output until the connection ends.
 * @returns the exit code
 */
export async function proxy(argv: readonly string[], { out, err }: Output): Promise<number> {
  const tell = (line: string): void => err(`postern: ${line}\n`)
  try {
    const request = parseProxy(argv)
    if (request === undefined) {
      out((await import('./usage.ts')).PROXY_USAGE)
      return DONE
    }
    const { openConnection } = await import('./opening.ts')
    const socket = await openConnection(request, tell)
    if (request.passFd) await (await import('./hand-over.ts')).handOver(socket)
    else {
      const { join, standardOutput } = await import('./join.ts')
      await join(socket, process.stdin, standardOutput())
    }
    return DONE
  } catch (error) {
    if (error instanceof UsageError || error instanceof ClientError) {
      tell(error.hint === undefined ? error.message : `${error.message}\n  ${error.hint}`)
      return error instanceof UsageError ? USAGE_FAULT : FAILED
    }
    if (!isRefusal(error)) throw error
    tell(reasonFor(error))
    return FAILED
  }
}
