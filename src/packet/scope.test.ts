// Goal: an address that means this machine under another name is recognised, up to the last one of each range and no
// further.
import { expect, test } from 'vitest'
import { parseAddress } from './address.ts'
import { isLoopback, isMapped, isShared, isUnspecified } from './scope.ts'

const kinds = { loopback: isLoopback, unspecified: isUnspecified, shared: isShared, mapped: isMapped }

test.each([
  ['126.255.255.255', ''],
  ['127.0.0.0', 'loopback'],
  ['127.0.0.1', 'loopback'],
  ['127.255.255.255', 'loopback'],
  ['128.0.0.0', ''],
  ['0.0.0.0', 'unspecified'],
  ['0.0.0.1', ''],
  ['::', 'unspecified'],
  ['::1', 'loopback'],
  ['::2', ''],
  ['1::1', ''],
  ['223.255.255.255', ''],
  ['224.0.0.0', 'shared'],
  ['239.255.255.255', 'shared'],
  ['240.0.0.0', ''],
  ['255.255.255.254', ''],
  ['255.255.255.255', 'shared'],
  ['ff02::1', 'shared'],
  ['fe80::1', ''],
  ['::ffff:127.0.0.1', 'mapped'],
  ['::ffff:0.0.0.0', 'mapped'],
  ['::fffe:127.0.0.1', ''],
])('%s', (text, kind) => {
  const address = parseAddress(text)!
  const found = Object.entries(kinds).filter(([, is]) => is(address))
  expect(found.map(([name]) => name).join()).toBe(kind)
})
