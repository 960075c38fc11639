// Goal: the result is exactly the ports that are no longer hidden, in as few ranges as possible.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Service } from '../../config/config.ts'
import { formatService, readService } from '../../config/service.ts'
import { uncovered } from './merge.ts'

function services(text: string): readonly Service[] {
  return text.split(' ').flatMap((each) => readService(each) ?? [])
}

test.each([
  ['tcp/22', '', 'tcp/22'],
  ['tcp/22', 'tcp/22', ''],
  ['tcp/22', 'udp/22', 'tcp/22'],
  ['tcp/22', 'tcp/22@198.51.100.7', 'tcp/22'],
  ['tcp/22@198.51.100.7 tcp/22@2001:db8::7', 'tcp/22@198.51.100.7', 'tcp/22@2001:db8::7'],
  ['tcp/20-24', 'tcp/22', 'tcp/20-21 tcp/23-24'],
  ['tcp/20-24', 'tcp/1-20 tcp/24-30', 'tcp/21-23'],
  ['tcp/22 tcp/23', 'tcp/1-100', ''],
])('%s, and then %s', (before, after, expected) => {
  expect(uncovered(services(before), services(after)).map(formatService).join(' ')).toBe(expected)
})

/** The number of these services that have a port. */
function ranges(all: readonly Service[], port: number): number {
  return all.filter(({ first, last }) => first <= port && port <= last).length
}

test('the result is right for each port by itself', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 8 }))
    .map(([first, more]): Service => ({ protocol: 6, first, last: first + more, host: undefined }))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 5 }), fc.array(range, { maxLength: 5 }), (before, after) => {
      const left = uncovered(before, after)
      for (let port = 1; port <= 50; port++) {
        expect(ranges(left, port)).toBe(ranges(before, port) > 0 && ranges(after, port) === 0 ? 1 : 0)
      }
    }),
  )
})
