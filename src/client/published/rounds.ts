import { formatSequence } from '../../config/sequence.ts'
import { ClientError } from '../fault.ts'
import type { Rounds } from '../rounds.ts'
import type { PublishedList } from './list.ts'

/** The outputs for messages during the rounds. */
export interface Telling {
  /** Prints a line for users who asked for every step. */
  readonly tell: (line: string) => void
  /** Prints a line for all users. */
  readonly warn: (line: string) => void
}

/**
 * Knocks the first sequence of a list, which is read again for each round. If the list still begins with the last
 * sequence, the daemon did not accept it. It is then knocked once more, but not a third time. Otherwise somebody has
 * used it.
 *
 * @param read reads the list; throws a ClientError on failure
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

const HINT = 'its log says why, or no newer list was published'
