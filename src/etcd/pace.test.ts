// Goal: while no member answers, a few attempts try and all others wait. The first answer lets them go on.
import { expect, test } from 'vitest'
import { ATTEMPTS_MAX, KEPT_MAX, Pace, PROBES_MAX } from './pace.ts'

test('attempts have a bound, a lower one in trouble, and the request with the least time left goes on first', () => {
  const pace = new Pace()
  const begun: number[] = []
  const cancels = Array.from({ length: ATTEMPTS_MAX + 3 }, (_, index) =>
    pace.enter(-index, () => void begun.push(index)),
  )
  expect(begun).toHaveLength(ATTEMPTS_MAX)
  cancels[ATTEMPTS_MAX + 1]!()
  // The last one has the least time left.
  pace.failed(1)
  pace.leave()
  expect(begun).toHaveLength(ATTEMPTS_MAX)
  for (let left = ATTEMPTS_MAX - PROBES_MAX; left > 0; left--) pace.leave()
  expect(begun.slice(ATTEMPTS_MAX)).toEqual([ATTEMPTS_MAX + 2])
  pace.answered(2)
  expect(begun.slice(ATTEMPTS_MAX)).toEqual([ATTEMPTS_MAX + 2, ATTEMPTS_MAX])
  // Another member answered since this attempt began.
  pace.failed(2)
  pace.enter(0, () => void begun.push(-1))
  expect(begun.at(-1)).toBe(-1)
})

test('an attempt that is kept makes room, up to a bound', () => {
  const pace = new Pace()
  pace.failed(1)
  let begun = 0
  for (let index = 0; index < KEPT_MAX + PROBES_MAX + 1; index++) pace.enter(0, () => void begun++)
  for (let kept = 1; kept <= KEPT_MAX; kept++) expect(pace.keep()).toBe(true)
  expect(begun).toBe(KEPT_MAX + PROBES_MAX)
  expect(pace.keep()).toBe(false)
  pace.drop()
  expect(pace.keep()).toBe(true)
  expect(begun).toBe(KEPT_MAX + PROBES_MAX + 1)
})
