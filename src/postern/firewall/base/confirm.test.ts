// Goal: a confirmation counts only if it shows that a new connection gets in. Chains of others that see incoming
// packets are found.
import { expect, test } from 'vitest'
import { doubtOf } from './confirm.ts'
import { otherChains } from '../../../base/firewall.ts'

test.each([
  ['a new connection', '192.0.2.2 port 2', undefined],
  ['a connection from before the trial', '192.0.2.2 port 1', /before the rules/],
  ['a connection that has ended', '192.0.2.2 port 3', /has ended/],
  ['the console', undefined, undefined],
])('%s', (_, mine, doubt) => {
  const trial = { connections: ['192.0.2.2 port 1'] }
  const found = doubtOf(trial, { connection: mine, multiplexer: undefined, isLocal: false }, [
    '192.0.2.2 port 1',
    '192.0.2.2 port 2',
  ])
  if (doubt === undefined) expect(found).toBeUndefined()
  else expect(found).toMatch(doubt)
})

test('a shell of tmux proves nothing, for any user', () => {
  const typed = { connection: undefined, multiplexer: 'tmux', isLocal: false }
  expect(doubtOf({ connections: [] }, typed, [])).toMatch(/runs in tmux/)
})

test('a connection from this machine itself proves nothing, unless the trial began over such a connection', () => {
  const typed = { connection: '127.0.0.1 port 2', multiplexer: undefined, isLocal: true }
  expect(doubtOf({ connections: [] }, typed, ['127.0.0.1 port 2'])).toMatch(/comes from this machine/)
  expect(doubtOf({ connections: [], isLocal: true }, typed, ['127.0.0.1 port 2'])).toBeUndefined()
})

const LISTING = `table ip filter {
	chain INPUT {
		type filter hook input priority filter; policy drop;
	}

	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
}
table inet empty {
	chain in {
		type filter hook input priority 10; policy accept;
	}
}
table inet mine {
	set s {
		type ipv4_addr
	}

	chain in {
		type filter hook input priority 0; policy accept;
		tcp dport 25 drop
	}
}
table inet postern_base {
	chain input {
		type filter hook input priority filter; policy accept;
		drop
	}
}
`

test('chains for input that refuse packets, or may refuse them, are found', () => {
  expect(otherChains(LISTING, ['inet postern_base'])).toEqual([
    { name: 'ip filter INPUT', policy: 'drop', rules: false },
    { name: 'inet mine in', policy: 'accept', rules: true },
  ])
})
