// Goal: remove waits for the hosts that give signs of life until they have the new list, and for no other.
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import type { Listed } from '../../../etcd/client.ts'
import { publicKeyText } from '../../../fleet/hosts.ts'
import { Keyspace } from '../../../fleet/keyspace.ts'
import { signText } from '../../../fleet/signed.ts'
import { hostsBehind } from './remove.ts'

const KEYSPACE = new Keyspace('home')
const { privateKey: key } = generateKeyPairSync('ed25519')
const HOSTS = ['web1', 'web2'].map((name) => ({ name, groups: [], key: publicKeyText(key) }))

/** An etcd with the signs of life of web1, which has the next version of the list at each look. */
function etcdWith(version: number, next = 0): { readonly looks: () => number; list: () => Promise<Listed> } {
  let looks = 0
  const list = (): Promise<Listed> => {
    const versions = { hosts: version + next * looks++ }
    const place = KEYSPACE.beat('web1')
    const value = signText(
      place,
      { at: 1, version: '1', doors: 0, marks: [], refused: {}, versions },
      { name: 'web1', key },
    )
    return Promise.resolve({ revision: '1', kvs: [{ key: place, value, modRevision: '1', version: '1', lease: '0' }] })
  }
  return { looks: () => looks, list }
}

test('a host that gives no sign of life is named at once', async () => {
  const etcd = etcdWith(3)
  expect(await hostsBehind(etcd, KEYSPACE, HOSTS, 3)).toEqual(['web2'])
  expect(etcd.looks()).toBe(1)
})

test('a host that gives signs of life is waited for', async () => {
  const etcd = etcdWith(1, 1)
  expect(await hostsBehind(etcd, KEYSPACE, HOSTS.slice(0, 1), 2)).toEqual([])
  expect(etcd.looks()).toBe(2)
})
