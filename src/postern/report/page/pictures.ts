import { markup } from '../../../publish/page/markup.ts'
import type { Markup } from '../../../publish/page/markup.ts'
import type { Opening } from '../openings.ts'
import { clockText, dayText, partsOf } from '../times.ts'
import type { Parts } from '../times.ts'
import { joined } from './table.ts'

/** The width of a picture in its own units. It is stretched to the width of the page. */
const WIDTH = 1_000
const LANE_HEIGHT = 20
const BARS_HEIGHT = 56
/** The most parts of the axis, and the most bars. */
const LABELS_MAX = 9
const BARS_MAX = 60
/** The width in percent from which a label of the axis has room: 45 pixels of the 394 on a screen of 768. */
const LABEL_MIN_PERCENT = 12
/** The width of an opening's mark at its least, in the picture's units: nearer marks become one. */
const NEAR = 2
/** A week, with the day in which it begins. */
const WEEK_MS = 8 * 86_400_000

/** A time that pictures show from left to right. */
export class Axis {
  readonly #from: number
  readonly #to: number
  readonly labels: Parts
  readonly bars: Parts

  /** @param from milliseconds since 1970, before `to` */
  constructor(from: number, to: number) {
    this.#from = from
    this.#to = Math.max(to, from + 1)
    this.labels = partsOf(this.#from, this.#to, LABELS_MAX)
    this.bars = partsOf(this.#from, this.#to, BARS_MAX)
  }

  /** Returns the place of a time, from 0 to {@link WIDTH}. */
  at(time: number): number {
    const part = (time - this.#from) / (this.#to - this.#from)
    return Math.round(Math.min(1, Math.max(0, part)) * WIDTH * 10) / 10
  }

  /** The names of the days or hours, at their places. */
  get names(): Markup {
    const { starts, areDays } = this.labels
    const texts = starts.flatMap((start, index) => {
      const left = this.at(start) / 10
      const width = this.at(starts[index + 1] ?? this.#to) / 10 - left
      if (width < LABEL_MIN_PERCENT) return []
      const name = areDays ? dayText(start).split(' ').slice(0, 2).join(' ') : clockText(start)
      const x = `${left.toFixed(1)}%`
      return [
        markup`<text class="wide" x="${x}" dx="3" y="12">${name}</text><text class="narrow" x="${x}" dx="2" y="12">${this.#short(name)}</text>`,
      ]
    })
    return markup`<svg class="axis" width="100%" height="16" aria-hidden="true">${joined(texts)}</svg>`
  }

  /** Shortens the name of a day or an hour for narrow screens: `Sun`, `15` or `06`. */
  #short(name: string): string {
    const { starts, areDays } = this.labels
    if (!areDays) return name.slice(0, 2)
    const isWeek = this.#to - this.#from <= WEEK_MS && starts.length <= LABELS_MAX
    return name.split(' ')[isWeek ? 0 : 1] ?? name
  }

  /** The lines between days or hours. */
  grid(height: number): Markup {
    const lines = this.labels.starts.map((start) => `M${this.at(start)} 0V${height}`)
    return markup`<path class="grid" d="${lines.join('')}"/>`
  }
}

/** Draws the openings of a lane: a dot for a short one, and a bar for a long one. */
export function laneOf(axis: Axis, openings: readonly Opening[], title: string): Markup {
  const marks: { from: number; to: number }[] = []
  for (const { time, until } of openings) {
    const from = axis.at(time)
    const to = Math.max(from, axis.at(until ?? time))
    const last = marks.at(-1)
    if (last !== undefined && from - last.to < NEAR) last.to = Math.max(last.to, to)
    else marks.push({ from, to })
  }
  const path = marks.map(({ from, to }) => `M${from} ${LANE_HEIGHT / 2}h${Math.round((to - from) * 10) / 10}`).join('')
  return markup`<svg class="lane" viewBox="0 0 ${String(WIDTH)} ${String(LANE_HEIGHT)}" preserveAspectRatio="none" role="img"><title>${title}</title>${axis.grid(LANE_HEIGHT)}<path class="marks" d="${path}"/></svg>`
}

/** A number for each bar of a picture. */
export interface Bars {
  readonly values: readonly number[]
  readonly most: number
}

/** Adds counts at times up to the bars of an axis. */
export function barsOf(axis: Axis, counts: readonly { readonly time: number; readonly count: number }[]): Bars {
  const { starts } = axis.bars
  const values = starts.map(() => 0)
  for (const { time, count } of counts) {
    const index = starts.findLastIndex((start) => start <= time)
    values[Math.max(0, index)]! += count
  }
  return { values, most: Math.max(0, ...values) }
}

/** Draws bars. */
export function histogramOf(
  axis: Axis,
  { values, most }: Bars,
  of: { readonly title: string; readonly kind: string },
): Markup {
  const { starts } = axis.bars
  const path = values.map((value, index) => {
    if (value === 0) return ''
    const left = axis.at(starts[index]!)
    const right = index + 1 < starts.length ? axis.at(starts[index + 1]!) : WIDTH
    // One is visible beside thousands.
    const height = Math.max(2, Math.round((value / most) * BARS_HEIGHT * 10) / 10)
    return `M${left + 1} ${BARS_HEIGHT}v-${height}h${Math.max(1, Math.round((right - left - 2) * 10) / 10)}v${height}z`
  })
  return markup`<svg class="bars ${of.kind}" viewBox="0 0 ${String(WIDTH)} ${String(BARS_HEIGHT)}" preserveAspectRatio="none" role="img"><title>${of.title}</title>${axis.grid(BARS_HEIGHT)}<path class="fill" d="${path.join('')}"/></svg>`
}

/** Draws a share of the largest value as a bar beside a number. */
export function shareOf(value: number, most: number): Markup {
  const width = Math.max(1, Math.round((value / Math.max(1, most)) * 1_000) / 10)
  return markup`<svg class="share" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true"><rect class="track" width="100" height="6"/><rect class="part" width="${String(width)}" height="6"/></svg>`
}
