import type { CommandText } from './placed-door.ts'
import { codePoint } from '../text/code-point.ts'
import { quote } from '../text/fault.ts'
import type { FaultList } from '../text/fault.ts'

/** Typographic characters that word processors and web pages put in place of the shell's characters. */
const TYPOGRAPHIC: readonly { readonly what: string; readonly plain: string; readonly characters: RegExp }[] = [
  { what: 'dash', plain: '-', characters: /[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]/ },
  { what: 'quote', plain: "'", characters: /[\u2018-\u201B\u2032]/ },
  { what: 'quote', plain: '"', characters: /[\u201C-\u201F\u00AB\u00BB\u2033\uFF02]/ },
  { what: 'blank', plain: ' ', characters: /[\u00A0\u2000-\u200D\u202F\u2060\u3000\uFEFF]/ },
]

/** Returns true if a command has typographic characters, so that its words are not what they seem. */
export function isTypographic(text: string): boolean {
  // Nearly every command is ASCII from end to end.
  return /[^\0-\x7F]/.test(text) && TYPOGRAPHIC.some(({ characters }) => characters.test(text))
}

/** Warns of characters and quotes that a copy from a web page has changed. */
export function warnOfPaste(command: CommandText, faults: FaultList): void {
  const { text, line, column } = command
  if (isTypographic(text)) warnOfTypography(command, faults)
  else if (/["']/.test(text) && command.script.unclosed !== undefined) {
    const at = column + command.script.unclosed
    faults.warning(line, at, 'the quote that opens here is never closed', 'the shell refuses the command')
  }
  const whole = /^(["'])[^"']*\s[^"']*\1$/.exec(text)
  if (whole !== null) {
    const hint = 'write it without the quotes'
    faults.warning(line, column, 'the whole command is quoted: the shell looks for one program of that name', hint)
  }
  for (const [placeholder, offset] of misspeltSources(text)) {
    const message = `${quote(placeholder)} is not replaced by the address`
    faults.warning(line, column + offset, message, 'write `%IP%`')
  }
}

function warnOfTypography({ text, line, column }: CommandText, faults: FaultList): void {
  for (const { what, plain, characters } of TYPOGRAPHIC) {
    const match = characters.exec(text)
    if (match === null) continue
    const word = /^\S*/.exec(text.slice(match.index))![0]
    const count = text.split(characters).length - 1
    const more = count === 1 ? '' : `, and ${count - 1} more`
    const message = `typographic ${what} ${codePoint(match[0])} in the command${more}`
    faults.warning(line, column + match.index, message, hintFor(what, plain, word))
  }
}

function hintFor(what: string, plain: string, word: string): string {
  if (what === 'blank') return 'write an ordinary blank, or none'
  // Word processors turn the two dashes of a long option into one long dash.
  const option = /^[\u2010-\u2015\u2212\uFE58\uFE63\uFF0D]+([A-Za-z][A-Za-z0-9-]+)/.exec(word)
  if (what === 'dash' && option !== null) return `write ${quote(`--${option[1]}`)}`
  return `write \`${plain}\``
}

/** Returns misspellings of `%IP%`, with their offsets. */
function misspeltSources(text: string): readonly (readonly [text: string, offset: number])[] {
  const found: [string, number][] = []
  // Nothing to look for if every `%` belongs to a `%IP%`.
  if (!/%(?!IP%)(?<!%IP%)|[<[$]/.test(text)) return found
  for (const match of text.matchAll(/%\s?ip\s?%|%ip(?![\w%])|(?<![\w%])ip%|\$\{?ip\}?%|<ip>|\[ip\]|%src%|%source%/gi)) {
    if (match[0] !== '%IP%') found.push([match[0], match.index])
  }
  return found
}
