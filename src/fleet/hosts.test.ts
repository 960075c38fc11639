import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { HOSTS_MAX, isInGroups, publicKeyOf, publicKeyText, readHosts } from './hosts.ts'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const KEY = publicKeyText(publicKey)
const WEB = { name: 'web1', groups: ['web', 'eu'], key: KEY }

test('a key is 32 bytes in base64, made from either half of a key pair, and nothing else', () => {
  expect(publicKeyText(privateKey)).toBe(KEY)
  expect(publicKeyOf(KEY)?.equals(publicKey)).toBe(true)
  for (const text of ['', KEY.slice(1), `${KEY}\n`, KEY.replace('=', ''), `${KEY}=`]) {
    expect(publicKeyOf(text)).toBeUndefined()
  }
})

test('a list of hosts is read', () => {
  const body = { version: 3, hosts: [WEB, { ...WEB, name: 'web2', groups: [] }] }
  expect(readHosts(body)).toEqual(body)
})

test.each([
  ['no object', 1],
  ['no hosts', { version: 1 }],
  ['version 0', { version: 0, hosts: [] }],
  ['a version in words', { version: '1', hosts: [] }],
  ['a name twice', { version: 1, hosts: [WEB, WEB] }],
  ['a name that is a path', { version: 1, hosts: [{ ...WEB, name: '../etc' }] }],
  ['an invalid name of a group', { version: 1, hosts: [{ ...WEB, groups: ['a b'] }] }],
  ['an invalid key', { version: 1, hosts: [{ ...WEB, key: 'AAAA' }] }],
  ['too many', { version: 1, hosts: Array.from({ length: HOSTS_MAX + 1 }, (_, at) => ({ ...WEB, name: `h${at}` })) }],
])('a document with %s is refused whole', (_what, body) => {
  expect(readHosts(body)).toBeUndefined()
})

test('a host is in its own groups, and in the group all', () => {
  expect(isInGroups(WEB, ['db', 'eu'])).toBe(true)
  expect(isInGroups(WEB, ['all'])).toBe(true)
  expect(isInGroups(WEB, ['db'])).toBe(false)
  expect(isInGroups(WEB, [])).toBe(false)
})
