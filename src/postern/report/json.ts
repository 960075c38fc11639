import { zonedTime } from '../../log/time.ts'
import { OPENINGS_LISTED_MAX } from './contents.ts'
import type { Contents, Rows } from './contents.ts'

/** Formats a report as one JSON document. What is not known is left out. */
export function jsonOf(of: Contents): string {
  const timeline = of.timeline.slice(-OPENINGS_LISTED_MAX)
  const document = {
    machine: of.machine,
    zone: of.zone,
    made: when(of.made),
    from: when(of.from),
    to: when(of.to),
    whole: of.isWhole,
    inputs: of.inputs.map(({ name, lines, first, last, unreadable, ambiguous, foreign, problem }) => ({
      name,
      lines,
      first: when(first),
      last: when(last),
      unreadable,
      ambiguous,
      foreign,
      problem,
    })),
    notes: of.notes,
    totals: {
      openings: of.openings,
      byHand: of.byHand,
      withoutUser: of.unnamed - of.byHand,
      failures: of.failures,
      scans: of.scans,
      starts: of.starts,
    },
    doors: listOf(of.doors, ({ name, openings, last }) => ({ name, openings, last: when(last) })),
    users: listOf(of.users, ({ name, openings, last, door, source, host }) => ({
      name,
      openings,
      last: when(last),
      door,
      source,
      host,
    })),
    openings: {
      listed: timeline.map(({ time, until, door, source, host, user, claimedUser, isByHand, by }) => ({
        time: when(time),
        until: when(until),
        door,
        source,
        host,
        user,
        claimedUser,
        byHand: isByHand,
        by,
      })),
      before: of.openings - timeline.length,
    },
    failures: {
      reasons: listOf(of.reasons, ({ why, door, count, last, sources, isMoreSources, users, isMoreUsers }) => ({
        why,
        door,
        count,
        last: when(last),
        sources,
        moreSources: isMoreSources,
        users,
        moreUsers: isMoreUsers,
      })),
      sources: listOf(of.sources, ({ last, ...row }) => ({ ...row, last: when(last) })),
    },
    scans: listOf(of.networks, ({ network, count, addresses, isMoreAddresses, first, last }) => ({
      network,
      count,
      addresses,
      moreAddresses: isMoreAddresses,
      first: when(first),
      last: when(last),
    })),
    hours: of.hours.map(({ time, ...counts }) => ({ time: when(time), ...counts })),
    unusedDoors: of.unusedDoors,
    absentUsers: of.absentUsers,
    lists: of.lists?.map(({ door, left, lowWater, isLow, fault }) => ({ door, left, lowWater, low: isLow, fault })),
  }
  return `${JSON.stringify(document, undefined, 2)}\n`
}

function listOf<Row>({ rows, more, isCut }: Rows<Row>, as: (row: Row) => unknown): unknown {
  return { rows: rows.map(as), more, cut: isCut }
}

function when(time: number | undefined): string | undefined {
  return time === undefined ? undefined : zonedTime(time, 'milliseconds')
}
