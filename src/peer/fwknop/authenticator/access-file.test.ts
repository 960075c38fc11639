// Goal: a typing mistake in one line takes away nobody's key, whichever file has the key. A user whose file or line is
// removed loses access.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Stanza } from '../stanza.ts'
import { INCLUDED_FILES_MAX } from '../include.ts'
import { readAccessFile } from './access-file.ts'
import { stanzasLeft } from './holders.ts'

let folder: string
let path: string
let users: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-access-'))
  path = join(folder, 'access.conf')
  users = join(folder, 'users')
  mkdirSync(users, { mode: 0o700 })
})
afterEach(() => rmSync(folder, { recursive: true }))

const put = (to: string, text: string): void => writeFileSync(to, text, { mode: 0o600 })
const keys = (name: string): string => `KEY key of ${name}\nHMAC_KEY hmac key of ${name}\n`
const stanza = (name: string): string => `SOURCE ANY\n${keys(name)}REQUIRE_USERNAME ${name}\n`
const names = (stanzas: readonly Stanza[]): readonly string[] =>
  stanzas.map(({ requireUsername }) => requireUsername.join())

/** The users who are left after the access.conf has a new text, which has an error. */
function left(text: string): readonly string[] {
  const before = readAccessFile(path, 'fwknop').stanzas
  put(path, text)
  const { faults, text: all, isUnread } = readAccessFile(path, 'fwknop', undefined, before)
  expect(faults.some(({ severity }) => severity === 'error')).toBe(true)
  return names(stanzasLeft(before, all, isUnread))
}

test.each([
  ['a misspelt word', '%include_foldr FOLDER'],
  ['a blank that is missing', '%include_folderFOLDER'],
  ['a colon that is somewhere else', '%include_folder : FOLDER/'],
])('%s before a folder takes access from nobody in it', (_, line) => {
  put(join(users, 'ann.conf'), stanza('ann'))
  put(join(users, 'bob.conf'), `SOURCE ANY\nREQUIRE_USERNAME bob\n%include_keys ${folder}/bob.key\n`)
  put(join(folder, 'bob.key'), keys('bob'))
  put(path, `${stanza('root')}%include_folder ${users}\n`)
  expect(left(`${stanza('root')}${line.replace('FOLDER', users)}\n`)).toEqual(['root', 'ann', 'bob'])
})

test('a user whose line is removed loses access, though another line has an error', () => {
  for (const name of ['ann', 'bob', 'kim']) put(join(users, `${name}.conf`), stanza(name))
  const include = (...all: readonly string[]): string => all.map((name) => `%include ${users}/${name}.conf\n`).join('')
  put(path, include('ann', 'bob', 'kim'))
  expect(left(`#${include('ann')};${include('bob')}%includ ${users}/kim.conf\n`)).toEqual(['kim'])
})

test('a user whose file is removed loses access, though the line of the folder has an error', () => {
  put(join(users, 'ann.conf'), stanza('ann'))
  put(join(users, 'bob.conf'), stanza('bob'))
  put(path, `%include_folder ${users}\n`)
  const before = readAccessFile(path, 'fwknop').stanzas
  rmSync(join(users, 'bob.conf'))
  put(path, `%include_foldr ${users}\n`)
  const { text, isUnread } = readAccessFile(path, 'fwknop', undefined, before)
  expect(names(stanzasLeft(before, text, isUnread))).toEqual(['ann'])
})

test('one file too many takes access from nobody', () => {
  put(join(users, 'zoe.conf'), stanza('zoe'))
  for (let at = 1; at < INCLUDED_FILES_MAX; at++) put(join(users, `${at}.conf`), '')
  put(path, `%include_folder ${users}\n`)
  const before = readAccessFile(path, 'fwknop').stanzas
  put(join(users, 'new.conf'), stanza('new'))
  const { text, isUnread } = readAccessFile(path, 'fwknop', undefined, before)
  expect(names(stanzasLeft(before, text, isUnread))).toEqual(['zoe'])
})
