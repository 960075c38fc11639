// Goal: a program inherits descriptors 0, 1 and 2 only, even if this process has others open without the close-on-exec
// flag.
import { closeSync, readFileSync } from 'node:fs'
import koffi from 'koffi'
import { expect, test } from 'vitest'
import { markCloseOnExec } from './close-on-exec.ts'
import { spawn, spawnUnmarked } from './spawn.ts'

/** dup(2): its copy is without the mark, as libpcap's socket is. */
const dup = koffi.load(null).func('int dup(int fd)') as (fd: number) => number
/** `O_CLOEXEC` as proc(5) shows it among the flags of a descriptor. */
const O_CLOEXEC = 0o2000000
const LINUX = process.platform === 'linux'

function marked(fd: number): boolean {
  const flags = /^flags:\s+([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? ''
  return (Number.parseInt(flags, 8) & O_CLOEXEC) !== 0
}

async function inheritedBy(file: string, ...args: readonly string[]): Promise<readonly string[]> {
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => (text += part))
  await new Promise((resolve) => child.once('close', resolve))
  return text.split('\n').filter(Boolean)
}

test.runIf(LINUX).each([
  ['by range', true],
  ['one by one', false],
])('every descriptor is marked: %s', (_, byRange) => {
  const fds = [dup(0), dup(1), dup(2)]
  expect(fds.map((fd) => marked(fd))).toEqual([false, false, false])
  markCloseOnExec(byRange)
  expect(fds.map((fd) => marked(fd))).toEqual([true, true, true])
  for (const fd of fds) closeSync(fd)
})

test.runIf(LINUX)('a program gets three', async () => {
  const fds = Array.from({ length: 40 }, () => dup(0))

  const found = await inheritedBy(
    '/bin/sh',
    '-c',
    'for fd in $(ls /proc/$$/fd); do [ -e /proc/$$/fd/$fd ] && echo $fd; done',
  )
  expect(found).toEqual(['0', '1', '2'])
  for (const fd of fds) closeSync(fd)
})

test.runIf(LINUX)('from a process without others, a program gets three, and nothing is marked anew', async () => {
  const fds = [dup(0), dup(1)]
  markCloseOnExec()
  const child = spawnUnmarked('/bin/sh', ['-c', `[ -e /proc/self/fd/${fds[0]} ] || [ -e /proc/self/fd/${fds[1]} ]`])
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(1)
  const missing = spawnUnmarked('/no/such/program', [])
  await new Promise((resolve) => missing.once('close', resolve))
  expect(fds.map((fd) => marked(fd))).toEqual([true, true])
  for (const fd of fds) closeSync(fd)
})
