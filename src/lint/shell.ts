/** A word of a command, without its quotes. */
export interface Word {
  readonly text: string
  /** UTF-16 units from the beginning of the command to the word, and to its end. The quotes are included here. */
  readonly offset: number
  readonly end: number
}

/** One program with its arguments. */
export type Simple = readonly Word[]

/** A command, split as far as possible without a shell. */
export interface Script {
  readonly commands: readonly Simple[]
  /** Programs that only run another one: `sudo`, `nohup`. */
  readonly wrappers: readonly Word[]
  /** True if the command's effect cannot be known from its words: it has a substitution, a loop or the like. */
  readonly opaque: boolean
  /** The offset of a quote that is never closed. */
  readonly unclosed: number | undefined
}

/** Words that make a command more than a list of programs (POSIX shell, 2.4). */
const RESERVED: ReadonlySet<string> = new Set(['if', 'for', 'while', 'until', 'case', 'eval', 'exec', '.', 'source'])
/** Characters with a special meaning. `PLAIN` matches runs of all others. */
const SPECIAL: ReadonlySet<string> = new Set(' \t\'"\\;&|()#`$')
const PLAIN = /[^ \t'"\\;&|()#`$]+/y

/** Those words of {@link PREFIXES} that are programs. */
const WRAPPERS: ReadonlySet<string> = new Set(['sudo', 'nohup'])
/** Words before a program that do not change its effect on a firewall. */
const PREFIXES: ReadonlySet<string> = new Set(['sudo', 'nohup', 'exec', 'command', 'time', '!', '{', '}', '(', ')'])

/**
 * Splits a command for `/bin/sh` into programs and words (POSIX shell, 2.2 and 2.3). It reads quotes, backslashes and
 * the operators between programs, and expands nothing. It takes one pass, whatever the text.
 */
export function splitCommand(text: string): Script {
  return new Split(text).run()
}

class Split {
  readonly #text: string
  readonly #commands: Word[][] = [[]]
  #word = ''
  #start = -1
  #opaque = false
  #unclosed: number | undefined

  constructor(text: string) {
    this.#text = text
  }

  run(): Script {
    const text = this.#text
    let at = 0
    while (at < text.length) {
      const character = text[at]!
      if (character === ' ' || character === '\t') {
        this.#endWord(at)
        at++
      } else if (character === "'" || character === '"') at = this.#quoted(at, character)
      else if (character === '\\') {
        this.#put(text[at + 1] ?? '', at)
        at += 2
      } else if (character === '&' && (this.#word.endsWith('>') || text[at + 1] === '>')) {
        this.#put(character, at)
        at++
      } else if (';&|()'.includes(character)) {
        this.#endWord(at)
        this.#commands.push([])
        at++
      } else if (character === '#' && this.#start < 0) break
      else if (!SPECIAL.has(character)) {
        PLAIN.lastIndex = at
        const run = PLAIN.exec(text)![0]
        this.#put(run, at)
        at += run.length
      } else {
        if (character === '`' || (character === '$' && text[at + 1] === '(')) this.#opaque = true
        this.#put(character, at)
        at++
      }
    }
    this.#endWord(Math.min(at, text.length))
    const commands = this.#commands.map((words) => program(words)).filter((words) => words.length > 0)
    const wrappers = this.#commands.flatMap((words) => words.slice(0, 1).filter(({ text: word }) => WRAPPERS.has(word)))
    const opaque = this.#opaque || commands.some((words) => RESERVED.has(words[0]!.text))
    return { commands, wrappers, opaque, unclosed: this.#unclosed }
  }

  /** Reads from an opening quote to the closing one. The quoted text is part of one word, including operators. */
  #quoted(open: number, quoteMark: string): number {
    const text = this.#text
    this.#put('', open)
    let at = open + 1
    while (at < text.length && text[at] !== quoteMark) {
      if (quoteMark === '"') {
        if (text[at] === '`' || (text[at] === '$' && text[at + 1] === '(')) this.#opaque = true
        if (text[at] === '\\' && '$`"\\'.includes(text[at + 1] ?? ' ')) at++
      }
      this.#word += text[at] ?? ''
      at++
    }
    if (at >= text.length) this.#unclosed ??= open
    return at + 1
  }

  #put(characters: string, at: number): void {
    if (this.#start < 0) this.#start = at
    this.#word += characters
  }

  #endWord(end: number): void {
    if (this.#start < 0) return
    this.#commands.at(-1)!.push({ text: this.#word, offset: this.#start, end })
    this.#word = ''
    this.#start = -1
  }
}

/**
 * Returns the words from the program on. Prefixes like `sudo -n` and `NAME=value` are left out, as are redirections of
 * output.
 */
function program(words: readonly Word[]): Simple {
  let first = 0
  while (first < words.length) {
    const { text } = words[first]!
    // Only `sudo` has options here.
    if (first > 0 && text.startsWith('-')) first++
    else if (PREFIXES.has(text)) first++
    else if (/^[A-Za-z_][A-Za-z0-9_]*=/.test(text)) first++
    else break
  }
  const rest: Word[] = []
  for (let index = first; index < words.length; index++) {
    const redirection = /^(?:[0-9]*|&)>{1,2}(&?[0-9-]*)/.exec(words[index]!.text)
    if (redirection === null) rest.push(words[index]!)
    // `> file` takes the next word too; `>file` and `2>&1` do not.
    else if (redirection[0].length === words[index]!.text.length && redirection[1] === '') index++
  }
  return rest
}

/** Returns the program's name without its folder. */
export function programName(command: Simple): string {
  const path = command[0]?.text ?? ''
  return path.slice(path.lastIndexOf('/') + 1)
}
