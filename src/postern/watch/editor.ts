/** The longest line that is typed, in characters. */
export const LINE_MAX_CHARS = 512

/** A line that is being typed. */
export interface Editor {
  readonly characters: readonly string[]
  /** The place of the cursor: the number of characters before it. */
  readonly at: number
}

/** A key, as `node:readline` names it. */
export interface Key {
  /** As in `up`, `tab`, `return`; absent for most characters. */
  readonly name?: string | undefined
  /** The text that the key types, if any. */
  readonly text?: string | undefined
  readonly ctrl?: boolean | undefined
  readonly meta?: boolean | undefined
  readonly shift?: boolean | undefined
  /** True if the text was pasted. */
  readonly isPasted?: boolean | undefined
}

export function editorOf(text: string): Editor {
  const characters = Array.from(text).slice(0, LINE_MAX_CHARS)
  return { characters, at: characters.length }
}

export function textIn({ characters }: Editor): string {
  return characters.join('')
}

/** Applies a key to a line. Keys that edit nothing leave it as it is. */
export function edited(editor: Editor, { name, text, ctrl, meta }: Key): Editor {
  const { characters, at } = editor
  const cut = (from: number, to: number): Editor => ({
    characters: [...characters.slice(0, Math.max(0, from)), ...characters.slice(to)],
    at: Math.max(0, from),
  })
  const to = (place: number): Editor => ({ characters, at: Math.max(0, Math.min(characters.length, place)) })
  if (ctrl === true) {
    if (name === 'a') return to(0)
    if (name === 'e') return to(characters.length)
    if (name === 'u') return cut(0, at)
    if (name === 'k') return cut(at, characters.length)
    if (name === 'w') return cut(wordStart(editor), at)
    return editor
  }
  if (name === 'left') return to(at - 1)
  if (name === 'right') return to(at + 1)
  if (name === 'home') return to(0)
  if (name === 'end') return to(characters.length)
  if (name === 'backspace') return cut(at - 1, at)
  if (name === 'delete') return cut(at, at + 1)
  if (meta === true || text === undefined) return editor
  const typed = Array.from(text).filter((character) => !/\p{C}/u.test(character))
  if (typed.length === 0 || characters.length + typed.length > LINE_MAX_CHARS) return editor
  return { characters: [...characters.slice(0, at), ...typed, ...characters.slice(at)], at: at + typed.length }
}

/** Replaces the text before the cursor from a place on. */
export function replaced({ characters, at }: Editor, from: number, text: string): Editor {
  const before = [...characters.slice(0, from), ...Array.from(text)].slice(0, LINE_MAX_CHARS)
  return { characters: [...before, ...characters.slice(at)].slice(0, LINE_MAX_CHARS), at: before.length }
}

/** Returns the place where the word before the cursor begins. */
export function wordStart({ characters, at }: Editor): number {
  let from = at
  while (from > 0 && characters[from - 1] === ' ') from--
  while (from > 0 && characters[from - 1] !== ' ') from--
  return from
}
