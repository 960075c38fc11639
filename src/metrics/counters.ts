import { LATENCY_BOUNDS_S } from '../control/message.ts'
import type { TotalsStatus } from '../control/message.ts'
import type { LogEvent } from '../log/event.ts'
import type { EventSink } from '../log/log.ts'
import { COUNTED_DOORS_MAX, OTHER_DOORS, foldDoors, noCounts, sumOf } from './totals.ts'
import type { AllTotals, Counts } from './totals.ts'

const SECOND_MS = 1_000

/** Counts what happens. In a flood it sees the events of each packet, so an event costs an addition at most. */
export class Counters implements EventSink {
  #before = noCounts()
  #since = Date.now()
  readonly #counts = noCounts()
  #doors: ReadonlySet<string> = new Set()
  #packets: () => AllTotals['packets'] = () => noCounts().packets

  /**
   * Adds the counts of earlier runs.
   *
   * @param since the time of the first count, in milliseconds since 1970
   */
  restore(before: Counts, since: number): void {
    this.#before = before
    this.#since = since
  }

  /** Counts the doors of a config one by one, the first {@link COUNTED_DOORS_MAX} of them. */
  replace(doors: readonly { readonly name: string }[]): void {
    this.#doors = new Set(doors.slice(0, COUNTED_DOORS_MAX).map(({ name }) => name))
    for (const { openings, commandFailures } of [this.#before, this.#counts]) {
      foldDoors(openings, this.#doors)
      foldDoors(commandFailures, this.#doors)
    }
  }

  /** Has packets counted by those who capture them. */
  countPackets(packets: () => AllTotals['packets']): void {
    this.#packets = packets
  }

  /** Counts a packet that was a knock. */
  knocked(): void {
    this.#counts.knocks++
  }

  get status(): TotalsStatus & { readonly all: AllTotals } {
    const start = { ...this.#counts, packets: this.#packets() }
    return { since: this.#since, all: sumOf(this.#before, start), start }
  }

  happened(event: LogEvent): void {
    const note = NOTES[event.kind] as Note<LogEvent> | undefined
    note?.(this.#counts, event, this.#doors)
  }
}

/** Counts an event. @param doors the doors that are counted one by one */
type Note<Of> = (counts: Counts, event: Of, doors: ReadonlySet<string>) => void

/** The events that are counted. */
const NOTES: { readonly [Kind in LogEvent['kind']]?: Note<Extract<LogEvent, { kind: Kind }>> } = {
  open({ openings, latency }, { door, tookMs }, doors) {
    count(openings, door, doors)
    if (tookMs !== undefined) took(latency, tookMs / SECOND_MS)
  },
  status: ({ commandFailures }, { door }, doors) => count(commandFailures, door, doors),
  trouble({ commandFailures }, { about, door }, doors) {
    if (about === 'command') count(commandFailures, door, doors)
  },
  explanation(counts, { replay }) {
    if (replay === true) counts.replays++
  },
  scan: (counts) => void counts.scans++,
  'wrong-codes': (counts) => void counts.guesses++,
  'sequence-timeout': ({ refusals }) => void refusals.timeout++,
  withheld: ({ refusals }, { reason }) => void refusals[reason === 'codes' ? 'wrong codes' : 'strays']++,
  'used-before': ({ refusals }) => void refusals['used before']++,
  rejected: ({ refusals }) => void refusals['not allowed']++,
  // Access that was revoked meanwhile is no fault of the machine.
  refused: ({ refusals }, { level }) => void refusals[level === 'notice' ? 'revoked' : 'failed']++,
}

function count(of: Record<string, number>, name: string, doors: ReadonlySet<string>): void {
  const door = doors.has(name) ? name : OTHER_DOORS
  of[door] = (of[door] ?? 0) + 1
}

function took(latency: Counts['latency'], seconds: number): void {
  const at = LATENCY_BOUNDS_S.findIndex((bound) => seconds <= bound)
  latency.counts[at < 0 ? LATENCY_BOUNDS_S.length : at]!++
  latency.sumS += seconds
}
