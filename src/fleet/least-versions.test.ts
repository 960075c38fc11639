// Goal: a host never goes back to an older version of what it had, even after a restart or without its State_Folder.
import { expect, test } from 'vitest'
import { LeastVersions } from './least-versions.ts'

/** A journal of values. */
function journal() {
  const values = new Map<string, string>()
  return {
    newest: (key: string) => values.get(key),
    advance: (key: string, value: string, accepts: (present: string | undefined) => boolean) => {
      const isNew = accepts(values.get(key))
      if (isNew) values.set(key, value)
      return Promise.resolve(isNew)
    },
  }
}
const KEY = Buffer.alloc(32, 1)

test('the higher one counts: of the settings or of the journal, and each document by itself', () => {
  const store = journal()
  const of = (joined = { hosts: 4, users: 0 }) => new LeastVersions({ store, fleetKey: KEY, joined })
  expect([of().of('hosts').version, of().of('users').version]).toEqual([4, 0])
  of().of('hosts').raise(9)
  of().of('hosts').raise(7)
  of().of('users').raise(2)
  expect([of().of('hosts').version, of().of('users').version]).toEqual([9, 2])
  expect(of({ hosts: 11, users: 0 }).of('hosts').version).toBe(11)
})

test('a fleet that is made anew begins at version 1', () => {
  const store = journal()
  new LeastVersions({ store, fleetKey: KEY, joined: { hosts: 0, users: 0 } }).of('users').raise(9)
  const fresh = new LeastVersions({ store, fleetKey: Buffer.alloc(32, 2), joined: { hosts: 0, users: 0 } })
  expect(fresh.of('users').version).toBe(0)
})

test('a journal that fails holds nothing up', async () => {
  const store = { newest: () => undefined, advance: () => Promise.reject(new Error('no space left on device')) }
  const least = new LeastVersions({ store, fleetKey: KEY, joined: { hosts: 0, users: 0 } }).of('hosts')
  expect(() => least.raise(3)).not.toThrow()
  await Promise.resolve()
})
