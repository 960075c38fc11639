import type { Choice, Request } from '../../control/message.ts'
import { tabbed } from './completion.ts'
import { answered, begun } from './dialog.ts'
import type { Decision } from './dialog.ts'
import { edited, editorOf } from './editor.ts'
import type { Key } from './editor.ts'
import { choiceText } from './filter.ts'
import { moved, pickedRow, turned } from './pick.ts'
import { requestText } from './news.ts'
import type { Action, Dialog, Moment, Overlay, WatchState } from './state.ts'

/** The rows by which a page moves. */
const PAGE_ROWS = 10

/** An order to the shell after a key. */
export type Order =
  | { readonly kind: 'quit' | 'stop' | 'redraw' | 'pause' | 'resume' }
  | { readonly kind: 'filter'; readonly filter: Choice }
  | { readonly kind: 'ask'; readonly request: Request }

/** The state after a key, and what is to be done. */
export interface Pressed {
  readonly state: WatchState
  readonly order?: Order
}

const ACTIONS: Readonly<Record<string, Action>> = { o: 'open', e: 'extend', c: 'close', f: 'forgive', '/': 'filter' }
const OVERLAYS: Readonly<Record<string, Overlay['kind']>> = { '?': 'help', h: 'help', '!': 'complaints' }

/** Applies a key. */
export function pressed(before: WatchState, key: Key, now: Moment): Pressed {
  const { name, text, ctrl = false } = key
  if (ctrl && name === 'c') return { state: before, order: { kind: 'quit' } }
  if (ctrl && name === 'z') return { state: before, order: { kind: 'stop' } }
  if (ctrl && name === 'l') return { state: before, order: { kind: 'redraw' } }
  // Pasted text is only typed: it decides nothing.
  if (key.isPasted === true && (before.dialog?.step ?? 'sure') === 'sure') return { state: before }
  if (before.dialog !== undefined) return inDialog(before, before.dialog, key)
  if (before.overlay !== undefined) return { state: inOverlay(before, before.overlay, key) }
  const state = { ...before, message: undefined }
  if (ctrl) return { state }
  const action = ACTIONS[text ?? '']
  if (action !== undefined) return { state: withDialog(state, action, now) }
  const overlay = name === 'return' && state.picked !== undefined ? 'details' : OVERLAYS[text ?? '']
  if (overlay !== undefined) return { state: { ...state, overlay: { kind: overlay, from: 0 } } }
  const by = steps(key)
  if (by !== undefined) return { state: moved(state, by, now) }
  if (name === 'tab') return { state: turned(state, key.shift === true ? -1 : 1, now) }
  if (name === 'escape') return { state: { ...state, picked: undefined } }
  if (text === 'q') return { state, order: { kind: 'quit' } }
  if (text === 'p' || text === ' ') return paused(state, now)
  if (text === 'd' || text === 's' || text === 'u') return narrowed(state, text, now)
  return { state }
}

function steps({ name, text }: Key): number | undefined {
  if (name === 'down' || text === 'j') return 1
  if (name === 'up' || text === 'k') return -1
  if (name === 'pagedown') return PAGE_ROWS
  if (name === 'pageup') return -PAGE_ROWS
  if (name === 'home') return -Infinity
  return name === 'end' ? Infinity : undefined
}

function withDialog(state: WatchState, action: Action, now: Moment): WatchState {
  const row = pickedRow(state, now)
  return { ...state, dialog: begun(state, action, row?.about, state.picked?.pane === 'open') }
}

function paused(state: WatchState, now: Moment): Pressed {
  if (state.pausedMs === undefined) {
    const message = { text: 'paused: nothing is asked; p goes on', tone: 'warn' } as const
    return { state: { ...state, pausedMs: now.wall, message }, order: { kind: 'pause' } }
  }
  const message = { text: 'watching again', tone: 'good' } as const
  return { state: { ...state, pausedMs: undefined, message }, order: { kind: 'resume' } }
}

/** Chooses the door, source or user of the picked row, or everything if that is chosen already. */
function narrowed(state: WatchState, by: 'd' | 's' | 'u', now: Moment): Pressed {
  const [list, field] = ({ d: ['doors', 'door'], s: ['sources', 'source'], u: ['users', 'user'] } as const)[by]
  const { [list]: chosen, ...others } = state.filter
  if (chosen !== undefined) return filtered(state, others)
  const value = pickedRow(state, now)?.about[field]
  if (value !== undefined) return filtered(state, { ...state.filter, [list]: [value] })
  return {
    state: {
      ...state,
      message: { text: `pick a row that has a ${field} first, or type / and --${field}`, tone: 'warn' },
    },
  }
}

/** Applies another filter. The events so far go, as they were chosen by the one before. */
export function filtered(state: WatchState, filter: Choice): Pressed {
  const text = choiceText(filter)
  const message = { text: text === '' ? 'filter: everything is shown' : `filter: only ${text}`, tone: 'good' } as const
  return {
    state: { ...state, filter, message, events: [], picked: undefined, dialog: undefined },
    order: { kind: 'filter', filter },
  }
}

function inDialog(state: WatchState, dialog: Dialog, key: Key): Pressed {
  const name = key.isPasted === true ? undefined : key.name
  if (name === 'escape') {
    return {
      state: { ...state, dialog: undefined, message: { text: `${dialog.action}: nothing was done`, tone: 'warn' } },
    }
  }
  if (name === 'tab') return { state: { ...state, dialog: tabbed(state, dialog) } }
  if (name === 'return' || name === 'enter') return concluded(state, answered(state, dialog))
  const editor = edited(dialog.editor, key)
  // The answer to this question is one key.
  if (dialog.step === 'sure') return concluded(state, answered(state, { ...dialog, editor: editorOf(key.text ?? '') }))
  return { state: { ...state, dialog: { ...dialog, editor, note: undefined } } }
}

/** Carries out a decision, or continues the dialog. */
export function concluded(state: WatchState, after: Dialog | Decision): Pressed {
  if (!('kind' in after)) return { state: { ...state, dialog: after } }
  if (after.kind === 'filter') return filtered(state, after.filter)
  const done = { ...state, dialog: undefined }
  if (after.kind === 'nothing') return { state: { ...done, message: { text: after.text, tone: 'warn' } } }
  const message = { text: `${requestText(after.request)}: asking knockd`, tone: 'note' } as const
  return { state: { ...done, message }, order: { kind: 'ask', request: after.request } }
}

function inOverlay(state: WatchState, overlay: Overlay, key: Key): WatchState {
  const by = steps(key)
  if (by === undefined) return { ...state, overlay: undefined }
  const from = Math.max(0, Math.min(1_000, overlay.from + Math.max(-1_000, Math.min(by, 1_000))))
  return { ...state, overlay: { ...overlay, from } }
}
