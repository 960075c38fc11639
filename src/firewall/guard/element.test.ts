// Goal: an opening has exactly the elements that let its source, and nobody else, reach its ports.
import { expect, test } from 'vitest'
import type { Config } from '../../config/config.ts'
import { readConfig } from '../../config/read.ts'
import { parseAddress } from '../../packet/address.ts'
import { closeCommand, elementsOf, openCommand, timeText } from './element.ts'
import { planOf } from './plan.ts'

const config: Config = readConfig(
  `[ssh]
Sequence = 1,2
Open_Ports = tcp/22, udp/51820
[mosh]
Sequence = 3,4
Open_Ports = tcp/22, tcp/23, udp/60000-61000, tcp/22@198.51.100.7, tcp/22@2001:db8::7
Widen = /24, /64
`,
  'test',
).config!
const plan = planOf(config, () => false)!

function elements(door: string, source: string): readonly string[] {
  const found = config.doors.find(({ name }) => name === door)!
  return elementsOf(plan, found, parseAddress(source)!).map(({ set, key }) => `${set}: ${key}`)
}

test('single ports for a single address', () => {
  expect(elements('ssh', '192.0.2.2')).toEqual(['open4: 192.0.2.2 . tcp . 22', 'open4: 192.0.2.2 . udp . 51820'])
  expect(elements('ssh', '2001:db8::2')).toEqual(['open6: 2001:db8::2 . tcp . 22', 'open6: 2001:db8::2 . udp . 51820'])
})

test('ranges, networks and other hosts', () => {
  expect(elements('mosh', '192.0.2.2')).toEqual([
    'wide4_0_port: 192.0.2.0/24 . tcp . 22',
    'wide4_0_port: 192.0.2.0/24 . tcp . 23',
    'wide4_0: 192.0.2.0/24 . udp . 60000-61000',
    'host4_0: 192.0.2.0/24 . 198.51.100.7 . tcp . 22',
  ])
  expect(elements('mosh', '2001:db8:0:1:2::3')).toEqual([
    'wide6_0_port: 2001:db8:0:1::/64 . tcp . 22',
    'wide6_0_port: 2001:db8:0:1::/64 . tcp . 23',
    'wide6_0: 2001:db8:0:1::/64 . udp . 60000-61000',
    'host6_0: 2001:db8:0:1::/64 . 2001:db8::7 . tcp . 22',
  ])
})

test('no element lies within another one of its set: the kernel would take one of both alone', () => {
  const mosh = config.doors[1]!
  const source = parseAddress('192.0.2.2')!
  const whole = elementsOf(plan, mosh, source)
  const some = mosh.opens
    .filter(({ host }) => host === undefined)
    .flatMap((service) => elementsOf(plan, { ...mosh, opens: [{ ...service, last: service.first }] }, source))
  const sent = elementsOf(plan, { ...mosh, opens: [mosh.opens[0]!] }, source, { address: undefined, port: 8080 })
  const setsOf = (found: typeof whole, key: RegExp): ReadonlySet<string> =>
    new Set(found.filter((element) => key.test(element.key)).map(({ set }) => set))
  expect(setsOf([...whole, ...some], /-/)).toEqual(new Set(['wide4_0']))
  expect(setsOf(some, /./)).toEqual(new Set(['wide4_0_port']))
  expect(setsOf(sent, /./)).toEqual(new Set(['open4', 'redirect4']))
})

test('times are whole milliseconds, never none', () => {
  expect([30_000, 1_500.2, 0, 999].map(timeText)).toEqual(['30s0ms', '1s501ms', '0s1ms', '0s999ms'])
})

test('opening again sets the time anew, closing is no error where nothing is open', () => {
  const [element] = elementsOf(plan, config.doors[0]!, parseAddress('192.0.2.2')!)
  expect(openCommand([element!], 30_000).trim().split('\n')).toEqual([
    'add element inet postern open4 { 192.0.2.2 . tcp . 22 timeout 30s0ms }',
    'delete element inet postern open4 { 192.0.2.2 . tcp . 22 }',
    'add element inet postern open4 { 192.0.2.2 . tcp . 22 timeout 30s0ms }',
  ])
  expect(closeCommand([element!]).trim().split('\n')).toEqual([
    'add element inet postern open4 { 192.0.2.2 . tcp . 22 timeout 1s0ms }',
    'delete element inet postern open4 { 192.0.2.2 . tcp . 22 }',
  ])
})

test('the closed port is one on which nothing listens and which is not guarded', () => {
  const guarded = readConfig('[options]\nGuard = tcp/1-3\n[x]\nSequence = 5,6\nCommand = true\n', 'test').config!
  expect(planOf(guarded, (port) => port === 4)?.closedPort).toBe(5)
})

test('a config without ports asks for no guard', () => {
  const plain = readConfig('[x]\nSequence = 5,6\nCommand = true\n', 'test').config!
  expect(planOf(plain, () => false)).toBeUndefined()
})

test('what is sent on is so for the source alone, however wide the door, and never to the other family', () => {
  const mosh = config.doors[1]!
  const some = { ...mosh, opens: mosh.opens.slice(0, 1) }
  const sent = (source: string, to: string | undefined): readonly string[] =>
    elementsOf(plan, some, parseAddress(source)!, {
      address: to === undefined ? undefined : parseAddress(to)!,
      port: 8_080,
    }).map(({ set, key, data }) => `${set}: ${key}${data === undefined ? '' : ` : ${data}`}`)
  expect(sent('192.0.2.2', '198.51.100.7')).toEqual([
    'open4: 192.0.2.2 . tcp . 22',
    'forward4: 192.0.2.2 . tcp . 22 : 198.51.100.7 . 8080',
  ])
  expect(sent('2001:db8::2', undefined)).toEqual([
    'open6: 2001:db8::2 . tcp . 22',
    'redirect6: 2001:db8::2 . tcp . 22 : 8080',
  ])
  expect(sent('192.0.2.2', '2001:db8::7')).toEqual([])
})
