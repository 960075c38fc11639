// Goal: a simulated source has an unused address, from which the door may be knocked and which no rule favours.
import { expect, test } from 'vitest'
import { parseAddress } from '../packet/address.ts'
import { contains, parseNetwork } from '../packet/network.ts'
import { Knockers } from './knocker.ts'
import type { Whereabouts } from './knocker.ts'

const own = (text: string, prefix: number) => ({ address: parseAddress(text)!, text, prefix })
const WATCHED = [own('192.0.2.1', 24), own('192.0.2.254', 24), own('2001:db8::1', 64)]
const around = (more: Partial<Whereabouts> = {}): Knockers =>
  new Knockers({
    own: [...WATCHED, own('203.0.113.1', 24)],
    watched: WATCHED,
    alwaysAllow: [],
    rules: '',
    from: [],
    ...more,
  })

test('addresses are near the machine, different each time, and none of them is its own', () => {
  const knockers = around()
  expect([knockers.next(4, []), knockers.next(4, [])]).toEqual(['192.0.2.253', '192.0.2.252'])
  expect(knockers.next(6, [])).toBe('2001:db8::fe01')
})

test('an address that is in a rule is not used, but one that is only part of another is', () => {
  const rules = '-A INPUT -s 192.0.2.253/32 -j ACCEPT\n-A INPUT -s 192.0.2.25/32 -j ACCEPT'
  expect(around({ rules }).next(4, [])).toBe('192.0.2.252')
})

test('addresses are elsewhere if the network reaches the ports anyway', () => {
  expect(around({ alwaysAllow: [parseNetwork('192.0.2.0/24')!] }).next(4, [])).toBe('198.51.100.254')
})

test('addresses are near a given one, and within the sources of the door', () => {
  expect(around({ from: [parseAddress('203.0.113.9')!] }).next(4, [])).toBe('203.0.113.254')
  const allowed = parseNetwork('198.51.100.8/30')!
  const knockers = around()
  expect(contains(allowed, parseAddress(knockers.next(4, [allowed])!)!)).toBe(true)
  expect(knockers.next(6, [allowed])).toBeUndefined()
  expect(around().next(4, [parseNetwork('198.51.100.9')!])).toBe('198.51.100.9')
})

test('addresses are found around an address that is alone in its network', () => {
  expect(around({ watched: [own('192.0.2.1', 32)] }).next(4, [])).toBe('192.0.2.253')
  expect(around({ watched: [own('2001:db8::1', 128)] }).next(6, [])).toBe('2001:db8::fe01')
})
