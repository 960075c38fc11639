// A thread inside the network namespace of a lab host: it serves, connects and knocks there, without a process for each.
// The file of the namespace comes as `workerData`; orders and answers are messages, see resident.ts.
// Messages between threads have no origin: that is for windows.
// oxlint-disable unicorn/require-post-message-target-origin
import { createSocket } from 'node:dgram'
import { closeSync, openSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import koffi from 'koffi'

/** `<sched.h>` */
const CLONE_NEWNET = 0x40000000
/** Milliseconds between two words over a connection. */
const SAID_EVERY_MS = 100

/** Connections and servers by the name that the order gave them. */
const open = new Map()

// Sockets belong to the namespace of the thread that makes them (network_namespaces(7)), and only this thread moves.
const setns = koffi.load('libc.so.6').func('int setns(int fd, int kind)')
const namespace = openSync(workerData, 'r')
if (setns(namespace, CLONE_NEWNET) !== 0) throw new Error(`cannot enter ${workerData}: errno ${koffi.errno()}`)
closeSync(namespace)

const tell = (name, line) => parentPort.postMessage({ name, line })

const orders = {
  async probe({ address, port, limitMs, source }) {
    return await new Promise((resolve) => {
      const socket = connect({ host: address, port, localAddress: source })
      const settle = (look) => {
        clearTimeout(timer)
        socket.destroy()
        resolve(look)
      }
      const timer = setTimeout(() => settle('silent'), limitMs)
      socket.on('error', () => settle('refused'))
      socket.once('connect', () => settle('open'))
    })
  },

  async serve({ name, port, greeting }) {
    const sockets = new Set()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
      socket.on('error', () => undefined)
      tell(name, `accepted ${String(socket.remoteAddress).replace('::ffff:', '')}`)
      socket.write(greeting)
      socket.pipe(socket)
    })
    await new Promise((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, '::', resolve)
    })
    open.set(name, () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
  },

  async connect({ name, address, port, source, sourcePort, word }) {
    const socket = connect({ host: address, port, localAddress: source, localPort: sourcePort })
    await new Promise((resolve, reject) => {
      socket.once('error', reject)
      socket.once('connect', resolve)
    })
    const timer = setInterval(() => socket.write(`${word}\n`), SAID_EVERY_MS)
    socket.on('error', () => undefined)
    socket.once('close', () => {
      clearInterval(timer)
      tell(name, 'out')
    })
    const { localPort } = socket
    createInterface({ input: socket })
      .on('line', (line) => tell(name, line))
      .on('error', () => undefined)
    open.set(name, () => socket.destroy())
    return localPort
  },

  async knock({ address, knocks }) {
    const udp = createSocket(address.includes(':') ? 'udp6' : 'udp4')
    udp.on('error', () => undefined)
    for (const { port, protocol } of knocks) {
      if (protocol === 'udp') {
        await new Promise((resolve) => udp.send('', port, address, resolve))
        continue
      }
      const socket = connect({ host: address, port })
      socket.on('error', () => undefined)
      // By then the system call that sends the SYN is over.
      await turn()
      socket.destroy()
    }
    udp.close()
  },

  async close({ name }) {
    open.get(name)?.()
  },
}

parentPort.on('message', async ({ id, order, ...words }) => {
  try {
    parentPort.postMessage({ id, answer: await orders[order](words) })
  } catch (error) {
    parentPort.postMessage({ id, error: error.message })
  }
})
