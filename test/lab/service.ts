import type { Host } from './net.ts'
import type { Lines } from './lines.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import type { Look, Socket, Target } from './resident.ts'

/** Milliseconds {@link probe} waits for an answer from the port. */
const PROBE_LIMIT_MS = 500
/** Milliseconds {@link greeting} waits for the port to speak. */
const GREETING_LIMIT_MS = 1_000

/** The first line of a TCP service in the lab. */
export const GREETING = 'hello from behind the door'

/**
 * A real TCP service on a port of the host, both families, that greets each connection and says back what it is told. It
 * prints `accepted ADDRESS` for each.
 */
export async function serveTcp(host: Host, port: number, text = GREETING): Promise<Socket> {
  const service = host.resident.socket(`port ${port}`)
  await host.resident.ask('serve', { name: service.name, port, greeting: `${text}\n` })
  return service
}

/** The first line that a port says, `''` where nothing does; from one of the host's addresses. */
export async function greeting(from: Host, address: string, port: number, source?: string): Promise<string> {
  return await from.resident.ask('greeting', { address, port, source, limitMs: GREETING_LIMIT_MS })
}

/** A UDP service, both families, that prints `got …` for each datagram and answers `again: …`. */
export async function serveUdp(host: Host, port: number): Promise<Socket> {
  const service = host.resident.socket(`UDP port ${port}`)
  await host.resident.ask('serveUdp', { name: service.name, port })
  return service
}

/** Sends datagrams from one port over and over, and prints `sent` for each and whatever comes back. */
export async function talkUdp(from: Host, address: string, port: number, sourcePort: number): Promise<Socket> {
  const talk = from.resident.socket(`datagrams to ${address} ${port}`)
  await from.resident.ask('talkUdp', { name: talk.name, address, port, sourcePort })
  return talk
}

/** Sends datagrams to a port, as anybody can. */
export async function sendDatagrams(
  from: Host,
  address: string,
  port: number,
  datagrams: readonly Uint8Array[],
): Promise<void> {
  await from.resident.ask('send', { address, port, datagrams })
}

/** Tries to connect from a host. */
export async function probe(
  from: Host,
  address: string,
  port: number,
  limitMs = PROBE_LIMIT_MS,
  source?: string,
): Promise<Look> {
  return await from.resident.ask('probe', { address, port, limitMs, source })
}

/** A session with a service of {@link serveTcp} that says `on` over and over. */
export async function session(
  from: Host,
  address: string,
  port = 22,
  own: Pick<Target, 'source' | 'sourcePort'> = {},
): Promise<Socket> {
  const { socket } = await connectTo(from, { address, port, ...own })
  await socket.line(new RegExp(`^${GREETING}$`))
  return socket
}

/** A connection from a host that stays and says a word over and over, or nothing, and the port that it comes from. */
export async function connectTo(
  from: Host,
  target: Target,
  word: 'on' | '' = 'on',
): Promise<{ readonly socket: Socket; readonly ownPort: number }> {
  const socket = from.resident.socket(`a connection to ${target.address} ${target.port}`)
  const ownPort = await from.resident.ask('connect', { name: socket.name, word, ...target })
  return { socket, ownPort }
}

/** Waits until a session has gone on, after what has come by now. */
export async function goesOn(one: Lines): Promise<void> {
  const before = one.count(/^on$/)
  await until('the session goes on', () => one.count(/^on$/) > before + 2)
}

/** Tells if a TCP connection from a host comes about within the limit. */
export async function canConnect(
  from: Host,
  address: string,
  port: number,
  limitMs = PROBE_LIMIT_MS,
): Promise<boolean> {
  return (await probe(from, address, port, limitMs)) === 'open'
}

/**
 * Sends knocks, `7301` or `8822:udp`, from the host's resident: for tests in which `knock` itself is not what is tested.
 */
export async function sendKnocks(from: Host, address: string, knocks: readonly string[]): Promise<void> {
  const each = knocks.map((word) => {
    const [port, protocol = 'tcp'] = word.split(':')
    return { port: Number(port), protocol: protocol === 'udp' ? 'udp' : 'tcp' } as const
  })
  await from.resident.ask('knock', { address, knocks: each })
}

/**
 * tcpdump on an interface of the host, running by the time this returns: one line a packet, numeric, without time.
 * `tcpdump`'s words for the link header are left out, so a line starts with `IP` or `IP6`.
 */
export async function watchWire(host: Host, filter: string, device = 'eth0'): Promise<Process> {
  const argv = ['tcpdump', '-l', '-nn', '-t', '--immediate-mode', '-Z', 'root', '-i', device, filter]
  const watcher = host.start(argv)
  await watcher.line(/^listening on|listening on /)
  return watcher
}
