// Goal: two commands that use one authority at the same time lose nothing of each other's. A command that waits in vain
// says why.
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryLock } from '../../native/libc.ts'
import { Authority } from './authority.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'authority-'))
  new Authority(folder).make('postern fleet home')
})
afterAll(() => rmSync(folder, { recursive: true }))

test('while another command has the lock, nothing is signed; afterwards it is', () => {
  const fd = openSync(join(folder, 'lock'), 'a', 0o600)
  expect(tryLock(fd)).toBe(true)
  const authority = new Authority(folder, 200)
  const issue = () => authority.issueUntil('DNS:invited', Date.now(), Date.now() + 60_000)
  expect(issue).toThrow(`another command is using the authority in ${folder}`)
  closeSync(fd)
  expect(issue().cert).toContain('BEGIN CERTIFICATE')
  expect(issue().cert).toContain('BEGIN CERTIFICATE')
})
