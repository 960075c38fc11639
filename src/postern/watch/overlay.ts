import { complaintsOf } from './complaints.ts'
import type { Style } from './paint.ts'
import { pickedRow } from './pick.ts'
import { isMember } from './state.ts'
import type { Moment, WatchState } from './state.ts'

/** A line of a text that is shown in place of the lists, with a name in front of it in a column of its own. */
interface OverlayLine {
  readonly name?: string
  readonly text: string
  readonly style: Style
}

const KEYS: readonly (readonly [string, string])[] = [
  ['arrows, j, k', 'pick a row; Tab goes to the next list, Esc picks none'],
  ['Enter', 'show the picked row in full'],
  ['o', 'open a door for an address'],
  [
    'e',
    'extend an opening: it lasts for a time from now, and is never shortened. If it has ended meanwhile, this opens it',
  ],
  ['c', 'close openings, after a question. Established connections stay'],
  ['f', 'forgive an ignored address'],
  ['/', 'show only some events and openings: --door, --source and --user, as in postern events'],
  ['d, s, u', 'the same for the door, source or user of the picked row; again: everything'],
  ['p, Space', 'pause: nothing is asked until the next p'],
  ['!', 'show the health of all parts of the daemon'],
  ['Ctrl-L', 'draw the screen anew'],
  ['Ctrl-Z', 'stop; fg goes on'],
  ['q, Ctrl-C', 'quit'],
]

const NOTES = [
  'packets/s counts the packets that the filter in the kernel let through to knockd, and knocks/s those that brought their source to a stage of a sequence, or were single packets.',
  'A filter applies to events, openings, attempts and who is ignored. Attempts and who is ignored have no users: with --user none of them match.',
  'Times of events are those of the daemon. The members of Control_Group see no attempts, no packets and not who is ignored.',
]

/** Returns the text that is shown in place of the lists. */
export function overlayLines(state: WatchState, now: Moment): readonly OverlayLine[] {
  const kind = state.overlay?.kind
  switch (kind) {
    case 'help':
      return [
        { text: 'Keys', style: 'head' },
        ...KEYS.map(([name, text]) => named(name, text)),
        { text: '', style: 'plain' },
        ...NOTES.map((text): OverlayLine => ({ text, style: 'dim' })),
      ]
    case 'complaints':
      return complaintLines(state)
    case 'details': {
      const row = pickedRow(state, now)
      if (row === undefined) return [{ text: 'this row has gone', style: 'dim' }]
      return row.details().map(([name, text]) => named(name, text))
    }
    case undefined:
      return []
    default:
      return kind satisfies never
  }
}

function complaintLines(state: WatchState): readonly OverlayLine[] {
  const { seen } = state
  if (seen === undefined) return [{ text: 'nothing is known yet', style: 'dim' }]
  const lines = (seen.status.health ?? []).map(({ subject, state: judged, message }): OverlayLine => {
    return named(`${subject} ${judged}`, message, judged === 'ok' ? 'plain' : judged === 'warning' ? 'warn' : 'bad')
  })
  const others = complaintsOf(state).filter(
    ({ text }) => !(seen.status.health ?? []).some(({ message }) => text.includes(message)),
  )
  return [
    { text: 'Health', style: 'head' },
    ...lines,
    ...others.map(({ text }): OverlayLine => ({ text, style: 'warn' })),
    ...(isMember(state) ? [{ text: 'counts of packets are shown only to root', style: 'dim' } as const] : []),
  ]
}

function named(name: string, text: string, style: Style = 'plain'): OverlayLine {
  return { name, text, style }
}
