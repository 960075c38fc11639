// Goal: a transaction that is encoded here is the same as the one of libnftables, in every byte that matters. What
// cannot be encoded is left to libnftables.
import { expect, test } from 'vitest'
import type { Element } from '../firewall/guard/element.ts'
import { LITTLE } from '../native/netlink-dump.ts'
import { elementTransaction } from './element-transaction.ts'

/** Messages of a transaction: type, flags, family, resource and body in hexadecimal. */
function messages(bytes: Uint8Array): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const found: string[] = []
  for (let at = 0; at < bytes.length;) {
    const length = view.getUint32(at, LITTLE)
    const [type, flags] = [view.getUint16(at + 4, LITTLE), view.getUint16(at + 6, LITTLE)]
    const body = Buffer.from(bytes.subarray(at + 20, at + length)).toString('hex')
    found.push(`${type.toString(16)} ${flags.toString(16)} ${bytes[at + 16]} ${view.getUint16(at + 18)} ${body}`)
    at += length
  }
  return found
}

const hex = (text: string): string => text.replaceAll(' ', '')

test.runIf(LITTLE)('an element is added, removed and added anew, as libnftables 1.0.6 sends it', () => {
  const element = { set: 'open4', key: '192.0.2.198 . tcp . 22' }
  // Recorded with strace(1): table "postern", set "open4", timeout of 30 s, key 192.0.2.198 . 6 . 22.
  const about = hex('0c000100 706f737465726e00 0a000200 6f70656e34000000')
  const key = hex('14000180 10000100 c00002c6 06000000 00160000')
  const added = hex(`${about} 28000380 24000180 0c000400 0000000000007530 ${key}`)
  const removed = hex(`${about} 1c000380 18000180 ${key}`)
  expect(messages(elementTransaction([element], 30_000)!)).toEqual([
    '10 1 0 10 ',
    `a0c 401 1 0 ${added}`,
    `a0e 1 1 0 ${removed}`,
    `a0c 405 1 0 ${added}`,
    '11 1 0 10 ',
  ])
})

test('only the last of several elements asks for an answer', () => {
  const elements = ['2001:db8::5 . udp . 53', '2001:db8::5 . tcp . 443'].map((key) => ({ set: 'open6', key }))
  const all = messages(elementTransaction(elements, 1)!)
  expect(all).toHaveLength(8)
  expect(all.map((message) => message.split(' ')[1])).toEqual(['1', '401', '1', '401', '401', '1', '405', '1'])
  expect(all[1]).toContain(hex('20010db8000000000000000000000005 11000000 00350000'))
})

test.each<Element>([
  { set: 'wide4_0', key: '192.0.2.0/24 . tcp . 1-9' },
  { set: 'open4', key: '192.0.2.0/24 . tcp . 22' },
  { set: 'open4', key: '192.0.2.7 . tcp . 22-23' },
  { set: 'redirect4', key: '192.0.2.7 . tcp . 22', data: '8080' },
  { set: 'host4_0', key: '192.0.2.7 . 198.51.100.7 . tcp . 22' },
])('other sets are left to libnftables: %o', (element) => {
  const exact = { set: 'open4', key: '192.0.2.7 . tcp . 22' }
  expect(elementTransaction([exact, element], 1_000)).toBeUndefined()
})
