import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect } from 'vitest'
import type { OpeningStatus } from '../../src/control/message.ts'
import { statusOf } from './guarded.ts'
import { startKnockd } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, SERVER_4 } from './net.ts'
import type { Host } from './net.ts'
import { scratch } from './scratch.ts'
import { rested } from './single-packets.ts'

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

/** The config of a door `fw` under the stanzas of an access.conf, with more lines in the door and in `[options]`. */
export const fwknopConfig = (access: string, more: readonly string[], options = ''): string => {
  const file = secretFile('access.conf', access)
  return `[options]\n${options}\n[fw]\nSPA = fwknop\nAccess_File = ${file}\n${more.join('\n')}\n`
}

/** Starts a daemon with the config of {@link fwknopConfig}. */
export const startFwknop = async (host: Host, ...words: Parameters<typeof fwknopConfig>): Promise<Knockd> =>
  await startKnockd({ host, config: fwknopConfig(...words), args: FWKNOP_ARGS })

/** The words of a daemon that tells why it refuses a packet. */
export const FWKNOP_ARGS = ['-D', '-i', 'eth0']

/** The real client, which writes into its home; it claims the client's address unless the words say something else. */
export const fwknop = async (client: Host, words: readonly string[], keys: readonly string[] = KEYS): Promise<void> => {
  const home = scratch('home')
  mkdirSync(home)
  const claim = words.some((word) => ['-s', '-a', '-R'].includes(word)) ? [] : ['-a', CLIENT_4]
  await rested()
  const { code, stderr, stdout } = await client.run(
    ['fwknop', '--no-rc-file', '-D', SERVER_4, ...keys, ...claim, ...words],
    { env: { HOME: home }, mayFail: true },
  )
  expect([code, stderr], stdout).toEqual([0, ''])
}

/** What is open. */
export const openings = async (server: Host, daemon: Knockd): Promise<readonly OpeningStatus[]> =>
  (await statusOf(server, daemon)).openings
