import { isBlocked } from '../../../blocked-ports.ts'
import { pause, request } from '../knocker.ts'

/** The longest wait for an answer of the service, in milliseconds. */
const ANSWER_LIMIT_MS = 2_500
/** Tries, and milliseconds between them: a door may open a moment after the last knock. */
const TRIES = 3
const BETWEEN_MS = 600

/**
 * The answers that a browser can tell apart at a port. `open`: HTTP answered. `answers`: open for another protocol, or refusing, which
 * look the same. `silent`: nothing answered. `blocked`: browsers do not try this port.
 */
export type Answer = 'open' | 'answers' | 'silent' | 'blocked'

/** Tries a port until HTTP answers there, or until all tries are over. */
export async function tryPort(urlHost: string, port: number): Promise<Answer> {
  if (isBlocked(port)) return 'blocked'
  let answer: Answer = 'silent'
  for (let at = 0; at < TRIES; at++) {
    if (at > 0) await pause(BETWEEN_MS)
    const signal = AbortSignal.timeout(ANSWER_LIMIT_MS)
    try {
      await request(urlHost, port, signal)
      return 'open'
    } catch {
      // Something that is not HTTP, and a refusal, are the same error.
      answer = signal.aborted ? 'silent' : 'answers'
    }
    // A silent port has used the time of the other tries.
    if (answer === 'silent') return answer
  }
  return answer
}

/** Returns what people should know after a knock; `undefined`: the port stays shut. */
export function wordsFor(answer: Answer | undefined, port: number | undefined): string | undefined {
  switch (answer) {
    case undefined:
      return 'Knocked. A browser cannot see if the knock arrived: try your connection now.'
    case 'open':
      return `Port ${port} is open.`
    case 'answers':
      return `Knocked. Port ${port} answers, but a browser cannot tell if it is open or refuses: try your connection now.`
    case 'blocked':
      return `Knocked. Browsers block port ${port}, so this page cannot see if it is open: try your connection now.`
    case 'silent':
      return undefined
    default:
      return answer satisfies never
  }
}
