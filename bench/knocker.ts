// Runs in the client's namespace: knocker.js HOST PORT,PORT... SERVICE GIVE_UP_MS. Knocks at each SIGUSR2. Prints
// milliseconds or `missed`, and `shut` once the port refuses connections again.
import { on } from 'node:events'
import { connect } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two knocks of a sequence. */
const BETWEEN_MS = 5
/** Milliseconds between two looks whether the port is shut again. */
const LOOK_MS = 20

/**
 * Milliseconds from the last SYN to the first try, and from one that was refused to the next: how exact the result is. Each
 * try is a packet that the daemon has to look at; so many that it has no time for anything else are no measure of it.
 */
const FIRST_MS = 0.5
const RETRY_MS = 0.2
const idle = new Int32Array(new SharedArrayBuffer(4))
/** Milliseconds that a knock's socket lives. */
const SOCKET_MS = 200

const [host = '', ports = '', service = '', giveUp = ''] = process.argv.slice(2)
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
  // The SYN leaves in the next turn of the event loop.
  await turn()
  Atomics.wait(idle, 0, 0, FIRST_MS)
  while (performance.now() - begun < Number(giveUp)) {
    if (await connects()) return performance.now() - begun
    // Asking without a pause would take the core that the daemon is to run on.
    Atomics.wait(idle, 0, 0, RETRY_MS)
  }
  return undefined
}

const signals = on(process, 'SIGUSR2')
// The iterator alone does not keep the process alive.
setInterval(() => undefined, 60_000)
console.log('ready')
for await (const _ of signals) {
  const ms = await openAfterKnock()
  console.log(ms === undefined ? 'missed' : ms.toFixed(3))
  while (await connects()) await sleep(LOOK_MS)
  console.log('shut')
}
