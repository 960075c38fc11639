import type { Socket } from 'node:net'
import { ClientError } from '../fault.ts'

const STDOUT = 1

const HINT = 'set `ProxyUseFdpass yes` beside ProxyCommand, or leave -F out'

/**
 * Passes a connection to the process at the other end of standard output, like ssh's ProxyUseFdpass, and closes it
 * here. No data is lost, because nothing was read from it.
 *
 * @throws ClientError if that fails
 */
export async function handOver(socket: Socket): Promise<void> {
  if (process.platform !== 'linux') throw new ClientError('-F works only on Linux', 'leave -F out')
  const { passDescriptor } = await import('../../native/pass-descriptor.ts')
  const { errorName } = await import('../../native/libc.ts')
  const fd = descriptorOf(socket)
  if (fd === undefined)
    throw new ClientError('cannot get the descriptor of a connection from this Node.js', 'leave -F out')
  if (!passDescriptor(STDOUT, fd)) {
    throw new ClientError(`cannot pass the connection to standard output: ${errorName()}`, HINT)
  }
  socket.destroy()
}

/** Returns the descriptor. Node has it, but no documented access to it. */
function descriptorOf(socket: Socket): number | undefined {
  const handle = Reflect.get(socket, '_handle') as { readonly fd?: unknown } | null
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}
