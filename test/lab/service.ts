import type { Host } from './net.ts'
import type { Process } from './process.ts'

/** Milliseconds {@link probe} waits for an answer from the port. */
const PROBE_LIMIT_MS = 500
/** What timeout(1) exits with when the time was up. */
const TIMED_OUT = 124

/** What a TCP service in the lab greets with. */
export const GREETING = 'hello from behind the door'

/** Serves both families, greets each connection, then says back what it is told; one line for each event. */
const SERVER = `
const server = require('node:net').createServer((socket) => {
  console.log('accepted ' + String(socket.remoteAddress).replace('::ffff:', ''))
  socket.on('error', () => {})
  socket.write(${JSON.stringify(`${GREETING}\n`)})
  socket.pipe(socket)
})
server.listen(Number(process.argv[1]), '::', () => console.log('ready'))
`

/** A real TCP service on a port of the host, both families, that prints `accepted ADDRESS` for each connection. */
export async function serveTcp(host: Host, port: number): Promise<Process> {
  const service = host.start([process.execPath, '-e', SERVER, String(port)])
  await service.line(/^ready$/)
  return service
}

/** What a TCP port looks like from a host. `refused`: a reset or an ICMP error came; `silent`: nothing did. */
export type Look = 'open' | 'refused' | 'silent'

/** Tries to connect from a host, by nc(1). */
export async function probe(from: Host, address: string, port: number, limitMs = PROBE_LIMIT_MS): Promise<Look> {
  const { code } = await from.run(['timeout', String(limitMs / 1000), 'nc', '-z', address, String(port)], {
    mayFail: true,
  })
  if (code === 0) return 'open'
  return code === TIMED_OUT ? 'silent' : 'refused'
}

/** Whether a TCP connection from a host comes about within the limit. */
export async function canConnect(
  from: Host,
  address: string,
  port: number,
  limitMs = PROBE_LIMIT_MS,
): Promise<boolean> {
  return (await probe(from, address, port, limitMs)) === 'open'
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
