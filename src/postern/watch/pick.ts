import { paneOf } from './pane.ts'
import type { PaneRow } from './pane.ts'
import { PANES } from './state.ts'
import type { Moment, PaneName, Picked, WatchState } from './state.ts'

/** Returns the place of the picked row: by its key, or where it was. `undefined`: there are no rows. */
export function pickedIndex({ key, index }: Picked, rows: readonly PaneRow[]): number | undefined {
  if (rows.length === 0) return undefined
  const at = rows.findIndex((row) => row.key === key)
  return at < 0 ? Math.min(index, rows.length - 1) : at
}

/** Returns the picked row, if there is one. */
export function pickedRow(state: WatchState, now: Moment): PaneRow | undefined {
  const { picked } = state
  if (picked === undefined) return undefined
  const { rows } = paneOf(picked.pane, state, now)
  const at = pickedIndex(picked, rows)
  return at === undefined ? undefined : rows[at]
}

/** Picks a row by its place: a list's ends stop it. */
function pickAt(state: WatchState, pane: PaneName, rows: readonly PaneRow[], place: number): WatchState {
  const index = Math.max(0, Math.min(place, rows.length - 1))
  const row = rows[index]
  return { ...state, pane, picked: row === undefined ? undefined : { pane, key: row.key, index } }
}

/** Moves the mark by some rows within its list. At its last row it moves to the next list. */
export function moved(state: WatchState, by: number, now: Moment): WatchState {
  const { rows } = paneOf(state.pane, state, now)
  const at = state.picked?.pane === state.pane ? pickedIndex(state.picked, rows) : undefined
  if (at === undefined)
    return rows.length > 0
      ? pickAt(state, state.pane, rows, startOf(state.pane, rows))
      : turned(state, Math.sign(by), now)
  const isBeyond = (at === 0 && by < 0) || (at === rows.length - 1 && by > 0)
  return isBeyond && Math.abs(by) === 1 ? turned(state, by, now) : pickAt(state, state.pane, rows, at + by)
}

/** Moves the mark to the next list that has rows, or to the one before. */
export function turned(state: WatchState, by: number, now: Moment): WatchState {
  const from = PANES.indexOf(state.pane)
  for (let step = 1; step < PANES.length; step++) {
    const pane = PANES[(from + by * step + PANES.length * PANES.length) % PANES.length]!
    const { rows } = paneOf(pane, state, now)
    if (rows.length > 0) return pickAt(state, pane, rows, by < 0 ? rows.length - 1 : startOf(pane, rows))
  }
  return state
}

/** Events begin at the newest, which is the last. */
function startOf(pane: PaneName, rows: readonly PaneRow[]): number {
  return pane === 'events' ? rows.length - 1 : 0
}
