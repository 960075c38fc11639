// Goal: a second run of knock knows which code the first one used. The file may have any content, or be unwritable.
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { HERE } from '../file/platform.ts'
import type { TotpSecret } from '../totp/code.ts'
import { USED_CODES_MAX, UsedCodesFile, usedCodesPath } from './used-codes.ts'

const SECRET: TotpSecret = {
  key: new TextEncoder().encode('12345678901234567890'),
  algorithm: 'SHA1',
  digits: 8,
  periodS: 30,
}

function path(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postern-client-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return join(folder, 'state', 'codes')
}

test('what one run used the next one knows, for that host and secret alone', () => {
  const file = path()
  new UsedCodesFile(file).used(SECRET, 'gate', 7)
  const next = new UsedCodesFile(file)
  expect(next.last(SECRET, 'gate')).toBe(7)
  expect(next.last(SECRET, 'GATE')).toBe(7)
  expect(next.last(SECRET, 'other')).toBeUndefined()
  expect(next.last({ ...SECRET, periodS: 60 }, 'gate')).toBeUndefined()
  next.used(SECRET, 'gate', 8)
  expect(next.last(SECRET, 'gate')).toBe(8)
})

test('it is for its user alone, has no secret in it, and stays small', () => {
  const file = path()
  for (let host = 0; host < USED_CODES_MAX + 5; host++) new UsedCodesFile(file).used(SECRET, `host${host}`, host)
  expect(statSync(file).mode & 0o777).toBe(0o600)
  expect(readFileSync(file, 'latin1').trim().split('\n')).toHaveLength(USED_CODES_MAX)
  const last = new UsedCodesFile(file)
  expect(last.last(SECRET, 'host4')).toBeUndefined()
  expect(last.last(SECRET, `host${USED_CODES_MAX}`)).toBe(USED_CODES_MAX)
})

test.each(['', 'no line of ours\n', 'x'.repeat(10_000), '\0\n\n'])('a file with %j is as none', (text) => {
  const file = path()
  const codes = new UsedCodesFile(file)
  codes.used(SECRET, 'gate', 1)
  writeFileSync(file, text)
  expect(codes.last(SECRET, 'gate')).toBeUndefined()
  codes.used(SECRET, 'gate', 2)
  expect(codes.last(SECRET, 'gate')).toBe(2)
})

test('a folder that cannot be written is no fault', () => {
  const codes = new UsedCodesFile('/proc/no/such/codes')
  expect(() => codes.used(SECRET, 'gate', 1)).not.toThrow()
  expect(codes.last(SECRET, 'gate')).toBeUndefined()
})

test('it lies where the user keeps state', () => {
  expect(usedCodesPath({ ...HERE, env: { XDG_STATE_HOME: '/var/tmp/s' } })).toBe('/var/tmp/s/postern/codes')
  expect(usedCodesPath({ ...HERE, env: { XDG_STATE_HOME: 'relative' } })).toMatch(/\/\.local\/state\/postern\/codes$/)
})
