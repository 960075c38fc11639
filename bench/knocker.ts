// Runs in the client's namespace: knocker.js HOST PORT,PORT... SERVICE TIMES GIVE_UP_MS. Prints milliseconds, or `missed`.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two knocks of a sequence. */
const BETWEEN_MS = 5
/** Milliseconds between two looks whether the port is shut again. */
const LOOK_MS = 20

/** Milliseconds between a refused connection and the next try: how exact the result is. */
const RETRY_MS = 0.2
const idle = new Int32Array(new SharedArrayBuffer(4))
/** Milliseconds that a knock's socket lives. */
const SOCKET_MS = 200

const [host = '', ports = '', service = '', times = '', giveUp = ''] = process.argv.slice(2)
const sequence = ports.split(',').map(Number)

/** Sends a SYN, just one: the socket is gone before it would be sent again. */
function knock(port: number): void {
  const socket = connect({ host, port })
  socket.on('error', () => undefined)
  socket.setTimeout(SOCKET_MS, () => socket.destroy())
}

async function connects(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: Number(service) })
    socket.once('connect', () => {
      resolve(true)
      socket.resetAndDestroy()
    })
    socket.once('error', () => resolve(false))
  })
}

async function openAfterKnock(): Promise<number | undefined> {
  const last = sequence.at(-1)!
  for (const port of sequence.slice(0, -1)) {
    knock(port)
    await sleep(BETWEEN_MS)
  }
  const begun = performance.now()
  knock(last)
  while (performance.now() - begun < Number(giveUp)) {
    if (await connects()) return performance.now() - begun
    // Asking without a pause would take the core that the daemon is to run on.
    Atomics.wait(idle, 0, 0, RETRY_MS)
  }
  return undefined
}

for (let round = 0; round < Number(times); round++) {
  const ms = await openAfterKnock()
  console.log(ms === undefined ? 'missed' : ms.toFixed(3))
  while (await connects()) await sleep(LOOK_MS)
}
process.exit(0)
