import { paneOf } from './pane.ts'
import type { PaneRow } from './pane.ts'
import { PANES } from './state.ts'
import type { Moment, PaneName, Picked, WatchState } from './state.ts'

/** Returns the place of the picked row. `undefined`: it has gone, and no other takes its place. */
export function pickedIndex({ key }: Picked, rows: readonly PaneRow[]): number | undefined {
  const at = rows.findIndex((row) => row.key === key)
  return at < 0 ? undefined : at
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
  const { picked, pane } = state
  const { rows } = paneOf(pane, state, now)
  if (rows.length === 0) return turned(state, Math.sign(by), now)
  if (picked?.pane !== pane) return pickAt(state, pane, rows, startOf(pane, rows))
  const at = pickedIndex(picked, rows)
  // The row below one that has gone is at its place now.
  if (at === undefined) return pickAt(state, pane, rows, picked.index + Math.min(0, by))
  const isBeyond = (at === 0 && by < 0) || (at === rows.length - 1 && by > 0)
  return isBeyond && Math.abs(by) === 1 ? turned(state, by, now) : pickAt(state, pane, rows, at + by)
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
