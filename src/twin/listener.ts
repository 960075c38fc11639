import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'

/** Listens on a port for both families, and echoes all data. Listening twice does nothing. */
export async function listen(protocol: 'tcp' | 'udp', port: number): Promise<void> {
  const name = `${protocol}/${port}`
  if (listening.has(name)) return
  listening.add(name)
  for (const family of [4, 6] as const) {
    await (protocol === 'tcp' ? listenStream(family, port) : listenDatagram(family, port)).catch((error: unknown) => {
      // A kernel without IPv6 cannot listen there.
      if (family === 4 || (error as NodeJS.ErrnoException).code !== 'EAFNOSUPPORT') throw error
    })
  }
}

const listening = new Set<string>()

async function listenStream(family: 4 | 6, port: number): Promise<void> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.pipe(socket)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: family === 4 ? '0.0.0.0' : '::', ipv6Only: family === 6 }, resolve)
  })
}

async function listenDatagram(family: 4 | 6, port: number): Promise<void> {
  const socket = createSocket({ type: family === 4 ? 'udp4' : 'udp6', ipv6Only: family === 6 })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.bind(port, resolve)
  })
  socket.removeAllListeners('error')
  socket.on('error', () => undefined)
  socket.on('message', (bytes, { address, port: from }) => socket.send(bytes, from, address))
}
