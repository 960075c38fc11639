// Goal: a token reaches `postern fleet join` without being a word of its command line, which every user of the machine sees.
import { expect, test } from 'vitest'
import { Failure } from '../../../cli/fault.ts'
import { TOKEN_MAX_CHARS } from '../../../fleet/invitation.ts'
import { readTokenText } from './token-input.ts'

async function* ends(text: string): AsyncGenerator<string> {
  yield* [text]
}

/** An input whose writer never closes it. */
async function* open(...pieces: readonly string[]): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield Buffer.from(piece)
  await new Promise(() => undefined)
}

test('the word itself is the token', async () => {
  expect(await readTokenText('postern1.abc', open())).toBe('postern1.abc')
})

test.each([
  ['a line', ['postern1.abc\n']],
  ['in pieces', ['post', 'ern1.a', 'bc', '\r\nmore']],
  ['after empty lines', ['\n \n', ' postern1.abc \n']],
])('from an input that stays open: %s', async (_, pieces) => {
  expect(await readTokenText('-', open(...pieces))).toBe('postern1.abc')
})

test('an input without the end of the line, and an empty one', async () => {
  expect(await readTokenText('-', ends('postern1.abc'))).toBe('postern1.abc')
  expect(await readTokenText('-', ends(''))).toBe('')
})

test('an endless line is not read to its end', async () => {
  const endless = open(...Array.from({ length: 50 }, () => 'a'.repeat(1_000)))
  expect(await readTokenText('-', endless)).toHaveLength(TOKEN_MAX_CHARS + 1)
})

test('without a word and without a terminal, the hint names the other way', async () => {
  const isTTY = process.stdin.isTTY
  process.stdin.isTTY = false
  try {
    await expect(readTokenText(undefined)).rejects.toThrow(Failure)
    await expect(readTokenText(undefined)).rejects.toMatchObject({
      message: 'there is no terminal to ask for the token',
      hint: 'to read it from standard input: postern fleet join -',
    })
  } finally {
    process.stdin.isTTY = isTTY
  }
})
