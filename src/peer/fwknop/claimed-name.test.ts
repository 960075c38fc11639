// Goal: a claimed name has only letters that are safe in a log, a shell and a terminal, and a bounded length.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { CLAIMED_NAME_MAX_CHARS, claimedName } from './claimed-name.ts'

test.each([
  ['alice', 'alice'],
  ['alice@example.org', 'alice@example.org'],
  ['alice) root (x', 'alice__root__x'],
  ['$(reboot)`id`', '__reboot__id_'],
  ['-rf', '_rf'],
  ['a\nb\u001B[2J', 'a_b__2J'],
  ['', ''],
])('%j', (user, name) => {
  expect(claimedName(user)).toBe(name)
})

test('any text becomes a safe name', () => {
  fc.assert(
    fc.property(anyText({ maxLength: 200 }), (user) => {
      const name = claimedName(user)
      expect(name).toMatch(/^[A-Za-z0-9._@-]*$/)
      expect(name.startsWith('-')).toBe(false)
      expect(name.length).toBeLessThanOrEqual(CLAIMED_NAME_MAX_CHARS)
    }),
  )
})
