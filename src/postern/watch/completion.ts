import { shellWord } from '../../text/shell-word.ts'
import { wordsFor } from './dialog.ts'
import { replaced, wordStart } from './editor.ts'
import type { Editor } from './editor.ts'
import type { Dialog, WatchState } from './state.ts'

/** The most words that are shown. */
const FOUND_MAX = 20
const OPTIONS = ['--door', '--source', '--user'] as const

/** Completes the answer as far as it is certain, and shows the possibilities. */
export function tabbed(state: WatchState, dialog: Dialog): Dialog {
  const { editor, found } = completed(state, dialog)
  const text = found.length === 0 ? 'nothing completes this' : found.join('  ')
  return { ...dialog, editor, note: found.length === 1 ? undefined : { text, isFault: false } }
}

function completed(state: WatchState, dialog: Dialog): { readonly editor: Editor; readonly found: readonly string[] } {
  const { editor, step } = dialog
  const from = step === 'filter' ? wordStart(editor) : 0
  const typed = editor.characters.slice(from, editor.at).join('')
  const isNewWord = typed.endsWith(' ')
  const words = step === 'filter' ? filterWords(state, editor, isNewWord ? editor.at : from) : wordsFor(state, dialog)
  const begun = isNewWord ? '' : typed
  const found = words.filter((word) => word.startsWith(begun)).slice(0, FOUND_MAX)
  const [first] = found
  if (first === undefined) return { editor, found }
  const end = step === 'filter' && found.length === 1 ? ' ' : ''
  return { editor: replaced(editor, isNewWord ? editor.at : from, commonStart(found) + end), found }
}

/** Returns the options, or the values of the option before a place. */
function filterWords({ seen, events }: WatchState, { characters }: Editor, from: number): readonly string[] {
  const option = characters.slice(0, from).join('').trim().split(/\s+/).at(-1)
  const { doors = [], openings = [], ignored = [], attempts } = seen?.status ?? {}
  const names = {
    '--door': doors.map(({ name }) => name),
    '--source': [...openings, ...(attempts?.listed ?? []), ...ignored, ...events].flatMap(({ source }) => source ?? []),
    '--user': [...openings, ...events].flatMap(({ user }) => user ?? []),
  }[option ?? '']
  return names === undefined ? OPTIONS : [...new Set(names)].map(shellWord)
}

function commonStart([first = '', ...others]: readonly string[]): string {
  let length = first.length
  for (const other of others) while (!other.startsWith(first.slice(0, length))) length--
  return first.slice(0, length)
}
