// A thread that serves, connects, sends and knocks on the hosts of the lab, without a process for each: it enters the network
// namespace of a host for as long as it takes to make a socket there. Orders and answers are messages, see resident.ts.
// Messages between threads have no origin: that is for windows.
// oxlint-disable unicorn/require-post-message-target-origin
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createInterface } from 'node:readline'
import { setImmediate as turn, setTimeout as pause } from 'node:timers/promises'
import { parentPort } from 'node:worker_threads'
import koffi from 'koffi'

/** `<sched.h>` */
const CLONE_NEWNET = 0x40000000
/** packet(7) */
const AF_PACKET = 17
const SOCK_RAW = 3
/** `<sys/socket.h>`, `<errno.h>` */
const MSG_DONTWAIT = 0x40
const EAGAIN = 11
/** The most tries to send a frame, a millisecond apart. */
const SEND_TRIES_MAX = 10_000
/** The bytes of `struct sockaddr_ll`, and where the interface is in it. */
const LINK_ADDRESS_BYTES = 20
const LINK_ADDRESS_INDEX_AT = 4
/** Milliseconds between two words over a connection. */
const SAID_EVERY_MS = 50

const libc = koffi.load('libc.so.6')
const setns = libc.func('int setns(int fd, int kind)')
const makeSocket = libc.func('int socket(int domain, int type, int protocol)')
const indexOf = libc.func('unsigned int if_nametoindex(const char *name)')
const sendto = libc.func(
  'long sendto(int fd, const void *bytes, unsigned long length, int flags, const void *to, unsigned int size)',
)
const close = libc.func('int close(int fd)')
const home = openSync('/proc/thread-self/ns/net', 'r')

/** Connections and servers by the name that the order gave them: their namespaces, and how they are closed. */
const open = new Map()
/** Ends when nobody is in a namespace any more. */
let idle = Promise.resolve()

const tell = (name, line) => parentPort.postMessage({ name, line })

function enter(fd, what) {
  if (setns(fd, CLONE_NEWNET) !== 0) throw new Error(`cannot enter ${what}: errno ${koffi.errno()}`)
}

/**
 * Has sockets made in a namespace (network_namespaces(7)): they belong to it for good. One order at a time is inside.
 *
 * @param make resolves when the system calls that make the sockets are over
 */
async function inside(namespace, make) {
  const before = idle
  let leave
  idle = new Promise((resolve) => (leave = resolve))
  await before
  try {
    const fd = openSync(namespace, 'r')
    enter(fd, namespace)
    closeSync(fd)
    return await make()
  } finally {
    // The next one enters a namespace of its own in any case.
    leave()
    enter(home, 'the own namespace')
  }
}

/** Connects, and waits until the SYN is sent. */
async function connected(namespace, options) {
  return await inside(namespace, async () => {
    const socket = connect(options)
    socket.on('error', () => undefined)
    await turn()
    return socket
  })
}

/** A socket for datagrams that has its port: the one given, or any. */
async function datagrams(namespace, address, port = 0) {
  return await inside(namespace, async () => {
    const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    socket.on('error', () => undefined)
    socket.bind(port)
    await once(socket, 'listening')
    socket.setBroadcast(true)
    return socket
  })
}

const orders = {
  async probe({ namespace, address, port, limitMs, source }) {
    const socket = await connected(namespace, { host: address, port, localAddress: source })
    return await new Promise((resolve) => {
      const settle = (look) => {
        clearTimeout(timer)
        socket.destroy()
        resolve(look)
      }
      // A busy machine runs a timer late, and before it looks at what has come by then.
      const timer = setTimeout(() => setImmediate(settle, 'silent'), limitMs)
      if (socket.destroyed) settle('refused')
      else if (!socket.connecting) settle('open')
      socket.once('error', () => settle('refused'))
      socket.once('connect', () => settle('open'))
    })
  },

  async greeting({ namespace, address, port, limitMs, source }) {
    const socket = await connected(namespace, { host: address, port, localAddress: source })
    const timer = setTimeout(() => setImmediate(() => socket.destroy()), limitMs)
    let text = ''
    await new Promise((resolve) => {
      if (socket.destroyed) resolve()
      socket.on('data', (more) => {
        text += more
        if (text.includes('\n')) resolve()
      })
      socket.once('close', resolve)
    })
    clearTimeout(timer)
    socket.destroy()
    return text.trim()
  },

  async serve({ namespace, name, port, greeting }) {
    const sockets = new Set()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      tell(name, `accepted ${String(socket.remoteAddress).replace('::ffff:', '')}`)
      socket.write(greeting)
      socket.pipe(socket)
    })
    await inside(namespace, async () => {
      server.listen(port, '::')
      await once(server, 'listening')
    })
    open.set(name, {
      namespace,
      stop() {
        server.close()
        for (const socket of sockets) socket.destroy()
      },
    })
  },

  async connect({ namespace, name, address, port, source, sourcePort, word }) {
    const options = { host: address, port, localAddress: source, localPort: sourcePort }
    const socket = await connected(namespace, options)
    if (socket.errored) throw socket.errored
    if (socket.connecting) await once(socket, 'connect')
    const timer = word === '' ? undefined : setInterval(() => socket.write(`${word}\n`), SAID_EVERY_MS)
    socket.once('close', () => {
      clearInterval(timer)
      tell(name, 'out')
    })
    const { localPort } = socket
    createInterface({ input: socket })
      .on('line', (line) => tell(name, line))
      .on('error', () => undefined)
    open.set(name, { namespace, stop: () => socket.destroy() })
    return localPort
  },

  async serveUdp({ namespace, name, port }) {
    const socket = await datagrams(namespace, '::', port)
    socket.on('message', (said, from) => {
      tell(name, `got ${said}`)
      socket.send(`again: ${said}`, from.port, from.address)
    })
    open.set(name, { namespace, stop: () => socket.close() })
  },

  async talkUdp({ namespace, name, address, port, sourcePort }) {
    const socket = await datagrams(namespace, address, sourcePort)
    let count = 0
    const timer = setInterval(() => {
      socket.send(`line ${++count}`, port, address, (error) => tell(name, error ? error.code : 'sent'))
    }, SAID_EVERY_MS)
    socket.on('message', (said) => tell(name, String(said)))
    open.set(name, {
      namespace,
      stop() {
        clearInterval(timer)
        socket.close()
      },
    })
  },

  async send({ namespace, address, port, datagrams: all }) {
    const socket = await datagrams(namespace, address)
    for (const each of all) await new Promise((resolve) => socket.send(each, port, address, resolve))
    socket.close()
  },

  async mac({ namespace, device }) {
    return await inside(namespace, () => networkInterfaces()[device][0].mac)
  },

  async frames({ namespace, device, frames, everyMs }) {
    const [fd, index] = await inside(namespace, () => [makeSocket(AF_PACKET, SOCK_RAW, 0), indexOf(device)])
    const to = Buffer.alloc(LINK_ADDRESS_BYTES)
    to.writeUInt16LE(AF_PACKET)
    to.writeInt32LE(index, LINK_ADDRESS_INDEX_AT)
    try {
      for (const frame of frames) {
        // A thread that waits in the kernel answers nobody.
        for (let tries = 0; sendto(fd, frame, frame.length, MSG_DONTWAIT, to, to.length) !== frame.length; tries++) {
          const errno = koffi.errno()
          if (errno !== EAGAIN || tries > SEND_TRIES_MAX) throw new Error(`cannot send by ${device}: errno ${errno}`)
          await pause(1)
        }
        await pause(everyMs)
      }
    } finally {
      close(fd)
    }
  },

  async knock({ namespace, address, knocks }) {
    const udp = knocks.some(({ protocol }) => protocol === 'udp') ? await datagrams(namespace, address) : undefined
    for (const { port, protocol } of knocks) {
      if (protocol === 'udp') await new Promise((resolve) => udp.send('', port, address, resolve))
      else (await connected(namespace, { host: address, port })).destroy()
    }
    udp?.close()
  },

  async close({ name }) {
    open.get(name)?.stop()
    open.delete(name)
  },

  async leave({ namespace }) {
    for (const [name, one] of open) {
      if (one.namespace !== namespace) continue
      one.stop()
      open.delete(name)
    }
  },
}

// An order that cannot be read would be waited for in vain.
parentPort.on('messageerror', (error) => {
  throw error
})

parentPort.on('message', async ({ id, order, ...words }) => {
  try {
    parentPort.postMessage({ id, answer: await orders[order](words) })
  } catch (error) {
    parentPort.postMessage({ id, error: error.message })
  }
})
