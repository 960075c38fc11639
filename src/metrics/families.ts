import { HEALTH_STATES, LATENCY_BOUNDS_S } from '../control/message.ts'
import type { Status, Totals } from '../control/message.ts'
import { exposition, histogram } from './exposition.ts'
import type { Family, Sample } from './exposition.ts'
import { COUNTED_DOORS_MAX, OTHER_DOORS } from './totals.ts'

const SECOND_MS = 1_000

/** Formats a status as OpenMetrics text. A member of Control_Group gets the metrics of what a member may see. */
export function openMetrics(status: Status): string {
  return exposition(familiesOf(status))
}

/** The text for a daemon that cannot be asked. */
export const NOT_UP = exposition([up(0)])

/** Returns the metrics of a status. Labels are doors, interfaces, reasons and subjects, and never texts of strangers. */
export function familiesOf(status: Status): readonly Family[] {
  const { version, upMs, interfaces, guard, doors, attempts, ignored, faults, totals, health = [], clock } = status
  const { all } = totals ?? {}
  const counted = doors.slice(0, COUNTED_DOORS_MAX)
  const families: readonly Family[] = [
    up(1),
    gauge('build_info', 'The version of the daemon.', [{ labels: { version }, value: 1 }]),
    gauge('uptime_seconds', 'Time since the daemon began.', one(upMs / SECOND_MS)),
    ...(all === undefined ? [] : totalsOf(all)),
    gauge('doors', 'Doors in the config.', one(doors.length)),
    gauge('open', 'Openings by door at the moment.', openBy(status)),
    gauge('attempts', 'Knock sequences under way.', one(attempts?.count)),
    gauge(
      'ignored_sources',
      'Addresses that are ignored, up to the number that status lists.',
      one(attempts && ignored.length),
    ),
    gauge(
      'list_left',
      'One-time sequences that are left.',
      samplesOf('door', counted, ({ left }) => left),
    ),
    gauge(
      'list_low_water',
      'Number of sequences from which on a list is low.',
      samplesOf('door', counted, (door) => door.lowWater),
    ),
    gauge(
      'users',
      'Users of a door.',
      samplesOf('door', counted, ({ users }) => users),
    ),
    gauge(
      'capture_up',
      'Whether an interface is captured.',
      samplesOf('interface', interfaces, ({ waiting }) => Number(waiting === undefined)),
    ),
    gauge(
      'capture_deaf_times',
      'Disturbed captures within a day.',
      samplesOf('interface', interfaces, ({ deaf, received }) =>
        received === undefined ? undefined : (deaf?.times ?? 0),
      ),
    ),
    gauge(
      'capture_last_packet_age_seconds',
      'Time since the last packet that the filter accepted.',
      samplesOf('interface', interfaces, ({ heardMs }) => (heardMs === undefined ? undefined : heardMs / SECOND_MS)),
    ),
    gauge('guard_up', 'Whether the guard is in force.', one(guard && Number(guard.fault === undefined))),
    gauge('guard_hidden_packets', 'Packets to hidden ports since the guard was put in place.', one(guard?.hidden)),
    gauge('journal_up', 'Whether the journal can be written.', one(Number(status.journal === undefined))),
    gauge(
      'clock_synchronised',
      'Whether the kernel calls its clock synchronised.',
      one(booleanOf(clock?.synchronised)),
    ),
    gauge('clock_needed', 'Whether doors depend on the clock.', one(booleanOf(clock?.needed))),
    gauge('internal_errors', 'Internal errors since the daemon began.', one(faults?.count ?? 0)),
    gauge(
      'health',
      'Health by subject: 0 ok, 1 warning, 2 critical.',
      health.map(({ subject, state }) => ({ labels: { subject }, value: HEALTH_STATES.indexOf(state) })),
    ),
  ]
  return families.filter(({ samples }) => samples.length > 0)
}

function totalsOf({ refusals, packets, latency, ...all }: Totals): readonly Family[] {
  return [
    total('openings', 'Openings by door; without a door: of doors that are gone or too many.', byDoor(all.openings)),
    total('command_failures', 'Commands that failed or could not be run, by door.', byDoor(all.commandFailures)),
    total(
      'refusals',
      'Knocks and packets that opened nothing, by reason.',
      Object.entries(refusals ?? {}).map(([reason, value]) => ({ labels: { reason }, value })),
    ),
    total('replays', 'Single packets that came again, and opened nothing.', one(all.replays)),
    total('scans', 'Port scans.', one(all.scans)),
    total('wrong_code_sources', 'Sources that sent too many wrong codes.', one(all.guesses)),
    total('packets_seen', 'Packets that the filter accepted.', one(packets?.seen)),
    total('packets_taken', 'Packets that the daemon looked at.', one(packets?.taken)),
    total('packets_lost', 'Packets that were lost because the daemon had no time for them.', one(packets?.lost)),
    total('knocks', 'Packets that reached a stage of a sequence, and single packets.', one(all.knocks)),
    {
      name: 'postern_opening_seconds',
      type: 'histogram',
      help: 'Time from the capture of the last packet to the opening.',
      samples: latency === undefined ? [] : histogram(LATENCY_BOUNDS_S, latency.counts, latency.sumS),
    },
  ]
}

function up(value: 0 | 1): Family {
  return gauge('up', 'Whether the daemon answers.', [{ value }])
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `postern_${name}`, type: 'gauge', help, samples }
}

function total(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `postern_${name}_total`, type: 'total', help, samples }
}

function one(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }]
}

function booleanOf(value: boolean | undefined): number | undefined {
  return value === undefined ? undefined : Number(value)
}

function byDoor(counts: Readonly<Record<string, number>>): readonly Sample[] {
  return Object.entries(counts).map(([door, value]) => ({ labels: { door }, value }))
}

/** Makes a sample of each item that has a value. */
function samplesOf<Item extends { readonly name: string }>(
  label: 'door' | 'interface',
  items: readonly Item[],
  valueOf: (item: Item) => number | undefined,
): readonly Sample[] {
  return items.flatMap((item) => {
    const value = valueOf(item)
    return value === undefined ? [] : [{ labels: { [label]: item.name }, value }]
  })
}

/** Counts the openings of each door; those of doors beyond the limit, and of doors that are gone, together. */
function openBy({ doors, openings }: Status): readonly Sample[] {
  const counts = new Map(doors.slice(0, COUNTED_DOORS_MAX).map(({ name }) => [name, 0]))
  for (const { door } of openings) {
    const name = counts.has(door) ? door : OTHER_DOORS
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([door, value]) => ({ labels: { door }, value }))
}
