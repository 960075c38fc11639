// Goal: a plain iptables rule is recognised and looked up, and no other command is.
import { expect, test } from 'vitest'
import { insertsRule, probeOf } from './stacking.ts'

test.each([
  [
    '/sbin/iptables -A INPUT -s 192.0.2.7 -p tcp --dport 22 -j ACCEPT',
    '/sbin/iptables -C INPUT -s 192.0.2.7 -p tcp --dport 22 -j ACCEPT',
  ],
  [
    'ip6tables -w 5 -t filter -I INPUT 1 -s 2001:db8::7 -j ACCEPT',
    'ip6tables -w 5 -t filter -C INPUT -s 2001:db8::7 -j ACCEPT',
  ],
  ['iptables-nft --insert my_chain -s 192.0.2.7 -j ACCEPT', 'iptables-nft -C my_chain -s 192.0.2.7 -j ACCEPT'],
])('%s', (command, probe) => {
  expect(probeOf(command)).toBe(probe)
})

test.each([
  'iptables -D INPUT -s 192.0.2.7 -j ACCEPT',
  'iptables -A INPUT -s 192.0.2.7 -j ACCEPT; reboot',
  'iptables -A INPUT -s $IP -j ACCEPT',
  'iptables -A INPUT -m comment --comment "a b" -j ACCEPT',
  '/usr/local/sbin/knock_add -i -c INPUT -p tcp -d 22 -f 192.0.2.7',
  'sudo iptables -A INPUT -s 192.0.2.7 -j ACCEPT',
  'echo iptables -A INPUT -j ACCEPT',
])('is no plain rule: %s', (command) => {
  expect(probeOf(command)).toBeUndefined()
})

test('tells a rule that goes ahead of others from one that goes behind them', () => {
  expect(insertsRule('iptables -I INPUT 1 -s 192.0.2.7 -j ACCEPT')).toBe(true)
  expect(insertsRule('iptables -A INPUT -s 192.0.2.7 -j ACCEPT')).toBe(false)
  expect(insertsRule('cp -I a b')).toBe(false)
})
