// Goal: lines wait for host names in order and for a bounded time. Look-ups are few, and no name can pass for something
// else.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { HOST_AGE_MAX_MS, Hosts, LOOKUPS_MAX, LOOKUPS_WAITING_MAX, plausibleHost } from './hosts.ts'
import type { Entry } from './line.ts'
import { LOOKUP_WAIT_MS, NAMING_MAX, Naming } from './naming.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const entry = (text: string, source?: string): Entry => ({
  time: 0,
  level: 'notice',
  event: 'stage',
  text,
  facts: {},
  ...(source === undefined ? {} : { source }),
})

function bench() {
  const asked: string[] = []
  const answers = new Map<string, (host: string | undefined) => void>()
  const hosts = new Hosts(
    (address) =>
      new Promise((resolve) => {
        asked.push(address)
        answers.set(address, resolve)
      }),
    () => Date.now(),
  )
  const lines: string[] = []
  const naming = new Naming(hosts, ({ text }, host) => lines.push(host === undefined ? text : `${text} (${host})`))
  const answer = async (address: string, host: string | undefined): Promise<void> => {
    answers.get(address)!(host)
    await vi.advanceTimersByTimeAsync(0)
  }
  return { asked, answer, hosts, lines, naming }
}

test('lines stay in order, whatever the order of the answers', async () => {
  const { answer, lines, naming } = bench()
  naming.add(entry('one', '192.0.2.1'), true)
  naming.add(entry('two', '192.0.2.2'), true)
  naming.add(entry('three'), true)
  await answer('192.0.2.2', 'b.example')
  expect(lines).toEqual([])
  await answer('192.0.2.1', 'a.example')
  expect(lines).toEqual(['one (a.example)', 'two (b.example)', 'three'])
})

test('a line waits for a bounded time', async () => {
  const { lines, naming } = bench()
  naming.add(entry('one', '192.0.2.1'), true)
  await vi.advanceTimersByTimeAsync(LOOKUP_WAIT_MS - 1)
  naming.add(entry('two'), false)
  expect(lines).toEqual([])
  await vi.advanceTimersByTimeAsync(1)
  expect(lines).toEqual(['one', 'two'])
})

test('an answer is used again until it is old; it is asked for once', async () => {
  const { answer, asked, lines, naming } = bench()
  naming.add(entry('one', '192.0.2.1'), true)
  naming.add(entry('two', '192.0.2.1'), true)
  await answer('192.0.2.1', 'a.example')
  naming.add(entry('three', '192.0.2.1'), true)
  expect(lines).toEqual(['one (a.example)', 'two (a.example)', 'three (a.example)'])
  expect(asked).toHaveLength(1)
  await vi.advanceTimersByTimeAsync(HOST_AGE_MAX_MS)
  naming.add(entry('four', '192.0.2.1'), true)
  expect(asked).toHaveLength(2)
})

test('few look-ups run at once, and few wait', async () => {
  const { answer, asked, hosts } = bench()
  const all = Array.from({ length: LOOKUPS_MAX + LOOKUPS_WAITING_MAX }, (_, index) => hosts.ask(`address ${index}`))
  expect(asked).toHaveLength(LOOKUPS_MAX)
  await expect(hosts.ask('one too many')).resolves.toBeUndefined()
  await answer('address 0', 'a.example')
  await expect(all[0]).resolves.toBe('a.example')
  expect(asked).toHaveLength(LOOKUPS_MAX + 1)
})

test('a look-up that fails gives no name', async () => {
  const hosts = new Hosts(
    () => Promise.reject(new Error('no such name')),
    () => 0,
  )
  await expect(hosts.ask('192.0.2.1')).resolves.toBeUndefined()
  expect(hosts.known('192.0.2.1')).toMatchObject({ host: undefined })
})

test('beyond the most waiting lines, the first is written without its name', () => {
  const { lines, naming } = bench()
  for (let index = 0; index <= NAMING_MAX; index++) naming.add(entry(`${index}`, '192.0.2.1'), true)
  expect(lines).toEqual(['0'])
  naming.flush()
  expect(lines).toHaveLength(NAMING_MAX + 1)
})

test.each([
  ['host.example', 'host.example'],
  ['host.example.', 'host.example'],
  ['_x-1.example', '_x-1.example'],
  ['192.0.2.1', undefined],
  ['10.192.0.2.1', undefined],
  ['2001:db8::1', undefined],
  ['a\nb', undefined],
  ['a) b', undefined],
  ['a..b', undefined],
  ['', undefined],
  ['a.'.repeat(130), undefined],
])('the name %j is taken as %j', (name, host) => {
  expect(plausibleHost(name)).toBe(host)
})
