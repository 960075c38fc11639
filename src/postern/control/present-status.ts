import { ask, findSocket } from '../../control/client.ts'
import type { Status } from '../../control/message.ts'

/** Returns the status of the daemon with this config; `undefined` if none answers, or this user may not ask it. */
export async function presentStatus(file: string, interfaces: readonly string[]): Promise<Status | undefined> {
  try {
    const reply = await ask(findSocket(file, interfaces), { command: 'status' })
    return 'status' in reply ? reply.status : undefined
  } catch {
    return undefined
  }
}
