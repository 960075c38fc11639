import { formatSequence } from '../../config/sequence.ts'
import { ClientError } from '../fault.ts'
import type { Rounds } from '../rounds.ts'
import type { PublishedList } from './list.ts'

/** What is told on the way. */
export interface Telling {
  /** Told only to who asked for every step. */
  readonly tell: (line: string) => void
  /** Told to everybody. */
  readonly warn: (line: string) => void
}

/**
 * Knocks the first sequence of a list that is read anew for each round. When it still begins with the one knocked last,
 * the daemon did not take that: it is knocked once more, and not a third time. Otherwise somebody used it, whoever it was.
 *
 * @param read reads the list; throws a ClientError when it cannot
 */
export function publishedRounds(read: () => Promise<PublishedList>, { tell, warn }: Telling): Rounds {
  let last: string | undefined
  let again = false
  return async () => {
    const { next, left } = await read()
    const first = formatSequence(next)
    if (first !== last) again = false
    else if (again) throw new ClientError('the daemon did not accept the next sequence of the list again', HINT)
    else {
      again = true
      warn('the daemon did not accept the sequence, which is still the next of the list: knocking again')
    }
    last = first
    tell(`the list has ${left} ${left === 1 ? 'sequence' : 'sequences'}`)
    return next
  }
}

const HINT = 'its log says why, or the list has not been published anew'
