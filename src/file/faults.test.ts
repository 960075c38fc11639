// Goal: what is told to be put right is only what is a file or a folder of keys, and everything of those.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { faultsOfFile, faultsOfFolder, faultsOfGnupgHome } from './faults.ts'
import { SECRET } from './policy.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'postern-faults-'))
  mkdirSync(join(home, 'private-keys-v1.d'), { mode: 0o700 })
  writeFileSync(join(home, 'private-keys-v1.d', 'a.key'), '', { mode: 0o600 })
  writeFileSync(join(home, 'pubring.kbx'), '', { mode: 0o644 })
})
afterEach(() => rmSync(home, { recursive: true }))

const cures = (): readonly string[] => faultsOfGnupgHome(home).map(({ cure }) => cure)

test('nobody is told to change the mode of a device, of a folder in the place of a file, or of what is not there', () => {
  for (const path of ['/dev/null', '/tmp', join(home, 'none')]) expect(faultsOfFile(path, SECRET)).toEqual([])
  expect(faultsOfFolder(join(home, 'pubring.kbx'))).toEqual([])
})

test('a folder of GnuPG that its owner alone can enter', () => {
  expect(cures()).toEqual([])
  chmodSync(join(home, 'private-keys-v1.d', 'a.key'), 0o644)
  expect(cures()).toEqual([])
})

test('one that others can write, or a file in it', () => {
  chmodSync(home, 0o777)
  expect(cures()[0]).toBe(`chmod 700 ${home}`)
  chmodSync(home, 0o700)
  chmodSync(join(home, 'pubring.kbx'), 0o666)
  expect(cures()).toEqual([`chmod 600 ${join(home, 'pubring.kbx')}`])
})

test('one that others can enter: its secret keys are for the owner alone', () => {
  chmodSync(home, 0o755)
  expect(cures()).toEqual([])
  chmodSync(join(home, 'private-keys-v1.d', 'a.key'), 0o644)
  expect(cures()).toEqual([`chmod 600 ${join(home, 'private-keys-v1.d', 'a.key')}`])
})

test('a folder in it that others can write', () => {
  chmodSync(join(home, 'private-keys-v1.d'), 0o777)
  expect(cures()).toEqual([`chmod go-w ${join(home, 'private-keys-v1.d')}`])
})

test('a link in it that leads nowhere hides nothing', () => {
  symlinkSync('/nonexistent/agent', join(home, 'S.gpg-agent'))
  expect(cures()).toEqual([])
  chmodSync(join(home, 'pubring.kbx'), 0o666)
  expect(cures()).toHaveLength(1)
})
