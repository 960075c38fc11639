// Goal: the filter leaves out a port with a service's traffic, but not the ports of a scan, and no port for good.
import { expect, test } from 'vitest'
import { BUSY_FOR_MS, BUSY_PACKETS_PER_S, BusyPorts } from './busy.ts'
import { BUSY_PORTS_MAX } from './filter.ts'

const load = (busy: BusyPorts, port: number, packets: number, now: number): boolean => {
  let changed = false
  for (let count = 0; count < packets; count++) if (busy.count(port, now)) changed = true
  return changed
}

test('a busy port is found once, and a scan over many ports finds none', () => {
  const busy = new BusyPorts()
  for (let port = 1; port < 65_536; port++) expect(busy.count(port, 5)).toBe(false)
  expect(load(busy, 443, BUSY_PACKETS_PER_S, 1_500)).toBe(true)
  expect(load(busy, 443, BUSY_PACKETS_PER_S * 3, 1_500)).toBe(false)
  expect([...busy.ports]).toEqual([443])
})

test('a port with less traffic than that in a second is not busy', () => {
  const busy = new BusyPorts()
  for (let second = 1; second < 10; second++) {
    expect(load(busy, 443, BUSY_PACKETS_PER_S - 1, second * 1_000)).toBe(false)
  }
})

test('the filter leaves out at most as many ports as it can name, and looks at all of them again later', () => {
  const busy = new BusyPorts()
  for (let port = 1; port <= BUSY_PORTS_MAX + 10; port++) load(busy, port, BUSY_PACKETS_PER_S, 2_000)
  expect(busy.ports.size).toBe(BUSY_PORTS_MAX)
  expect(busy.count(9, 2_000 + BUSY_FOR_MS)).toBe(true)
  expect(busy.ports.size).toBe(0)
})
