import type { Socket } from 'node:net'
import { HERE } from '../../file/platform.ts'
import type { Platform } from '../../file/platform.ts'
import { ClientError } from '../fault.ts'
import { loadNative } from '../native-part.ts'

const STDOUT = 1

const WITHOUT = 'leave -F and ProxyUseFdpass out'
const HINT = 'set `ProxyUseFdpass yes` beside ProxyCommand, or leave -F out'

/**
 * Passes a connection to the process at the other end of standard output, like ssh's ProxyUseFdpass, and closes it
 * here. No data is lost, because nothing was read from it.
 *
 * @throws ClientError if that fails
 */
export type HandOver = (socket: Socket) => void

/** Loads the function that hands over. @throws ClientError if this is not Linux, or koffi is missing */
export async function handOverHere({ os }: Platform = HERE): Promise<HandOver> {
  if (os !== 'linux') throw new ClientError('-F works only on Linux', WITHOUT)
  const { passDescriptor } = await loadNative(
    async () => import('../../native/pass-descriptor.ts'),
    'hand over a connection',
    WITHOUT,
  )
  const { errorName } = await import('../../native/libc.ts')
  return (socket) => pass(socket, passDescriptor, errorName)
}

function pass(socket: Socket, passDescriptor: (over: number, fd: number) => boolean, errorName: () => string): void {
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
