import { EtcdUnavailable } from './unavailable.ts'

/**
 * Does something that a signal ends, and ends it itself after some milliseconds.
 * Throws EtcdUnavailable then, and otherwise what it throws.
 */
export async function within<Result>(
  ms: number,
  signal: AbortSignal,
  what: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  // AbortSignal.any of Node.js 20 would leave something behind at the long-lived signal each time.
  const over = new AbortController()
  const end = (): void => over.abort()
  signal.addEventListener('abort', end)
  let late = false
  const timer = setTimeout(() => {
    late = true
    end()
  }, ms)
  try {
    if (signal.aborted) end()
    return await what(over.signal)
  } catch (error) {
    throw late ? new EtcdUnavailable('no-answer', `no answer within ${ms} ms`) : error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', end)
  }
}
