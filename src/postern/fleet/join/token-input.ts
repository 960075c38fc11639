import { TOKEN_MAX_CHARS } from '../../../fleet/invitation.ts'
import { askHidden } from '../../hidden-input.ts'

/** The operand for a token on standard input. */
export const FROM_INPUT = '-'

/**
 * Returns the token of a command line: the word itself, or a line of standard input. All users of a machine see the words of
 * its processes, but not what these read.
 *
 * @param given the word; `-`: standard input; `undefined`: asked for at the terminal
 * @throws Failure if there is no terminal
 */
export async function readTokenText(
  given: string | undefined,
  input: AsyncIterable<Buffer | string> = process.stdin,
): Promise<string> {
  if (given === undefined) {
    const hint = 'to read it from standard input: postern fleet join -'
    return (await askHidden('token', 'there is no terminal to ask for the token', hint)).trim()
  }
  return given === FROM_INPUT ? await firstLine(input) : given
}

/** Returns the first line that is not empty, or as much as a token may have. The writer may leave the pipe open. */
async function firstLine(input: AsyncIterable<Buffer | string>): Promise<string> {
  let text = ''
  for await (const piece of input) {
    text = (text + piece.toString()).trimStart()
    if (text.includes('\n') || text.length > TOKEN_MAX_CHARS) break
  }
  return text
    .split('\n', 1)[0]!
    .trim()
    .slice(0, TOKEN_MAX_CHARS + 1)
}
