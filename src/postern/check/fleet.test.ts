// Goal: a secret that is used once in the fleet at one door, but once on this host at another, is reported.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import * as secrets from '../../fleet/secret-marks.ts'
import { mixedScopes } from './fleet.ts'

const folder = mkdtempSync(join(tmpdir(), 'scopes-'))
afterAll(() => rmSync(folder, { recursive: true }))
writeFileSync(join(folder, 'ssh.users'), 'alice 7431,8020,6001\nbob 7431,8020,6002\n', { mode: 0o600 })
writeFileSync(join(folder, 'web.users'), 'robert 7431,8020,6002\n', { mode: 0o600 })
writeFileSync(join(folder, 'vpn.users'), 'carol 7431,8020,6003\n', { mode: 0o600 })

const doorOf = (name: string, scope: string): string =>
  `[${name}]\nUsers = ${folder}/${name}.users\nOpen_Ports = tcp/22\nScope = ${scope}\n`

function faults(...scopes: readonly (readonly [string, string])[]): readonly string[] {
  const text = `[options]\nFleet = /f\n${scopes.map(([name, scope]) => doorOf(name, scope)).join('')}`
  return mixedScopes(readConfig(text, '/k').config!, Buffer.alloc(32), secrets).map(
    ({ line, message }) => `${line} ${message}`,
  )
}

test('one secret in two files, and two scopes', () => {
  expect(faults(['ssh', 'fleet'], ['web', 'host'], ['vpn', 'host'])).toEqual([
    '7 doors `web` and `ssh` share a secret, and `ssh` alone has `Scope = fleet`: what was used at `web` can be used on another host',
  ])
})

test('the same scope, or no secret in common, is no fault', () => {
  expect(faults(['ssh', 'fleet'], ['web', 'fleet'])).toEqual([])
  expect(faults(['ssh', 'host'], ['web', 'host'])).toEqual([])
  expect(faults(['ssh', 'fleet'], ['vpn', 'host'])).toEqual([])
})
