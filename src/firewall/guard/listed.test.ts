// Goal: what nft(8) lists of the guard is read back as it is: which ports it hides, who is let in, who was there before.
import { expect, test } from 'vitest'
import { formatService } from '../../config/service.ts'
import { listedElements, listedKept, listedKey, listedServices } from './listed.ts'

/** As `nft list table` of 1.0.6 writes it, with numbers. */
const LISTING = `table inet postern {
	counter hidden {
		packets 0 bytes 0
	}

	set open4 {
		type ipv4_addr . inet_proto . inet_service
		size 65536
		flags timeout
		elements = { 192.0.2.2 . 6 . 22 timeout 60s expires 59s500ms }
	}

	set kept6 {
		type ipv6_addr . inet_service . inet_service
		size 65536
		timeout 86400s
		elements = { fe80::1 . 40000 . 22 expires 86399s }
	}

	map forward4 {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		size 65536
		flags timeout
		elements = { 192.0.2.2 . 6 . 22 timeout 1m expires 59s : 10.0.0.1 . 3 }
	}

	set wide4_0 {
		type ipv4_addr . inet_proto . inet_service
		size 65536
		flags interval,timeout
		elements = { 192.0.2.0/24 . 6 . 22 timeout 60s expires 1h1m1s,
			     192.0.2.0/24 . 17 . 60000-61000 timeout 60s expires 59s }
	}

	set open6 {
		type ipv6_addr . inet_proto . inet_service
		size 65536
		flags timeout
	}

	chain guard {
		type filter hook prerouting priority -151; policy accept;
		iifname "lo" accept
		fib daddr type { 2, 3, 4, 5 } meta l4proto . th dport { 6 . 22, 17 . 60000-61000 } jump stranger
		ip daddr . meta l4proto . th dport { 198.51.100.7 . 6 . 22 } jump stranger_abroad
		ip6 daddr . meta l4proto . th dport { 2001:db8::7 . tcp . 22-23 } jump stranger_abroad
	}

	chain mislead {
		type nat hook prerouting priority -101; policy accept;
		fib daddr type { 2, 3, 4, 5 } meta l4proto . th dport { 6 . 99 } jump misled
	}
}
`

test('what is hidden', () => {
  expect(listedServices(LISTING).map(formatService)).toEqual([
    'tcp/22',
    'udp/60000-61000',
    'tcp/22@198.51.100.7',
    'tcp/22-23@2001:db8::7',
  ])
  expect(listedServices('')).toEqual([])
})

test('the elements, with the time that is left', () => {
  expect(listedElements(LISTING)).toEqual([
    { set: 'open4', key: '192.0.2.2 . 6 . 22', data: undefined, leftMs: 59_500 },
    { set: 'kept6', key: 'fe80::1 . 40000 . 22', data: undefined, leftMs: 86_399_000 },
    { set: 'forward4', key: '192.0.2.2 . 6 . 22', data: '10.0.0.1 . 3', leftMs: 59_000 },
    { set: 'wide4_0', key: '192.0.2.0/24 . 6 . 22', data: undefined, leftMs: 3_661_000 },
    { set: 'wide4_0', key: '192.0.2.0/24 . 17 . 60000-61000', data: undefined, leftMs: 59_000 },
  ])
  expect(listedKey('192.0.2.0/24 . udp . 60000-61000')).toBe('192.0.2.0/24 . 17 . 60000-61000')
})

test('who was there before the guard', () => {
  expect(listedKept(LISTING)).toEqual([{ family: 6, address: 'fe80::1', peerPort: 40_000, port: 22 }])
})
