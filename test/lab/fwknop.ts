import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import { program, startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4 } from './net.ts'
import type { Host } from './net.ts'
import { scratch } from './scratch.ts'

/** Keys of one stanza, and as the real client is given them. */
export const KEY = Buffer.alloc(32, 7).toString('base64')
export const HMAC = Buffer.alloc(64, 9).toString('base64')
export const STANZA = `SOURCE ANY\nKEY_BASE64 ${KEY}\nHMAC_KEY_BASE64 ${HMAC}\n`
export const KEYS = ['--key-base64-rijndael', KEY, '--key-base64-hmac', HMAC, '--use-hmac']

/** The lines of a file that commands write; none where it is not there yet. */
export const lines = (file: string): readonly string[] =>
  readFileSync(file, { encoding: 'utf8', flag: 'a+' }).split('\n').filter(Boolean)

/** A file of keys that only its owner can read. */
export const secretFile = (name: string, text: string): string => {
  const file = scratch(name)
  writeFileSync(file, text, { mode: 0o600 })
  return file
}

/** Starts a daemon with a door `fw` under the stanzas of an access.conf, with more lines in the door and in `[options]`. */
export const startFwknop = async (
  host: Host,
  access: string,
  more: readonly string[],
  options = '',
): Promise<Knockd> => {
  const file = secretFile('access.conf', access)
  const config = `[options]\n${options}\n[fw]\nSPA = fwknop\nAccess_File = ${file}\n${more.join('\n')}\n`
  return await startKnockd({ host, config, args: ['-D', '-i', 'eth0'] })
}

/** The real client, which writes into its home; it claims the client's address unless the words say something else. */
export const fwknop = async (client: Host, words: readonly string[], keys: readonly string[] = KEYS): Promise<void> => {
  const home = scratch('home')
  mkdirSync(home)
  const claim = words.some((word) => ['-s', '-a', '-R'].includes(word)) ? [] : ['-a', CLIENT_4]
  const { code, stderr, stdout } = await client.run(
    ['fwknop', '--no-rc-file', '-D', SERVER_4, ...keys, ...claim, ...words],
    { env: { HOME: home }, mayFail: true },
  )
  expect([code, stderr], stdout).toEqual([0, ''])
}

/** An opening as `postern status --json` lists it. */
export interface Listed {
  readonly source: string
  readonly services: readonly string[]
  readonly leftMs: number
  readonly user?: string
  readonly claimedUser?: string
  readonly forward?: string
}

/** What is open. */
export const openings = async (server: Host, daemon: Knockd): Promise<readonly Listed[]> => {
  const argv = [process.execPath, program('postern'), 'status', '--json', '-c', daemon.file, '-i', 'eth0']
  const { stdout } = await server.run(argv)
  return (JSON.parse(stdout) as { openings: Listed[] }).openings
}

/** A program that greets whoever connects to a port, at every address: `[...GREETER, PORT, TEXT]`. */
export const GREETER = [
  process.execPath,
  '-e',
  `const [port, text] = process.argv.slice(1)
  require('node:net').createServer((socket) => { socket.on('error', () => {}); socket.end(text + '\\n') })
    .listen(Number(port), '::', () => console.log('ready'))`,
] as const

/** What a port says, `''` where nothing does; from one of the client's addresses. */
export const greeting = async (client: Host, to: string, port: number, from?: string): Promise<string> => {
  const source = from === undefined ? [] : ['-s', from]
  const argv = ['timeout', '1', 'nc', '-w', '1', ...source, to, String(port)]
  return (await client.run(argv, { mayFail: true })).stdout.trim()
}
