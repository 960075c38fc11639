// Goal: a part that needs native code or another system says so in one line, with what to do, before anything is sent.
import { expect, test } from 'vitest'
import { HERE } from '../file/platform.ts'
import type { Platform } from '../file/platform.ts'
import { NativeCodeError } from '../native/native-code.ts'
import { ClientError } from './fault.ts'
import { loadNative } from './native-part.ts'
import { pingSender } from './ping.ts'
import { handOverHere } from './proxy/hand-over.ts'
import { rawSocket } from './spa/knockknock.ts'

const on = (os: NodeJS.Platform): Platform => ({ ...HERE, os, home: '/', username: 'a' })

/** Returns the lines that a user sees. */
async function said(doing: Promise<unknown>): Promise<string> {
  const error = await doing.then(
    () => new Error('nothing was refused'),
    (thrown: unknown) => thrown as Error,
  )
  expect(error).toBeInstanceOf(ClientError)
  return `${error.message} | ${(error as ClientError).hint}`
}

const KOFFI = 'koffi, the native part of Postern,'

test.each([
  ['MODULE_NOT_FOUND', `${KOFFI} is not installed`, 'install Postern again, without --omit=optional'],
  [
    'ERR_DLOPEN_DISABLED',
    `${KOFFI} cannot be loaded: Node.js runs with --no-addons`,
    'leave that out of the command, and of NODE_OPTIONS',
  ],
  [
    undefined,
    `${KOFFI} cannot be loaded: no such ABI`,
    'install Postern again on this machine, without --omit=optional',
  ],
])('koffi that fails with %s', async (code, message, hint) => {
  const error = new NativeCodeError(Object.assign(new Error('no such ABI\nand a stack'), { code }))
  expect([error.message, error.hint]).toEqual([message, hint])
  expect(await said(loadNative(async () => Promise.reject(error), 'fly', 'walk'))).toBe(`cannot fly: ${message} | walk`)
})

test('an internal error stays one', async () => {
  const bug = new TypeError('undefined is no function')
  await expect(loadNative(async () => Promise.reject(bug), 'fly', 'walk')).rejects.toBe(bug)
})

test('pings', async () => {
  expect(await said(pingSender(on('win32')))).toBe(
    'cannot send pings on Windows | `ping -n 1 -l SIZE HOST` sends one, too',
  )
  expect(await said(pingSender(on('android')))).toBe(
    'cannot send pings on Android | `ping -c 1 -s SIZE HOST` sends one, too',
  )
})

test('handing ssh a descriptor', async () => {
  for (const os of ['win32', 'darwin'] as const) {
    expect(await said(handOverHere(on(os)))).toBe('-F works only on Linux | leave -F and ProxyUseFdpass out')
  }
})

test("knockknock's raw socket", async () => {
  for (const [os, name] of [
    ['win32', 'Windows'],
    ['darwin', 'macOS'],
  ] as const) {
    expect(await said(rawSocket(on(os)))).toBe(
      `cannot send raw packets on ${name} | knock from a Linux with all of Postern, or have the server take another secret`,
    )
  }
})
