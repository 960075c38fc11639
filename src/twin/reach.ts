import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { send } from '../client/sender.ts'
import type { Answer, KnocksOrder, Endpoint } from './orders.ts'

/** Milliseconds between the first two tries at a port that is about to open. The pause grows by a third each time. */
const FIRST_PAUSE_MS = 2
const PAUSE_MAX_MS = 50
/** Milliseconds that a try at a port that is about to shut waits for an answer. */
const SHUT_TRY_MS = 300
const SHUT_PAUSE_MS = 50
const WORD = 'still there?'

/** The held connections, by their ends. */
const held = new Map<string, Socket>()

function keyOf({ protocol, host, port, source }: Endpoint): string {
  return `${protocol} ${host} ${port} ${source}`
}

/** Sends knocks, each after the kernel has taken the one before. */
export async function knock({ host, source, knocks }: KnocksOrder): Promise<void> {
  const family = host.includes(':') ? 6 : 4
  for (const { afterMs = 0, ...one } of knocks) {
    if (afterMs > 0) await pause(afterMs)
    await send(one, { family, address: host, source })
  }
}

/** Tries a port once. */
export async function attempt(endpoint: Endpoint, limitMs: number): Promise<Answer> {
  const tried = endpoint.protocol === 'tcp' ? await tryStream(endpoint, limitMs) : await tryDatagram(endpoint, limitMs)
  if (typeof tried === 'string') return tried
  tried.destroy()
  return 'open'
}

/** Knocks and connects: see {@link Orders}. Tries overlap, because a try that is too early may never be answered. */
export async function enter(knocks: KnocksOrder, endpoint: Endpoint, limitMs: number): Promise<number | null> {
  await knock(knocks)
  const from = performance.now()
  const end = from + limitMs
  const entered: { ms: number | null } = { ms: null }
  const goIn = async (leftMs: number): Promise<void> => {
    const tried = endpoint.protocol === 'tcp' ? await tryStream(endpoint, leftMs) : await tryDatagram(endpoint, leftMs)
    if (tried === 'refused' || tried === 'silent') return
    const first = entered.ms === null
    entered.ms ??= performance.now() - from
    if (tried === 'open') return
    if (first) held.set(keyOf(endpoint), tried)
    else tried.destroy()
  }
  const tries: Promise<void>[] = []
  let waitMs = FIRST_PAUSE_MS
  while (entered.ms === null && performance.now() < end) {
    tries.push(goIn(Math.max(1, end - performance.now())))
    await pause(waitMs)
    waitMs = Math.min(waitMs * (4 / 3), PAUSE_MAX_MS)
  }
  if (entered.ms === null) await Promise.all(tries)
  return entered.ms
}

/** Returns true if data on the held connection is echoed. */
export async function speak(endpoint: Endpoint, limitMs: number): Promise<boolean> {
  const socket = held.get(keyOf(endpoint))
  if (socket === undefined || socket.destroyed) return false
  return await new Promise((resolve) => {
    const settle = (answer: boolean) => (): void => {
      clearTimeout(timer)
      socket.removeAllListeners('data')
      resolve(answer)
    }
    const timer = setTimeout(settle(false), limitMs)
    socket.once('data', settle(true))
    socket.once('close', settle(false))
    socket.write(WORD)
  })
}

export function release(endpoint: Endpoint): void {
  held.get(keyOf(endpoint))?.destroy()
  held.delete(keyOf(endpoint))
}

/** Tries the port until it is shut: see {@link Orders}. */
export async function shut(endpoint: Endpoint, limitMs: number): Promise<number | null> {
  const from = performance.now()
  for (;;) {
    const begun = performance.now()
    if (begun - from > limitMs) return null
    if ((await attempt(endpoint, SHUT_TRY_MS)) !== 'open') return begun - from
    await pause(SHUT_PAUSE_MS)
  }
}

async function tryStream({ host, port, source }: Endpoint, limitMs: number): Promise<Socket | 'refused' | 'silent'> {
  return await new Promise((resolve) => {
    const socket = connect({ host, port, localAddress: source })
    const give = (answer: 'refused' | 'silent') => (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(answer)
    }
    const timer = setTimeout(give('silent'), limitMs)
    socket.on('error', give('refused'))
    socket.once('connect', () => {
      clearTimeout(timer)
      resolve(socket)
    })
  })
}

async function tryDatagram({ host, port, source }: Endpoint, limitMs: number): Promise<Answer> {
  return await new Promise((resolve) => {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    let open = true
    const give = (answer: Answer) => (): void => {
      clearTimeout(timer)
      if (open) socket.close()
      open = false
      resolve(answer)
    }
    const timer = setTimeout(give('silent'), limitMs)
    socket.on('error', give('refused'))
    socket.once('message', give('open'))
    // Only a connected socket learns that a port is unreachable (udp(7)).
    socket.bind(0, source, () => socket.connect(port, host, () => socket.send(WORD)))
  })
}
