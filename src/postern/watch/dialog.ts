import { UsageError } from '../../cli/fault.ts'
import { parseDuration } from '../../config/duration.ts'
import { BY_HAND_MAX_MS } from '../../control/message.ts'
import type { Choice, Request } from '../../control/message.ts'
import { formatAddress, parseAddress } from '../../packet/address.ts'
import { nearest } from '../../text/nearest.ts'
import { timeText } from '../control/table.ts'
import { editorOf, textIn } from './editor.ts'
import { choiceText, readChoice } from './filter.ts'
import { clean, fit, widthOf } from './glyphs.ts'
import { isFiltered } from './state.ts'
import type { Action, Answers, Dialog, Step, WatchState } from './state.ts'

/** The end of a dialog: a request to the daemon, another filter, or nothing. */
export type Decision =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'filter'; readonly filter: Choice }
  | { readonly kind: 'nothing'; readonly text: string }

/** The columns that the answer has at least. */
const ANSWER_COLUMNS = 12
const USUAL_HINT = 'Enter goes on, Tab completes, Esc ends this'
const HINTS: { readonly [Of in Step]?: string } = {
  time: 'from now: 30s, 10m, 2h; Enter goes on, Esc ends this',
  sure: 'y closes it, any other key does not',
}

const STEPS: Readonly<Record<Action, readonly Step[]>> = {
  open: ['door', 'source', 'time'],
  extend: ['door', 'source', 'time'],
  close: ['door', 'anyone', 'sure'],
  forgive: ['source'],
  filter: ['filter'],
}

/** A picked row, as far as a dialog begins with it. */
interface About {
  readonly door?: string | undefined
  readonly source?: string | undefined
}

/**
 * Begins a dialog. A picked opening answers the questions about its door and source; other rows and the only door of a
 * config are proposed as answers.
 */
export function begun(state: WatchState, action: Action, about: About = {}, isOpening = false): Dialog {
  const isNamed = isOpening && about.door !== undefined && about.source !== undefined
  const isKnown = isNamed && (action === 'extend' || action === 'close')
  const first = STEPS[action][isKnown ? 2 : 0]!
  return asking(state, { action, given: isKnown ? about : {}, proposed: about, step: first })
}

function asking(
  state: WatchState,
  { action, given, proposed, step }: Pick<Dialog, 'action' | 'given' | 'step'> & { readonly proposed: About },
): Dialog {
  const doors = doorsOf(state)
  const texts: Readonly<Record<Step, string>> = {
    door: proposed.door ?? (doors.length === 1 ? doors[0]! : ''),
    source: proposed.source ?? '',
    anyone: proposed.source ?? '',
    time: '',
    sure: '',
    filter: isFiltered(state) ? `${choiceText(state.filter)} ` : '',
  }
  return {
    action,
    step,
    given: step === 'sure' || step === 'time' ? given : { ...proposed, ...given },
    editor: editorOf(texts[step]),
  }
}

/** Takes an answer, and returns the next question, the same one with the fault, or the decision. */
export function answered(state: WatchState, dialog: Dialog): Dialog | Decision {
  const text = textIn(dialog.editor).trim()
  try {
    return next(state, dialog, text)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    const { message, hint } = error
    return { ...dialog, note: { text: `${message}${hint === undefined ? '' : `: ${hint}`}`, isFault: true } }
  }
}

function next(state: WatchState, dialog: Dialog, text: string): Dialog | Decision {
  const { action, step, given } = dialog
  switch (step) {
    case 'door':
      return onwards(state, dialog, { ...given, door: readDoor(state, text) })
    case 'source':
    case 'anyone': {
      const source = step === 'anyone' && text === '' ? undefined : readSource(text)
      if (action === 'extend') mustBeOpen(state, given.door, source)
      if (action === 'forgive') return { kind: 'request', request: { command: 'forgive', source: source! } }
      return onwards(state, dialog, { ...given, source })
    }
    case 'time': {
      const { door, source } = given as Required<Answers>
      const forMs = text === '' ? {} : { forMs: readTime(text) }
      return { kind: 'request', request: { command: 'open', door, source, ...forMs } as Request }
    }
    case 'sure': {
      if (!/^y(?:es)?$/i.test(text)) return { kind: 'nothing', text: 'close: nothing was closed' }
      const { door, source } = given
      // Without a door the request would close every door.
      if (door === undefined) throw new UsageError('no door given', 'Esc, and c again')
      const request = { command: 'close', door, ...(source === undefined ? {} : { source }) } as const
      return { kind: 'request', request }
    }
    case 'filter':
      return { kind: 'filter', filter: readChoice(text) }
    default:
      return step satisfies never
  }
}

function onwards(state: WatchState, { action, step }: Dialog, given: Answers): Dialog {
  const steps = STEPS[action]
  return asking(state, { action, given, proposed: given, step: steps[steps.indexOf(step) + 1]! })
}

function readDoor(state: WatchState, text: string): string {
  const doors = doorsOf(state)
  const isCut = (state.seen?.inAll.doors ?? 0) > doors.length || state.filter.doors !== undefined
  if (text === '') throw new UsageError('no door given', 'Tab shows them')
  // A door that is not listed may be there: the daemon says so.
  if (doors.includes(text) || isCut) return text
  const meant = nearest(text, doors)
  throw new UsageError(`there is no door ${text}`, meant === undefined ? 'Tab shows them' : `did you mean: ${meant}`)
}

function readSource(text: string): string {
  const address = parseAddress(text)
  if (address === undefined) {
    throw new UsageError(
      text === '' ? 'no address given' : `${text} is not an address`,
      'as in 192.0.2.7 or 2001:db8::7',
    )
  }
  return formatAddress(address)
}

function readTime(text: string): number {
  const read = parseDuration(text, 1, BY_HAND_MAX_MS)
  if ('value' in read) return read.value
  throw new UsageError(`${text} ${read.message}`, read.hint)
}

function mustBeOpen({ seen }: WatchState, door: string | undefined, source: string | undefined): void {
  if (seen === undefined || seen.inAll.openings > seen.status.openings.length) return
  if (seen.status.openings.some((each) => each.door === door && each.source === source)) return
  throw new UsageError(`${door} is not open for ${source}`, 'Esc, and o to open it')
}

function doorsOf({ seen }: WatchState): readonly string[] {
  return seen?.status.doors.map(({ name }) => name) ?? []
}

/** Returns the question of a dialog. */
export function questionOf(state: WatchState, { action, step, given }: Dialog): string {
  const { door = '', source } = given
  switch (step) {
    case 'door':
      return `${action} which door: `
    case 'source':
      return action === 'forgive' ? 'forgive which address: ' : `${action} ${door} for which address: `
    case 'anyone':
      return `close ${door} for which address (empty: everybody): `
    case 'time': {
      const ms = state.seen?.status.doors.find(({ name }) => name === door)?.openForMs
      const usual = ms === undefined ? "the door's own time" : timeText(ms)
      return `${action} ${door} for ${source}, how long (empty: ${usual}): `
    }
    case 'sure':
      return `close ${door} for ${source ?? 'everybody'}? y or n: `
    case 'filter':
      return 'show only (empty: everything): '
    default:
      return step satisfies never
  }
}

/** Returns the words that can complete the answer. */
export function wordsFor(state: WatchState, { action, step, given }: Dialog): readonly string[] {
  const { status } = state.seen ?? {}
  const openings = status?.openings ?? []
  if (step === 'door') return action === 'open' ? doorsOf(state) : unique(openings.map(({ door }) => door))
  if (step !== 'source' && step !== 'anyone') return []
  if (action === 'forgive') return unique(status?.ignored.map(({ source }) => source) ?? [])
  if (action !== 'open') return unique(openings.filter(({ door }) => door === given.door).map(({ source }) => source))
  return unique(
    [...openings, ...(status?.attempts?.listed ?? []), ...(status?.ignored ?? [])].map(({ source }) => source),
  )
}

function unique(words: readonly string[]): readonly string[] {
  return [...new Set(words)]
}

/** Draws the line that is typed: the part around the cursor, if it is longer than the screen. */
export function promptOf(
  state: WatchState,
  dialog: Dialog,
  columns: number,
): { readonly line: string; readonly column: number; readonly hint: string; readonly isFault: boolean } {
  const { isUtf8 } = state
  const { editor, note, step } = dialog
  const question = fit(
    clean(questionOf(state, dialog), isUtf8),
    Math.max(0, columns - Math.min(ANSWER_COLUMNS, columns)),
    isUtf8,
  )
  const room = Math.max(1, columns - widthOf(question))
  const typed = editor.characters.map((character) => clean(character, isUtf8))
  const width = (from: number, to: number): number =>
    typed.slice(from, to).reduce((sum, each) => sum + widthOf(each), 0)
  let from = 0
  while (from < editor.at && width(from, editor.at) > room - 1) from++
  return {
    line: question + typed.slice(from).join(''),
    column: widthOf(question) + width(from, editor.at),
    hint: clean(note?.text ?? HINTS[step] ?? USUAL_HINT, isUtf8),
    isFault: note?.isFault ?? false,
  }
}
