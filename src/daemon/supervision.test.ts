// Goal: the line that `systemctl status` shows is short whatever the config is, and tells nobody what only root may know.
import { expect, test } from 'vitest'
import { INTERFACES_NAMED_MAX, statusLineText } from './supervision.ts'
import type { ServiceState } from './supervision.ts'

const FINE: ServiceState = {
  doors: 2,
  openings: 1,
  interfaces: [{ name: 'eth0', waiting: undefined }],
  isGuardInForce: true,
  hasRefusedConfig: false,
}

test.each<readonly [Partial<ServiceState>, string]>([
  [{}, '2 doors, 1 opening; on eth0'],
  [{ doors: 1, openings: 65_536 }, '1 door, 65536 openings; on eth0'],
  [{ interfaces: [{ name: 'wg0', waiting: 'no such interface' }] }, '2 doors, 1 opening; on wg0 (waiting)'],
  [{ isGuardInForce: false }, '2 doors, 1 opening; on eth0; the guard is not in force'],
  [{ hasRefusedConfig: true }, '2 doors, 1 opening; on eth0; the new config was refused: see the log'],
])('%j', (state, text) => {
  expect(statusLineText({ ...FINE, ...state })).toBe(text)
})

test('a thousand interfaces are counted', () => {
  const interfaces = Array.from({ length: 1_000 }, (_, index) => ({ name: `vlan${index}`, waiting: undefined }))
  const text = statusLineText({ ...FINE, interfaces })
  expect(text).toMatch(new RegExp(`on vlan0, .* and ${1_000 - INTERFACES_NAMED_MAX} more$`))
  expect(text.length).toBeLessThan(200)
})
