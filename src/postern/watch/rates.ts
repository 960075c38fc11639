import type { Status } from '../../control/message.ts'

/** The most samples that are kept: one for each column of the widest graph. */
export const SAMPLES_MAX = 240
/** A graph whose highest value is lower shows it as so high, so that one packet is no peak. */
const SCALE_LEAST = 8
const BLOCKS = '▁▂▃▄▅▆▇█'
const LETTERS = '_.:-=+*#'

/** Values a second. An `undefined` is a time without an answer. */
export type Samples = readonly (number | undefined)[]

/** The packets and the knocks a second, oldest first. */
export interface Rates {
  readonly packets: Samples
  readonly knocks: Samples
  /** The counts of the last status. */
  readonly last: { readonly upMs: number; readonly packets: number; readonly knocks: number } | undefined
}

export const NO_RATES: Rates = { packets: [], knocks: [], last: undefined }

/** Adds what a status counts. After a restart, or without an earlier status, there is nothing to compare with. */
export function sampled(rates: Rates, { upMs, totals }: Pick<Status, 'upMs' | 'totals'>): Rates {
  const { packets, knocks = 0 } = totals?.start ?? {}
  if (packets === undefined) return { ...rates, last: undefined }
  const now = { upMs, packets: packets.seen, knocks }
  const { last } = rates
  if (last === undefined || now.upMs <= last.upMs || now.packets < last.packets || now.knocks < last.knocks) {
    return { ...rates, last: now }
  }
  const seconds = (now.upMs - last.upMs) / 1_000
  return {
    packets: added(rates.packets, (now.packets - last.packets) / seconds),
    knocks: added(rates.knocks, (now.knocks - last.knocks) / seconds),
    last: now,
  }
}

/** Adds a gap: there was no answer. */
export function interrupted({ packets, knocks }: Rates): Rates {
  return { packets: added(packets, undefined), knocks: added(knocks, undefined), last: undefined }
}

/** Draws the last samples in so many columns, the newest on the right. A gap is a space. */
export function graphOf(samples: Samples, columns: number, isUtf8: boolean): string {
  if (columns <= 0) return ''
  const shown = samples.slice(-columns)
  const highest = Math.max(SCALE_LEAST, ...shown.map((value) => value ?? 0))
  const marks = isUtf8 ? BLOCKS : LETTERS
  const steps = marks.length - 1
  const drawn = shown.map((value) =>
    value === undefined ? ' ' : marks[value === 0 ? 0 : Math.max(1, Math.round((value / highest) * steps))]!,
  )
  return drawn.join('').padStart(columns)
}

/** Formats a rate: two digits below ten, whole numbers above, and thousands as `12k`. */
export function rateText(value: number | undefined): string {
  if (value === undefined) return '-'
  if (value === 0) return '0'
  if (value < 9.95) return value.toFixed(1)
  if (value < 99_999.5) return String(Math.round(value))
  return value < 9_999_500 ? `${Math.round(value / 1_000)}k` : `${Math.round(value / 1_000_000)}M`
}

function added(samples: Samples, value: number | undefined): Samples {
  return [...samples.slice(1 - SAMPLES_MAX), value]
}
