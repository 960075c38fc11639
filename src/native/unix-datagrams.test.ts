// Goal: a datagram reaches its socket whole. A full or missing socket is reported immediately, and the next datagram
// finds a new one.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import koffi from 'koffi'
import { expect, test } from 'vitest'
import { UnixDatagrams } from './libc.ts'

const LINUX = process.platform === 'linux'
const libc = koffi.load(null)
const socket = libc.func('int socket(int domain, int type, int protocol)') as (...of: number[]) => number
const bind = libc.func('int bind(int fd, const void *address, uint32_t length)')
const recv = libc.func('intptr_t recv(int fd, void *buffer, size_t length, int flags)')
const close = libc.func('int close(int fd)') as (fd: number) => number
const [AF_UNIX, SOCK_DGRAM, MSG_DONTWAIT] = [1, 2, 0x40]
const LONGEST_BYTES = 1_048_576

/** A server's socket at a path. */
function serve(path: string) {
  const fd = socket(AF_UNIX, SOCK_DGRAM, 0)
  const address = Buffer.concat([Buffer.from([AF_UNIX, 0]), Buffer.from(path)])
  expect(bind(fd, address, address.length)).toBe(0)
  const bytes = Buffer.alloc(LONGEST_BYTES)
  return {
    next: (): string => bytes.subarray(0, Number(recv(fd, bytes, bytes.length, MSG_DONTWAIT))).toString(),
    end: () => close(fd),
  }
}

test.runIf(LINUX)('a server that is full, away, back, and asked too much', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-'))
  const path = join(folder, 'socket')
  const datagrams = new UnixDatagrams()
  const send = (text: string): string | undefined => datagrams.send(path, Buffer.from(text), false)
  const look = new UnixDatagrams()
  expect([send('a'), look.isServed(path)]).toEqual(['ENOENT', false])
  const first = serve(path)
  expect([send('b\n\0c'), send('d'.repeat(65_536))]).toEqual([undefined, undefined])
  expect([first.next(), first.next().length]).toEqual(['b\n\0c', 65_536])
  expect(send('e'.repeat(LONGEST_BYTES * 8))).toBe('EMSGSIZE')
  let sent = 0
  while (send(`${sent}`) === undefined) sent++
  expect(send('f')).toBe('EAGAIN')
  expect(sent).toBeGreaterThan(5)
  expect(Array.from({ length: sent }, () => Number(first.next()))).toEqual(Array.from({ length: sent }, (_, at) => at))
  expect(look.isServed(path)).toBe(true)
  // The file stays until somebody removes it.
  first.end()
  expect([send('g'), look.isServed(path)]).toEqual(['ECONNREFUSED', false])
  rmSync(path)
  const second = serve(path)
  expect([send('h'), look.isServed(path), look.isServed(path)]).toEqual([undefined, true, true])
  expect(second.next()).toBe('h')
  second.end()
  datagrams.close()
  look.close()
  expect(datagrams.send(`/${'x'.repeat(200)}`, Buffer.from('i'), false)).toBe('ENAMETOOLONG')
  rmSync(folder, { recursive: true })
})
