import { formatAddress, parseAddress, sameAddress } from '../packet/address.ts'
import type { Address } from '../packet/address.ts'
import { TCP } from '../packet/packet.ts'
import { ancestry } from './processes.ts'
import type { AncestorProcess } from './processes.ts'
import { ESTABLISHED, socketsOf } from './sockets.ts'
import type { Socket } from './sockets.ts'

/** sshd(8) says there who is connected: address and port of the client, then of the server. */
const VARIABLE = 'SSH_CONNECTION'
/** Programs that serve ssh, by the names that the kernel has for them: what is right below them has it from them. */
const SERVERS: ReadonlySet<string> = new Set(['sshd', 'sshd-session', 'dropbear'])
/** Programs whose shells outlast the connection in which they were started, and are typed in over others. */
const MULTIPLEXERS = /^(?:tmux|screen|dtach|abduco|zellij|mosh-server)(?=$|[:.-])/i

/** The other end of a connection. */
export interface Peer {
  readonly address: string
  readonly port: number
}

/** What can be told of the ssh connection in which this command was typed. */
export interface SshSession {
  /** Who is at the other end, as the environment or the sshd above says; `undefined`: nobody says anything of ssh. */
  readonly peer: Peer | undefined
  /**
   * `live`: an sshd above this command says so, and the connection is established. `unsure`: it is established, but no sshd is
   * above, so it may be somebody else's. `ended`: there is no such connection now.
   */
  readonly state: 'live' | 'unsure' | 'ended'
  /** The port of this host at which that connection is; `undefined`: nobody says. */
  readonly port: number | undefined
  /** The program between this command and an sshd that outlasts connections: `tmux`. */
  readonly multiplexer: string | undefined
}

/** What is asked of the machine; the tests have their own. */
export interface SshSurroundings {
  /** From this process upwards. */
  readonly processes: readonly AncestorProcess[]
  /** TCP sockets. */
  readonly sockets: Iterable<Socket>
}

/** Looks in which ssh connection this command was typed. */
export function sshSession(of: SshSurroundings = thisMachine()): SshSession {
  const server = of.processes.findIndex(({ name }, index) => index > 0 && SERVERS.has(name))
  const below = server < 0 ? of.processes : of.processes.slice(0, server)
  const multiplexer = below.flatMap(({ name }) => MULTIPLEXERS.exec(name)?.[0] ?? []).at(0)
  const above = server >= 0 && multiplexer === undefined
  // The environment of a shell may have been handed on by others; that of sshd's own child is sshd's word.
  const asked = above ? below.toReversed() : below
  const connection = asked.map(connectionIn).find((one) => one !== undefined)
  if (connection === undefined) return { peer: undefined, state: 'unsure', port: undefined, multiplexer }
  const {
    client,
    server: { port },
  } = connection
  const established = [...of.sockets].some((socket) => isOf(socket, connection))
  const peer = { address: formatAddress(client.address), port: client.port }
  if (!established) return { peer, state: 'ended', port, multiplexer }
  return { peer, state: above ? 'live' : 'unsure', port, multiplexer }
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
  // A link-local address has its interface behind it.
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
