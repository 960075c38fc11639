import type { Socket } from 'node:net'
import { ClientError } from '../fault.ts'

const STDOUT = 1

const HINT = 'ssh wants it where `ProxyUseFdpass yes` stands beside its ProxyCommand'

/**
 * Hands a connection itself over to whoever holds the other end of standard output, as ssh's ProxyUseFdpass has it, and
 * lets go of it. Of a connection that has never been read from nothing is lost. Throws a ClientError when that cannot be.
 */
export async function handOver(socket: Socket): Promise<void> {
  if (process.platform !== 'linux')
    throw new ClientError('a connection can be handed over on Linux alone', 'leave -F out')
  const [{ passDescriptor }, { errorName }] = await Promise.all([
    import('../../native/pass-descriptor.ts'),
    import('../../native/libc.ts'),
  ])
  const fd = descriptorOf(socket)
  if (fd === undefined)
    throw new ClientError('this Node.js does not tell the descriptor of a connection', 'leave -F out')
  if (!passDescriptor(STDOUT, fd)) {
    throw new ClientError(`standard output takes no connection: ${errorName()}`, HINT)
  }
  socket.destroy()
}

/** Node has it, but documents no way to it. */
function descriptorOf(socket: Socket): number | undefined {
  const handle = Reflect.get(socket, '_handle') as { readonly fd?: unknown } | null
  return typeof handle?.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined
}
