// Goal: a port that the config opens and the base ruleset refuses is reported, and so is a port for a missing guard.
import { expect, test } from 'vitest'
import * as fc from 'fast-check'
import type { Config, Service } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { formatService } from '../../config/service.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { readListing } from './listing.ts'
import { without } from '../guard/merge.ts'
import { misfitOf } from './misfit.ts'

const configOf = (text: string): Config => readConfig(text, '/k').config!
const port = (first: number, last = first, protocol: Service['protocol'] = TCP): Service => ({
  protocol,
  first,
  last,
  host: undefined,
})
const names = (services: readonly Service[]): string => services.map(formatService).join()

test('doors that were added, ports that are open anyway, doors that went', () => {
  const config = configOf(
    '[a]\nSequence = 7301,5401\nOpen_Ports = tcp/22,tcp/8080,udp/60000-61000\n[b]\nSequence = 7302,5402\nCommand = true\n[c]\nSequence = 7303,5403\nCommand = true\n',
  )
  const terms = { allowed: [port(8080)], guarded: [port(22), port(25)], commandDoors: ['b'] }
  const { refused, exposed, commandDoors } = misfitOf(terms, config)
  expect([names(refused), names(exposed), commandDoors]).toEqual(['udp/60000-61000', 'tcp/25', ['c']])
})

test('ports of other hosts are none of the base ruleset', () => {
  const config = configOf('[a]\nSequence = 7301,5401\nOpen_Ports = tcp/22@198.51.100.7\n')
  expect(misfitOf({ allowed: [], guarded: [], commandDoors: [] }, config).refused).toEqual([])
})

/** Every single port of some ranges. */
const ports = (services: readonly Service[]): ReadonlySet<string> =>
  new Set(
    services.flatMap(({ protocol, first, last }) =>
      Array.from({ length: last - first + 1 }, (_, index) => `${protocol}/${first + index}`),
    ),
  )

test('what is taken out of ranges is gone, and nothing else', () => {
  const range = fc
    .tuple(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 12 }), fc.constantFrom(TCP, UDP))
    .map(([first, length, protocol]) => port(first, first + length, protocol))
  fc.assert(
    fc.property(fc.array(range, { maxLength: 5 }), fc.array(range, { maxLength: 5 }), (some, others) => {
      const taken = ports(others)
      expect(ports(without(some, others))).toEqual(new Set([...ports(some)].filter((one) => !taken.has(one))))
    }),
  )
})

const chain = (rules: string): string => `table inet postern_base {\n${rules}}\n`
const HOOK = '\t\ttype filter hook input priority filter; policy accept;\n'

test.each([
  ['absent', undefined],
  ['empty', chain('')],
  ['empty', chain(`\tchain input {\n${HOOK}\t}\n`)],
  ['empty', chain('\tchain input {\n\t\ttcp dport 22 accept\n\t}\n')],
  ['trial', chain(`\tset trial {\n\t\ttype nf_proto\n\t}\n\n\tchain input {\n${HOOK}\t\tdrop\n\t}\n`)],
  ['rules', chain(`\tchain input {\n${HOOK}\t\tdrop\n\t}\n`)],
])('a listing of %s', (state, listing) => {
  expect(readListing(listing)).toBe(state)
})
