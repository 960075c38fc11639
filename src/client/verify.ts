import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { Destination } from './destination.ts'

/** The most milliseconds until a port is open. A start command on the server takes time. */
export const VERIFY_LIMIT_MS = 4_000
/**
 * The milliseconds that the first attempt waits. Each later one waits twice as long, because a SYN may come too early.
 */
const FIRST_TRY_MS = 250
/** The milliseconds between a refusal and the next attempt. The pause doubles each time. */
const FIRST_PAUSE_MS = 50

/** Returns true if a TCP connection to any of the destinations succeeds within {@link VERIFY_LIMIT_MS}. */
export async function isOpen(
  port: number,
  destinations: readonly Destination[],
  limitMs = VERIFY_LIMIT_MS,
): Promise<boolean> {
  const done = new AbortController()
  const tries = destinations.map(async (destination) => {
    if (!(await comesOpen(port, destination, limitMs, done.signal))) throw new Error('not open')
  })
  try {
    await Promise.any(tries)
    return true
  } catch {
    return false
  } finally {
    done.abort()
  }
}

async function comesOpen(
  port: number,
  destination: Destination,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> {
  const end = performance.now() + limitMs
  for (let round = 0; !signal.aborted; round++) {
    const left = end - performance.now()
    if (left <= 0) return false
    const answer = await tryOnce(port, destination, Math.min(FIRST_TRY_MS << round, left), signal)
    if (answer === 'open') return true
    if (answer === 'refused') {
      const rest = Math.max(0, Math.min(FIRST_PAUSE_MS << round, end - performance.now()))
      await pause(rest, undefined, { signal }).catch(() => undefined)
    }
  }
  return false
}

async function tryOnce(
  port: number,
  { address, source }: Destination,
  limitMs: number,
  signal: AbortSignal,
): Promise<'open' | 'refused' | 'silent'> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, ...(source === undefined ? {} : { localAddress: source }) })
    const settle = (answer: 'open' | 'refused' | 'silent') => (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
      socket.destroy()
      resolve(answer)
    }
    const stop = settle('silent')
    const timer = setTimeout(stop, limitMs)
    signal.addEventListener('abort', stop, { once: true })
    socket.once('connect', settle('open'))
    socket.once('error', settle('refused'))
  })
}
