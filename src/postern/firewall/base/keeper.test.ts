// Goal: a trial that is not confirmed ends, whatever fails on the way: a keeper that gave up would leave the machine
// shut.
import { expect, test } from 'vitest'
import { LockedError } from '../../../state/lock.ts'
import { keepTrial } from './keeper.ts'

test.each([
  ['another process has the lock', new LockedError('x', undefined)],
  ['the firewall refuses it', new Error('Device or resource busy')],
])('takes a trial back at last: %s', async (_, error) => {
  const trial = { id: 'a', boot: undefined, deadline: 0, remote: true, connections: [] }
  let tries = 0
  const takeBack = (): void => {
    if (++tries === 1) throw error
  }
  await keepTrial('a', () => trial, takeBack)
  expect(tries).toBe(2)
})
