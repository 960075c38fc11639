// Goal: names below a picture have room, whatever the hour at which a report is made.
import { expect, test } from 'vitest'
import { Axis } from './pictures.ts'

const HOUR = 3_600_000
/** The room in percent that a name needs on a screen of 768 pixels. */
const ROOM = 11.5

test.each([7, 8])('of %d days, at each hour of a day', (days) => {
  for (let hour = 0; hour < 24; hour++) {
    const to = Date.UTC(2026, 10, 22, hour, 35)
    const places = Array.from(new Axis(to - days * 24 * HOUR, to).names.text.matchAll(/class="wide" x="([\d.]+)%/g))
    const lefts = [...places.map(([, left]) => Number(left)), 100]
    expect(lefts.length).toBeGreaterThan(4)
    for (const [index, left] of lefts.slice(0, -1).entries()) expect(lefts[index + 1]! - left).toBeGreaterThan(ROOM)
  }
})
