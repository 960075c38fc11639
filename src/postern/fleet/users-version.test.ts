// Goal: a host that joins is told the newest version of users that the operator knows, not the one that somebody put into etcd.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FakeEtcd } from '../../../test/fleet/etcd.ts'
import { KEYSPACE, OPERATORS, PLACE } from '../../../test/fleet/users.ts'
import { publicKeyText } from '../../fleet/hosts.ts'
import { readOperatorSettings } from '../../fleet/settings.ts'
import { signText } from '../../fleet/signed.ts'
import { keepUsersVersion, newestUsersVersion } from './users-version.ts'

let folder: string
let etcd: FakeEtcd
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'users-version-'))
  etcd = new FakeEtcd()
})
afterEach(() => rmSync(folder, { recursive: true }))

const settings = readOperatorSettings(
  `Fleet = home\nEtcd = https://192.0.2.1:2379\nOperator = alice ${publicKeyText(OPERATORS.alice.publicKey)}\n`,
  'fleet.conf',
)
const newest = async () => await newestUsersVersion(etcd, KEYSPACE, { folder, settings })
const put = async (version: number, by: 'alice' | 'mallory' = 'alice') =>
  await etcd.put(PLACE, signText(PLACE, { version, files: [] }, { name: by, key: OPERATORS[by].privateKey }))

test('what was seen counts after an older one is put back, or all are deleted', async () => {
  expect(await newest()).toBe(0)
  await put(7)
  expect(await newest()).toBe(7)
  await put(3)
  expect(await newest()).toBe(7)
  etcd = new FakeEtcd()
  expect(await newest()).toBe(7)
  await keepUsersVersion(folder, 5)
  expect(await newest()).toBe(7)
})

test('what no operator signed does not count', async () => {
  await put(99, 'mallory')
  expect(await newest()).toBe(0)
})
