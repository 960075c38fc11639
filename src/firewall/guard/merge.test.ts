// Goal: merging keeps the same ports and addresses, and leaves no overlap.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Service } from '../../config/config.ts'
import { formatService } from '../../config/service.ts'
import { parseAddress } from '../../packet/address.ts'
import { contains, formatNetwork, networkOf, parseNetwork } from '../../packet/network.ts'
import { TCP, UDP } from '../../packet/packet.ts'
import { mergeNetworks, mergeServices } from './merge.ts'

const host = fc.constantFrom(undefined, parseAddress('198.51.100.7'), parseAddress('2001:db8::7'))
const service: fc.Arbitrary<Service> = fc
  .tuple(fc.constantFrom(TCP, UDP), fc.integer({ min: 1, max: 30 }), fc.nat(5), host)
  .map(([protocol, first, more, its]) => ({ protocol, first, last: first + more, host: its }))

/** Every single port that is meant. */
const portsOf = (services: readonly Service[]): readonly string[] =>
  services.flatMap((each) =>
    Array.from({ length: each.last - each.first + 1 }, (_, index) =>
      formatService({ ...each, first: each.first + index, last: each.first + index }),
    ),
  )

test('services', () => {
  fc.assert(
    fc.property(fc.array(service, { maxLength: 12 }), (services) => {
      const ports = portsOf(mergeServices(services))
      expect(new Set(ports)).toEqual(new Set(portsOf(services)))
      expect(new Set(ports).size).toBe(ports.length)
    }),
  )
})

test('neighbours become one', () => {
  const services = [22, 24, 23].map((port) => ({ protocol: TCP, first: port, last: port, host: undefined }) as const)
  expect(mergeServices(services).map(formatService)).toEqual(['tcp/22-24'])
})

test('networks', () => {
  const address = fc.integer({ min: 0, max: 255 }).map((a) => ({ family: 4 as const, a: a << 24, b: 0, c: 0, d: 0 }))
  const network = fc.tuple(address, fc.integer({ min: 0, max: 8 })).map(([of, prefix]) => networkOf(of, prefix))
  fc.assert(
    fc.property(fc.array(network, { maxLength: 8 }), (networks) => {
      const merged = mergeNetworks(networks)
      for (let a = 0; a < 256; a++) {
        const each = { family: 4 as const, a: a << 24, b: 0, c: 0, d: 0 }
        const count = merged.filter((one) => contains(one, each)).length
        expect(count).toBe(networks.some((one) => contains(one, each)) ? 1 : 0)
      }
    }),
  )
})

test('one that is there twice stays once', () => {
  const networks = ['10.0.0.0/8', '10.1.0.0/16', '10.0.0.0/8', '2001:db8::/32'].map((text) => parseNetwork(text)!)
  expect(mergeNetworks(networks).map(formatNetwork)).toEqual(['10.0.0.0/8', '2001:db8::/32'])
})
