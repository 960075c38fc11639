// Runs in the client's namespace: knocker.js HOST PORT SERVICE FILE GIVE_UP_MS. The file has a line for each packet: the
// address that it opens for, one of this host's, and its bytes. Prints milliseconds, or `missed`.
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds from the packet to the first try, and from one that was refused to the next: how exact the result is. */
const FIRST_MS = 0.5
const RETRY_MS = 0.2
/** Longest pause between two packets, milliseconds: by chance, as a daemon may look at packets in a rhythm of its own. */
const PAUSE_MAX_MS = 150
const idle = new Int32Array(new SharedArrayBuffer(4))

const [host = '', port = '', service = '', file = '', giveUp = ''] = process.argv.slice(2)

async function connects(localAddress: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(service), localAddress })
    socket.once('connect', () => {
      resolve(true)
      socket.resetAndDestroy()
    })
    socket.once('error', () => resolve(false))
  })
}

const sender = createSocket('udp4')
await new Promise<void>((resolve) => {
  sender.connect(Number(port), host, resolve)
})
for (const line of readFileSync(file, 'utf8').split('\n').filter(Boolean)) {
  const [address = '', hex = ''] = line.split(' ')
  const packet = Buffer.from(hex, 'hex')
  if (await connects(address)) throw new Error(`it is open for ${address} already`)
  await sleep(Math.random() * PAUSE_MAX_MS)
  const begun = performance.now()
  // A connected socket hands it to the kernel before this returns.
  sender.send(packet)
  Atomics.wait(idle, 0, 0, FIRST_MS)
  let ms: number | undefined
  while (ms === undefined && performance.now() - begun < Number(giveUp)) {
    if (await connects(address)) ms = performance.now() - begun
    // Asking without a pause would take the core that the daemon is to run on.
    else Atomics.wait(idle, 0, 0, RETRY_MS)
  }
  console.log(ms === undefined ? 'missed' : ms.toFixed(3))
}
process.exit(0)
