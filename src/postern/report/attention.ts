import type { Contents } from './contents.ts'
import { namesText } from './sentences.ts'
import { manyText } from './times.ts'

/** Something that an operator should look at. */
export interface Attention {
  /** `fault`: something does not work, or is not known. */
  readonly severity: 'fault' | 'warning'
  /** A whole sentence. */
  readonly text: string
}

/** Returns what an operator should look at, the worst first. */
export function attentionOf(of: Contents): readonly Attention[] {
  const found: Attention[] = []
  const add = (severity: Attention['severity'], text: string): void => void found.push({ severity, text })
  if (!of.isWhole) add('fault', 'Not all of the log could be read: see the end of this report.')
  else if (of.isEmpty) add('warning', 'The log has no line of this time: perhaps knockd writes to another one.')
  for (const { door, left, isLow, fault } of of.lists ?? []) {
    if (fault !== undefined) add('fault', `The list of one-time sequences of ${door} could not be read: ${fault}.`)
    else if (left === 0) add('fault', `The list of one-time sequences of ${door} is used up: the door opens to nobody.`)
    else if (isLow)
      add('warning', `The list of one-time sequences of ${door} runs low: ${manyText(left!, 'sequence')} left.`)
  }
  const commands = of.reasons.rows.filter(({ why }) => why.startsWith('its command returned status'))
  for (const { door, why, count } of commands) {
    add('warning', `${door ?? 'A door'}: ${why}, ${count === 1 ? 'once' : `${count} times`}.`)
  }
  const unused = of.unusedDoors ?? []
  if (unused.length > 0 && !of.isEmpty) {
    add('warning', `The log has no opening of the ${unused.length === 1 ? 'door' : 'doors'} ${namesText(unused)}.`)
  }
  return found
}
