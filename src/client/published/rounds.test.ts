// Goal: each round knocks the next sequence of the list. The same one is knocked twice at most, and that is said.
import { valueOf } from '../../text/read.ts'
import { expect, test } from 'vitest'
import { formatSequence, parseSequence } from '../../config/sequence.ts'
import { ClientError } from '../fault.ts'
import { publishedRounds } from './rounds.ts'

/** Knocks round after round, the list beginning with these in turn, and gives all that was said and knocked. */
const play = async (...firsts: readonly string[]): Promise<readonly string[]> => {
  const said: string[] = []
  const lists = firsts.values()
  const rounds = publishedRounds(
    async () => ({ next: valueOf(parseSequence(lists.next().value!))!, left: firsts.length }),
    { tell: (line) => said.push(`-v ${line}`), warn: (line) => said.push(`! ${line}`) },
  )
  for (const _ of firsts) {
    try {
      said.push(formatSequence(await rounds(0)))
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      said.push(`failed: ${error.message}`)
    }
  }
  return said
}

const AGAIN = '! the daemon did not accept the sequence, which is still the next of the list: knocking again'

test('one round', async () => {
  expect(await play('1,2')).toEqual(['-v the list has 1 sequence', '1,2'])
})

test('one that was used meanwhile gives way to the next', async () => {
  const left = '-v the list has 3 sequences'
  expect(await play('1,2', '3,4', '5:udp,6')).toEqual([left, '1,2', left, '3,4', left, '5:udp,6'])
})

test('one that was not taken is knocked once more, and not a third time', async () => {
  const left = '-v the list has 3 sequences'
  expect(await play('1,2', '1,2', '1,2')).toEqual([
    left,
    '1,2',
    AGAIN,
    left,
    '1,2',
    'failed: the daemon did not accept the next sequence of the list again',
  ])
})

test('the next one after that has its second chance too', async () => {
  const said = await play('1,2', '1,2', '3,4', '3,4')
  expect(said.filter((line) => !line.startsWith('-v'))).toEqual(['1,2', AGAIN, '1,2', '3,4', AGAIN, '3,4'])
})

test('ports alike with other protocols are another sequence', async () => {
  expect(await play('1,2', '1,2:udp')).not.toContain(AGAIN)
})
