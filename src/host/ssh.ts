import { formatAddress, parseAddress, sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { ancestry } from './processes.ts'
import type { AncestorProcess } from './processes.ts'
import { ESTABLISHED, socketsOf } from './sockets.ts'
import type { Socket } from './sockets.ts'

/** The variable of sshd(8) with the connection: address and port of the client, then of the server. */
const VARIABLE = 'SSH_CONNECTION'
/** Programs that serve ssh, by their names in the kernel. Their children get the variable from them. */
const SERVERS: ReadonlySet<string> = new Set(['sshd', 'sshd-session', 'dropbear'])
/** Programs whose shells survive their connection, and are used over others later. */
const MULTIPLEXERS = /^(?:tmux|screen|dtach|abduco|zellij|mosh-server)(?=$|[:.-])/i

/** The other end of a connection. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** The ssh connection in which this command was typed, as far as it is known. */
export interface SshSession {
  /** The client, from the environment or from the child of an sshd above; `undefined`: no variable names one. */
  readonly peer: Peer | undefined
  /**
   * `live`: a child of an sshd above this command has the variable, and the connection is established. `unsure`: it is
   * established, but no sshd is above, so it may be somebody else's. `ended`: the connection no longer exists.
   */
  readonly state: 'live' | 'unsure' | 'ended'
  /** The address and port of this host in that connection; `undefined`: unknown. */
  readonly address: string | undefined
  readonly port: number | undefined
  /** A program that survives connections, such as `tmux`, between this command and an sshd. */
  readonly multiplexer: string | undefined
}

/** The machine's processes and sockets. Tests replace them. */
export interface SshSurroundings {
  /** This process and its ancestors. */
  readonly processes: readonly AncestorProcess[]
  /** The TCP sockets. */
  readonly sockets: Iterable<Socket>
}

/** Finds the ssh connection in which this command was typed. */
export function sshSession(of: SshSurroundings = thisMachine()): SshSession {
  const server = of.processes.findIndex(({ name }, index) => index > 0 && SERVERS.has(name))
  const below = server < 0 ? of.processes : of.processes.slice(0, server)
  const multiplexer = below.flatMap(({ name }) => MULTIPLEXERS.exec(name)?.[0] ?? []).at(0)
  const above = server >= 0 && multiplexer === undefined
  // A shell may have inherited its environment from elsewhere; that of sshd's own child comes from sshd.
  const asked = above ? below.toReversed() : below
  const connection = asked.map(connectionIn).find((one) => one !== undefined)
  if (connection === undefined) {
    return { peer: undefined, state: 'unsure', address: undefined, port: undefined, multiplexer }
  }
  const { client, server: own } = connection
  const here = { address: formatAddress(own.address), port: own.port, multiplexer }
  const established = [...of.sockets].some((socket) => isOf(socket, connection))
  const peer = { address: formatAddress(client.address), port: client.port }
  if (!established) return { peer, state: 'ended', ...here }
  return { peer, state: above ? 'live' : 'unsure', ...here }
}

function thisMachine(): SshSurroundings {
  return { processes: ancestry(), sockets: socketsOf(TCP) }
}

interface End {
  readonly address: Address
  readonly port: number
}

interface Connection {
  readonly client: End
  readonly server: End
}

function connectionIn({ environment }: AncestorProcess): Connection | undefined {
  const value = environment.find((one) => one.startsWith(`${VARIABLE}=`))?.slice(VARIABLE.length + 1)
  const [from = '', fromPort = '', to = '', toPort = ''] = value?.split(' ') ?? []
  // A link-local address ends with its interface.
  const [client, server] = [from, to].map((text) => parseAddress(text.replace(/%.*$/, '')))
  if (client === undefined || server === undefined) return undefined
  return { client: { address: client, port: Number(fromPort) }, server: { address: server, port: Number(toPort) } }
}

function isOf(socket: Socket, { client, server }: Connection): boolean {
  return (
    socket.state === ESTABLISHED &&
    socket.peerPort === client.port &&
    socket.port === server.port &&
    sameAddress(socket.peer, client.address) &&
    sameAddress(socket.address, server.address)
  )
}
