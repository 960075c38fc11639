// Goal: both ways to start programs keep the same contract, so that a door's command runs the same under both.
import { closeSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import koffi from 'koffi'
import { describe, expect, test } from 'vitest'
import { SLOW } from '../../test/slow.ts'
import { startByNode } from './node-spawn.ts'
import { PosixSpawn } from './posix-spawn.ts'
import { endOf } from './process-end.ts'
import type { ProgramEnd, StartProgram } from './program.ts'
import { spawn } from './spawn.ts'

const LINUX = process.platform === 'linux'
/** dup(2): its copy is without the mark, as libpcap's socket is. */
const dup = koffi.load(null).func('int dup(int fd)') as (fd: number) => number
const WAYS: readonly (readonly [string, StartProgram])[] = [
  ['Node.js', startByNode],
  ...(LINUX ? [['posix_spawn', PosixSpawn.find()!.start] as const] : []),
]
const SHELL = '/bin/sh'
const PATH = process.env['PATH']

interface Ran extends ProgramEnd {
  readonly text: string
}

async function ran(
  start: StartProgram,
  script: string,
  environment: Record<string, string> = {},
  input?: string,
): Promise<Ran> {
  let text = ''
  const keep = (bytes: Uint8Array): void => void (text += Buffer.from(bytes).toString('latin1'))
  const program = await start([SHELL, '-c', script], { PATH, ...environment }, keep, input)
  const end = await program.ended
  await program.read
  return { ...end, text }
}

/** A field of proc(5)'s status: a mask of signals, 64 bits in hexadecimal. */
function signals(status: string, field: string): string | undefined {
  return new RegExp(`^${field}:\\s+([0-9a-f]+)$`, 'm').exec(status)?.[1]
}

function children(): readonly string[] {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean)
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length
}

test.runIf(LINUX)('this system has posix_spawn', () => {
  expect(PosixSpawn.find()).toBeDefined()
})

describe.each(WAYS)('%s', (_, start) => {
  test('tells the status and the output of both streams', async () => {
    const { status, signal, text } = await ran(start, 'echo out; echo err >&2; exit 3')
    expect({ status, signal }).toEqual({ status: 3, signal: undefined })
    expect(text.split('\n').sort()).toEqual(['', 'err', 'out'])
  })

  test.each(['KILL', 'TERM', 'SEGV'])('tells a signal: %s', async (name) => {
    const { status, signal } = await ran(start, `kill -${name} $$`)
    expect({ status, signal }).toEqual({ status: undefined, signal: `SIG${name}` })
  })

  test('gives the environment and nothing else', async () => {
    const { text } = await ran(start, 'echo "$A|${HOME-none}"', { A: 'ä b=c' })
    expect(Buffer.from(text, 'latin1').toString()).toBe('ä b=c|none\n')
  })

  test('the input is empty', async () => {
    expect(await ran(start, 'readlink /proc/self/fd/0; cat; echo end')).toMatchObject({ text: '/dev/null\nend\n' })
  })

  test.each(['', 'a line\n', 'ä\0b'.repeat(100_000)])(
    'an input is read from its beginning to its end',
    async (input) => {
      const { text } = await ran(start, 'cat', {}, input)
      expect(Buffer.from(text, 'latin1').toString()).toBe(input)
    },
  )

  test('an input need not be read', async () => {
    const before = descriptors()
    const all = Array.from({ length: 8 }, async () => await ran(start, 'exit 6', {}, 'x'.repeat(1_000_000)))
    expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map(() => 6))
    if (start !== startByNode) expect(descriptors()).toBe(before)
  })

  test('it leads a session of its own', async () => {
    const { text } = await ran(start, 'cut -d " " -f 1,5,6 /proc/$$/stat')
    const [pid, group, session] = text.trim().split(' ')
    expect([group, session]).toEqual([pid, pid])
  })

  test.runIf(LINUX)('ignores and blocks no signal, though this process does', async () => {
    expect(signals(readFileSync('/proc/self/status', 'utf8'), 'SigIgn')).not.toMatch(/^0+$/)
    const { text } = await ran(start, 'cat /proc/self/status')
    expect(['SigIgn', 'SigBlk'].map((field) => signals(text, field))).toEqual(['0'.repeat(16), '0'.repeat(16)])
  })

  test.runIf(LINUX)('it has 0, 1 and 2, whatever this process has open without the mark', async () => {
    const fds = Array.from({ length: 40 }, () => dup(0))
    const { text } = await ran(start, 'for fd in $(ls /proc/$$/fd); do [ -e /proc/$$/fd/$fd ] && echo $fd; done')
    for (const fd of fds) closeSync(fd)
    expect(text).toBe('0\n1\n2\n')
  })

  test.each([
    ['ENOENT', ['/nowhere/program']],
    ['EACCES', ['/etc/passwd']],
    ['EACCES', ['/etc']],
    ['E2BIG', [SHELL, '-c', 'x'.repeat(3_000_000)]],
  ])('says why nothing can be run: %s', async (code, words) => {
    const before = descriptors()
    await expect(start(words, {}, () => undefined)).rejects.toMatchObject({ code })
    if (start !== startByNode) expect(descriptors()).toBe(before)
  })

  test('an environment that is too large is refused', async () => {
    const much = Object.fromEntries(Array.from({ length: 40_000 }, (_unused, at) => [`V${at}`, 'y'.repeat(100)]))
    await expect(start(['/bin/true'], much, () => undefined)).rejects.toMatchObject({ code: 'E2BIG' })
  })

  test.each([
    [[SHELL, '-c', 'echo a\0b'], {}],
    [['/bin/true\0'], {}],
    [['/bin/true'], { A: 'b\0c' }],
  ])('a zero byte cuts nothing off: it is refused', async (words, environment) => {
    await expect(start(words, environment, () => undefined)).rejects.toThrow()
  })

  test('a program that closes its output goes on, and its end is told', async () => {
    const before = performance.now()
    const { status, text } = await ran(start, 'echo a; exec >&- 2>&-; sleep 0.3; exit 7')
    expect({ status, text }).toEqual({ status: 7, text: 'a\n' })
    expect(performance.now() - before).toBeGreaterThan(250)
  })

  test('a child that keeps the output open delays its reading, not its end, until it is released', async () => {
    let text = ''
    const words = [SHELL, '-c', 'sleep 30 & echo $!']
    const program = await start(words, { PATH }, (bytes) => {
      text += Buffer.from(bytes).toString()
    })
    expect(await program.ended).toMatchObject({ status: 0 })
    await new Promise((resolve) => void setTimeout(resolve, 50))
    let isRead = false
    void program.read.then(() => (isRead = true))
    await new Promise((resolve) => void setTimeout(resolve, 50))
    expect(isRead).toBe(false)
    program.release()
    program.release()
    await program.read
    process.kill(Number(text), 'SIGKILL')
  })

  test('a large output is read to its end, in order', async () => {
    const { text } = await ran(start, 'i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done')
    expect(text).toBe(Array.from({ length: 20_000 }, (_unused, at) => `${at}\n`).join(''))
  })

  test.runIf(LINUX)(
    'many at once leave neither process nor descriptor',
    async () => {
      await ran(start, 'true')
      const before = descriptors()
      for (let round = 0; round < (SLOW ? 10 : 2); round++) {
        const all = Array.from({ length: SLOW ? 60 : 30 }, async (_unused, at) => await ran(start, `exit ${at}`))
        expect((await Promise.all(all)).map(({ status }) => status)).toEqual(all.map((_unused, at) => at))
      }
      expect(children()).toEqual([])
      expect(descriptors()).toBe(before)
    },
    60_000,
  )

  test("does not take the ends of Node's own children, nor do they take its", async () => {
    const nodes = Array.from({ length: 10 }, async (_unused, at) => {
      const child = spawn(SHELL, ['-c', `sleep 0.0${at % 10}; exit ${at}`], { stdio: 'ignore' })
      return await new Promise((resolve) => void child.once('exit', resolve))
    })
    const ours = Array.from({ length: 10 }, async (_unused, at) => {
      const { status } = await ran(start, `sleep 0.0${at % 10}; exit ${100 + at}`)
      return status
    })
    expect(await Promise.all(nodes)).toEqual(nodes.map((_unused, at) => at))
    expect(await Promise.all(ours)).toEqual(ours.map((_unused, at) => 100 + at))
  })

  test('a free descriptor is needed, and without one nothing runs', async () => {
    const held: number[] = []
    for (let fd = dup(0); fd >= 0; fd = dup(0)) held.push(fd)
    const failed = start(['/bin/true'], {}, () => undefined)
    await expect(failed.finally(() => held.forEach((fd) => closeSync(fd)))).rejects.toMatchObject({ code: 'EMFILE' })
    expect(await ran(start, 'echo again')).toMatchObject({ status: 0, text: 'again\n' })
  })
})

test.runIf(LINUX)('the end of a process is told though no descriptor is free for it', async () => {
  const { start } = PosixSpawn.find(async (pid) => await endOf(pid, () => -1))!
  expect(await ran(start, 'sleep 0.1; exit 5')).toMatchObject({ status: 5 })
  expect(await ran(start, 'kill $$')).toMatchObject({ signal: 'SIGTERM' })
  expect(children()).toEqual([])
})

test.runIf(LINUX)('posix_spawn leaves a script without interpreter to the shell', async () => {
  const script = join(mkdtempSync(join(tmpdir(), 'postern-')), 'script')
  writeFileSync(script, 'echo ran\n', { mode: 0o700 })
  const started = PosixSpawn.find()!.start([script], {}, () => undefined)
  await expect(started).rejects.toMatchObject({ code: 'ENOEXEC', message: `spawn ${script} ENOEXEC` })
  rmSync(dirname(script), { recursive: true })
})
