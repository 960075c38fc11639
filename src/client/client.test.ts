// Goal: the program prints the right text in the right place, and has the right exit code. No packet is sent here.
import { expect, test } from 'vitest'
import { VERSION } from '../version.ts'
import { client } from './client.ts'

const run = async (line: string): Promise<{ code: number; out: string; err: string }> => {
  let [out, err] = ['', '']
  const code = await client(line === '' ? [] : line.split(' '), {
    out: (text) => (out += text),
    err: (text) => (err += text),
  })
  return { code, out, err }
}

test('--version', async () => {
  expect(await run('-V')).toEqual({ code: 0, out: `knock ${VERSION} (Postern)\n`, err: '' })
})

test('a command line it does not understand', async () => {
  expect(await run('192.0.2.1')).toEqual({
    code: 2,
    out: '',
    err: 'knock: no port to knock at given\n  see knock --help\n',
  })
  expect(await run('192.0.2.1 7000,8000')).toEqual({
    code: 2,
    out: '',
    err: 'knock: knock 1: more than one in a word\n  knocks are separated by spaces: 7000 8000:udp 9000\n',
  })
})

test('a host it cannot find', async () => {
  expect(await run('-6 192.0.2.1 7000')).toEqual({
    code: 1,
    out: '',
    err: 'knock: 192.0.2.1 is not an IPv6 address\n  leave -6 out\n',
  })
})

test('a secret that cannot be had', async () => {
  expect(await run('--totp-file /nonexistent/totp 192.0.2.1')).toEqual({
    code: 1,
    out: '',
    err: 'knock: /nonexistent/totp: no such file\n',
  })
  expect(await run('--from /nonexistent/list.age 192.0.2.1')).toEqual({
    code: 1,
    out: '',
    err: 'knock: /nonexistent/list.age: no such file\n',
  })
})
