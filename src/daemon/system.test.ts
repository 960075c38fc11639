// Goal: on a system that cannot capture, the daemon says so at its start.
import { expect, test } from 'vitest'
import { requireSystem } from './knockd.ts'

test.each(['win32', 'android', 'sunos'] as const)('%s', (system) => {
  expect(() => requireSystem(system)).toThrow(`knockd does not run on ${system}, only the client does`)
})

test.each(['linux', 'darwin', 'freebsd'] as const)('%s', (system) => {
  expect(() => requireSystem(system)).not.toThrow()
})
