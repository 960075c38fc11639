import { SEQUENCE_LENGTH_DEFAULT, SEQUENCE_PORTS_DEFAULT } from '../../config/config.ts'
import type { Config, Knock } from '../../config/config.ts'
import { NMAP_PORTS } from '../../config/nmap-ports.ts'
import { scannable } from '../../config/scannable.ts'
import { writtenKnocks } from '../../config/secret.ts'
import { Failure } from '../../cli/fault.ts'
import { TCP } from '../../packet/packet.ts'
import { makeSequence } from '../../publish/sequence.ts'

/** The number of sequences that are made before giving up. */
const DRAWS_MAX = 1_000
/** Knocks that two sequences may have in common. The knocks for one then never open the door of the other. */
const COMMON_MAX = 1

/** Returns the sequences in a config, and the ports that it opens or hides. At these, people connect without a knock. */
export function sequencesIn({ doors, options }: Config): {
  readonly sequences: readonly (readonly Knock[])[]
  readonly services: ReadonlySet<number>
} {
  const services = new Set<number>()
  for (const { protocol, first, last } of [...options.guard, ...doors.flatMap(({ opens }) => opens)]) {
    if (protocol !== TCP) continue
    for (let port = first; port <= last; port++) services.add(port)
  }
  return { sequences: doors.map(({ secret }) => writtenKnocks(secret)), services }
}

/**
 * Makes a random sequence that no scan completes by chance, and that has at most one knock in common with each of the
 * others. Ports that nmap scans by default are left out.
 *
 * @param avoid ports that are left out
 * @throws Failure, or an Error if too few ports are left
 */
export function sequenceUnlike(
  others: Iterable<readonly Knock[]>,
  avoid: ReadonlySet<number>,
  draw?: (max: number) => number,
): readonly Knock[] {
  const owners = ownersOf(others)
  // A sequence of a knock or two would be completed in passing.
  const without = new Set([...avoid, ...NMAP_PORTS])
  for (const [port, own] of owners) if (own.some(({ length }) => length <= COMMON_MAX + 1)) without.add(port)
  const terms = { length: SEQUENCE_LENGTH_DEFAULT, ports: SEQUENCE_PORTS_DEFAULT }
  for (let round = 0; round < DRAWS_MAX; round++) {
    const knocks = makeSequence(terms, without, draw)
    if (scannable(knocks) === undefined && isUnlike(knocks, owners)) return knocks
  }
  throw new Failure('no sequence is left that is unlike all others', 'use time-based codes: --totp')
}

/** Returns true if a sequence has at most one knock in common with each of the others. */
export function isUnlikeAll(knocks: readonly Knock[], others: Iterable<readonly Knock[]>): boolean {
  return isUnlike(knocks, ownersOf(others))
}

/** Returns the sequences by their ports. */
function ownersOf(sequences: Iterable<readonly Knock[]>): ReadonlyMap<number, readonly (readonly Knock[])[]> {
  const owners = new Map<number, (readonly Knock[])[]>()
  for (const sequence of sequences) {
    for (const port of new Set(sequence.map((knock) => knock.port))) {
      owners.set(port, [...(owners.get(port) ?? []), sequence])
    }
  }
  return owners
}

function isUnlike(knocks: readonly Knock[], owners: ReadonlyMap<number, readonly (readonly Knock[])[]>): boolean {
  const common = new Map<readonly Knock[], number>()
  for (const { port } of knocks) {
    for (const other of owners.get(port) ?? []) {
      const count = (common.get(other) ?? 0) + 1
      if (count > COMMON_MAX) return false
      common.set(other, count)
    }
  }
  return true
}
