import { connect } from 'node:net'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'

/** Milliseconds between two knocks of a sequence. */
const BETWEEN_MS = 5
/**
 * Milliseconds from the last SYN to the first try, and from one that was refused to the next: how exact the result is. Each
 * try is a packet that the daemon has to look at; so many that it has no time for anything else are no measure of it.
 */
const FIRST_MS = 0.5
const RETRY_MS = 0.2
const idle = new Int32Array(new SharedArrayBuffer(4))
/** Milliseconds that a knock's socket lives. */
const SOCKET_MS = 200

/** A knock, and the port that it opens. */
export interface Knocking {
  /** The host that is knocked at. */
  readonly at: string
  /** The host whose port is tried: the same one, or another one that it tells. */
  readonly look: string
  readonly sequence: readonly number[]
  readonly service: number
  /** Milliseconds after which it is given up. */
  readonly giveUpMs: number
  /** One of the client's addresses. Default: what the system chooses. */
  readonly from?: string
}

/** Sends a SYN, just one: the socket is gone before it would be sent again. */
function knock({ at, from }: Knocking, port: number): void {
  const socket = connect({ host: at, port, ...own(from) })
  socket.on('error', () => undefined)
  socket.setTimeout(SOCKET_MS, () => socket.destroy())
}

/** Tells if the port is open. */
export async function connects({ look, service, from }: Knocking): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: look, port: service, ...own(from) })
    socket.once('connect', () => {
      resolve(true)
      socket.resetAndDestroy()
    })
    socket.once('error', () => resolve(false))
  })
}

/** Knocks, and returns the milliseconds from the last SYN to a connection; `undefined`: it was given up. */
export async function openAfterKnock(knocking: Knocking): Promise<number | undefined> {
  const { sequence, giveUpMs } = knocking
  for (const port of sequence.slice(0, -1)) {
    knock(knocking, port)
    await sleep(BETWEEN_MS)
  }
  const begun = performance.now()
  knock(knocking, sequence.at(-1)!)
  // The SYN leaves in the next turn of the event loop.
  await turn()
  Atomics.wait(idle, 0, 0, FIRST_MS)
  while (performance.now() - begun < giveUpMs) {
    if (await connects(knocking)) return performance.now() - begun
    // Asking without a pause would take the core that the daemon is to run on.
    Atomics.wait(idle, 0, 0, RETRY_MS)
  }
  return undefined
}

function own(from: string | undefined): { readonly localAddress?: string } {
  return from === undefined ? {} : { localAddress: from }
}
