// Goal: the daemon's user alone owns this host's folder of the fleet, and no file that another user wrote there counts.
import {
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../../file/account.ts'
import { asUser } from '../../file/as-user.ts'
import { settleFleet } from './fleet-folder.ts'

const [DAEMON, OTHER] = [61_001, 61_002].map((id): Account => {
  return { uid: id, gid: id, name: `u${id}`, group: `u${id}`, home: '/nonexistent' }
}) as [Account, Account]
const CONF = `Fleet = home\nHost = web1\nEtcd = https://192.0.2.1:2379\nOperator = a ${Buffer.alloc(32, 1).toString('base64')}\n`

let base: string
let folder: string
let conf: string
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'postern-fleet-folder-'))
  folder = join(base, 'fleet', 'home')
  conf = join(base, 'fleet.conf')
  writeFileSync(conf, `${CONF}State_Folder = ${folder}\n`, { mode: 0o600 })
})
afterEach(() => rmSync(base, { recursive: true }))

/** Writes what a daemon of root's leaves. */
function leave(): void {
  mkdirSync(join(folder, 'users-1'), { recursive: true, mode: 0o700 })
  writeFileSync(join(folder, 'users-1', 'ssh.users'), 'alice 7,8,9\n', { mode: 0o600 })
  symlinkSync('users-1', join(folder, 'users.d'))
}

describe.skipIf(process.geteuid?.() !== 0)('the folder of the fleet', () => {
  test('is made for the user, who can enter it', () => {
    expect(settleFleet(conf, DAEMON)).toEqual([])
    expect(statSync(folder)).toMatchObject({ uid: DAEMON.uid, gid: DAEMON.gid })
    expect(statSync(folder).mode & 0o7777).toBe(0o700)
    asUser(DAEMON, () => writeFileSync(join(folder, 'users.signed'), ''))
    expect(settleFleet(conf, DAEMON)).toEqual([])
    expect(readdirSync(folder)).toEqual(['users.signed'])
  })

  test('is given to the user with what a daemon of root had in it', () => {
    leave()
    expect(settleFleet(conf, DAEMON)).toEqual([])
    for (const name of ['', 'users-1', 'users-1/ssh.users', 'users.d']) {
      expect(lstatSync(join(folder, name)).uid).toBe(DAEMON.uid)
    }
  })

  test.each([
    ['root', undefined],
    ['another user', OTHER],
  ])('of a user is put aside for %s, whatever is in it', (_, account) => {
    settleFleet(conf, DAEMON)
    writeFileSync(join(folder, 'users.signed'), '')
    symlinkSync('/etc', join(folder, 'users.d'))
    chownSync(join(folder, 'users.signed'), DAEMON.uid, DAEMON.gid)
    const [notice, ...more] = settleFleet(conf, account)
    expect(more).toEqual([])
    expect(notice?.text).toContain(`${folder} was another user's (uid ${DAEMON.uid})`)
    const aside = `${folder}.before-${process.pid}`
    expect(readdirSync(aside).sort()).toEqual(['users.d', 'users.signed'])
    expect(lstatSync(folder, { throwIfNoEntry: false })?.uid).toBe(account?.uid)
    expect(statSync('/etc').uid).toBe(0)
  })

  test('is refused in a folder that others can write', () => {
    mkdirSync(join(base, 'fleet'))
    chownSync(join(base, 'fleet'), OTHER.uid, OTHER.gid)
    expect(settleFleet(conf, DAEMON)).toEqual([{ level: 'error', text: expect.stringMatching(/another user/) }])
    expect(lstatSync(folder, { throwIfNoEntry: false })).toBeUndefined()
  })

  test('stays as it is if fleet.conf cannot be read: the daemon says why', () => {
    writeFileSync(conf, 'Fleet\n')
    expect(settleFleet(conf, DAEMON)).toEqual([])
    expect(settleFleet(join(base, 'none'), DAEMON)).toEqual([])
  })
})
