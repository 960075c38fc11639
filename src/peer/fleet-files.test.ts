// Goal: the daemon's user, `check` and `doctor` look at every file that a fleet.conf names.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfig } from '../config/read.ts'
import { PUBLIC, SECRET } from '../file/policy.ts'
import { FLEET_FILES } from '../fleet/settings.ts'
import { fleetFiles } from './fleet-files.ts'
import { faultsOfFiles } from './key-files.ts'

const folder = mkdtempSync(join(tmpdir(), 'fleet-files-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, 'fleet.conf')
const names = () => fleetFiles(file).map(({ path }) => path.replace(`${folder}/`, ''))

test('the files beside fleet.conf, and those that it names elsewhere', () => {
  expect(fleetFiles(undefined)).toEqual([])
  writeFileSync(file, 'Fleet = home\n', { mode: 0o600 })
  expect(names().sort()).toEqual(['fleet.conf', ...Object.values(FLEET_FILES)].sort())
  writeFileSync(file, 'KEY_FILE = /etc/keys/web1.key \nLogin_File=login\n# Sign_Key_File = /x\n', { mode: 0o600 })
  expect(names()).toEqual(['fleet.conf', 'ca.crt', 'host.crt', '/etc/keys/web1.key', 'sign.key', 'fleet.key', 'login'])
  const policies = new Map(fleetFiles(file).map(({ path, policy }) => [path, policy]))
  expect([join(folder, 'login'), '/etc/keys/web1.key'].map((path) => policies.get(path))).toEqual([SECRET, SECRET])
  expect(policies.get(join(folder, 'ca.crt'))).toBe(PUBLIC)
})

test('a key that others can read is a fault of the config', () => {
  writeFileSync(file, 'Fleet = home\n', { mode: 0o600 })
  writeFileSync(join(folder, 'fleet.key'), 'key\n', { mode: 0o644 })
  const path = join(folder, 'knockd.conf')
  const text = `[options]\nFleet = ${file}\n[ssh]\nSequence = 7431,8020,6001\nOpen_Ports = tcp/22\n`
  writeFileSync(path, text, { mode: 0o600 })
  const faults = faultsOfFiles(readConfig(text, path).config!)
  expect(faults.map((fault) => fault.file)).toEqual([join(folder, 'fleet.key')])
})
