import { readOptions } from '../../cli/arguments.ts'
import { UsageError } from '../../cli/fault.ts'
import type { Choice } from '../../control/message.ts'
import { shellWord } from '../../text/shell-word.ts'
import { CHOICE, choiceOf } from '../events/arguments.ts'

/** Reads a filter as it is typed after `postern events`. An empty text chooses everything. @throws UsageError */
export function readChoice(text: string): Choice {
  const given = readOptions(CHOICE, wordsOf(text), false)
  if (given.kind !== 'given') throw new UsageError('not a filter', '--door DOOR, --source NETWORK, --user USER')
  return choiceOf(given.values)
}

/** Splits a line into words, with the quotes of a shell. */
export function wordsOf(text: string): readonly string[] {
  const parts = [...text.matchAll(/'([^']*)'?|"([^"]*)"?|\\(.)|(\s+)|([^'"\\\s]+)/gsu)]
  const words: string[] = []
  let word: string | undefined
  for (const [, single, double, escaped, space, bare] of parts) {
    if (space === undefined) word = (word ?? '') + (single ?? double ?? escaped ?? bare ?? '')
    else if (word !== undefined) {
      words.push(word)
      word = undefined
    }
  }
  return word === undefined ? words : [...words, word]
}

/** Formats a choice as {@link readChoice} reads it. */
export function choiceText({ doors = [], sources = [], users = [] }: Choice): string {
  return [
    ...doors.map((door) => `--door ${shellWord(door)}`),
    ...sources.map((source) => `--source ${shellWord(source)}`),
    ...users.map((user) => `--user ${shellWord(user)}`),
  ].join(' ')
}
