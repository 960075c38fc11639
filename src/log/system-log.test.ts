// Goal: a line goes to the journal or to syslog(3), never to both, and comes in order, whatever becomes of journald.
import { expect, test, vi } from 'vitest'
import { entryOf } from './format.ts'
import { PRIORITY } from './line.ts'
import { Log } from './log.ts'
import { FORWARD_SOCKET, JOURNAL_AWAY_MS, JOURNAL_SOCKET, SystemLog } from './system-log.ts'
import type { JournalFields } from './system-log.ts'

const entry = entryOf({ kind: 'notice', level: 'warning', text: 'x' }, 0)

function bench(...paths: readonly string[]) {
  const there = new Set(paths)
  const written: string[] = []
  const errors: string[] = []
  const at = { now: 1_000, looks: 0, tries: 0, slept: 0 }
  const log = new SystemLog({
    identity: 'knockd',
    now: () => at.now,
    exists: (path) => {
      at.looks++
      return there.has(path)
    },
    isServed: (path) => there.has(path),
    send: (path, bytes) => {
      at.tries++
      expect(path).toBe(JOURNAL_SOCKET)
      const error = there.has(path) ? errors.shift() : 'ENOENT'
      if (error === undefined) written.push(`journal ${/^MESSAGE=(.*)$/m.exec(bytes.toString())![1]!}`)
      return error
    },
    syslog: async (priority, text) => void written.push(`syslog ${priority} ${text}`),
    sleep: async () => void at.slept++,
  })
  const write = async (text: string, wanted?: JournalFields): Promise<void> =>
    await log.write(PRIORITY.warning, text, entry, wanted)
  return { at, errors, there, write, written }
}

test('without systemd there is only syslog(3)', async () => {
  const { at, write, written } = bench()
  for (let line = 0; line < 100; line++) await write('a')
  expect(written).toEqual(Array.from({ length: 100 }, () => 'syslog 4 a'))
  expect(at).toMatchObject({ tries: 0, looks: 1 })
})

test('with journald a line goes there, once', async () => {
  const { write, written } = bench(JOURNAL_SOCKET)
  await write('a')
  await write(' b ')
  expect(written).toEqual(['journal a', 'journal b'])
})

test('where journald forwards to a syslog daemon, its lines stay as they are, unless fields are wanted', async () => {
  const { there, write, written } = bench(JOURNAL_SOCKET, FORWARD_SOCKET)
  await write('a')
  await write('b', true)
  await write('c', false)
  await write('d')
  expect(written).toEqual(['syslog 4 a', 'journal b', 'syslog 4 c', 'syslog 4 d'])
  there.delete(FORWARD_SOCKET)
  await write('e')
  there.add(FORWARD_SOCKET)
  await write('f')
  expect(written.slice(4)).toEqual(['journal e', 'syslog 4 f'])
})

test('a full socket is waited for, and the line is written once', async () => {
  const { at, errors, write, written } = bench(JOURNAL_SOCKET)
  errors.push('EAGAIN', 'ENOBUFS', 'EAGAIN')
  await write('a')
  expect(written).toEqual(['journal a'])
  expect(at).toMatchObject({ tries: 4, slept: 3 })
})

test('a datagram that is too large is cut', async () => {
  const { errors, write, written } = bench(JOURNAL_SOCKET)
  errors.push('EMSGSIZE')
  await write('a'.repeat(10_000))
  await write('b')
  expect(written).toEqual([`journal ${'a'.repeat(1_021)}…`, 'journal b'])
})

test.each(['ECONNREFUSED', 'ENOENT', 'EACCES', 'EPERM'])(
  '%s: syslog(3) has the lines until it is back',
  async (error) => {
    const { at, errors, there, write, written } = bench(JOURNAL_SOCKET)
    errors.push(error)
    await write('a')
    for (let line = 0; line < 50; line++) await write('b')
    expect(at.tries).toBe(1)
    there.delete(JOURNAL_SOCKET)
    at.now += JOURNAL_AWAY_MS
    await write('c')
    there.add(JOURNAL_SOCKET)
    await write('d')
    at.now += JOURNAL_AWAY_MS
    await write('e')
    await write('f')
    expect(written.filter((line) => line !== 'syslog 4 b')).toEqual([
      'syslog 4 a',
      'syslog 4 c',
      'syslog 4 d',
      'journal e',
      'journal f',
    ])
    expect(written).toHaveLength(55)
  },
)

test('lines for which a full journal leaves no room are counted and told, and nobody waits for them', async () => {
  const got: string[] = []
  let full = true
  const system = new SystemLog({
    identity: 'knockd',
    now: () => performance.now(),
    exists: (path) => path === JOURNAL_SOCKET,
    isServed: () => false,
    send(_, bytes) {
      if (full) return 'EAGAIN'
      got.push(/^MESSAGE=(.*)$/m.exec(bytes.toString())![1]!)
      return undefined
    },
    syslog: async () => expect.unreachable(),
    sleep: async () => await new Promise((resolve) => void setTimeout(resolve, 1)),
  })
  const stream = { write: () => true }
  const log = new Log(
    { format: 'knockd', file: undefined, syslog: true, verbose: false, debug: false, lookup: false },
    {
      now: () => Date.now(),
      stdout: stream,
      stderr: stream,
      syslog: async (...line) => await system.write(...line),
      lookup: async () => undefined,
    },
  )
  const sum = 3_000
  for (let line = 0; line < sum; line++) {
    log.notice('info', `${line} ${'x'.repeat(1_000)}`)
    if (line % 100 === 0) await new Promise((resolve) => void setImmediate(resolve))
  }
  expect(got).toEqual([])
  full = false
  const leftOut = (): string | undefined => got.find((line) => line.includes('left out'))
  await vi.waitUntil(() => leftOut() !== undefined, { timeout: 30_000 })
  const numbered = got.flatMap((line) => (line === leftOut() ? [] : [Number.parseInt(line, 10)]))
  expect(leftOut()).toBe(`${sum - numbered.length} lines left out (the log could not be written in time)`)
  expect(numbered).toEqual(numbered.map((_, at) => at))
  await log.close()
})
