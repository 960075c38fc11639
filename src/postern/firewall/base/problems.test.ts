// Goal: each difference between a base ruleset and the confirmed one is reported once, with a command that fixes it.
import { expect, test } from 'vitest'
import type { Confirmed } from '../../../base/confirmed.ts'
import { readConfig } from '../../../config/read.ts'
import { readBootId } from '../../../state/boot-clock.ts'
import { problemsOf } from './problems.ts'
import type { Seen } from './problems.ts'

const CONFIRMED: Confirmed = {
  id: 'a',
  boot: readBootId(),
  since: 0,
  rules: '',
  config: '/etc/my knockd.conf',
  allowed: 'tcp/80',
  guarded: 'tcp/22',
  commandDoors: [],
  beside: true,
  persist: undefined,
  replace: false,
}
const DOOR = '[ssh]\nSequence = 7301,5401\nOpen_Ports = tcp/22\n'
const seen = (more: Partial<Seen>): Seen => ({
  listing: 'rules',
  same: true,
  trial: 'none',
  confirmed: CONFIRMED,
  unreadable: undefined,
  config: readConfig(DOOR, '/etc/my knockd.conf').config,
  guard: true,
  persisted: [],
  dangling: [],
  certain: true,
  ...more,
})
const APPLY = "sudo postern firewall apply -c '/etc/my knockd.conf' --allow tcp/80 --beside"
const RESTORE = 'sudo postern firewall restore'
const REMOVE = 'sudo postern firewall remove --keep-guard'
const file = (text: string): Seen['persisted'] => [{ path: '/etc/postern-base.nft', text }]
const other = readConfig(`${DOOR}[web]\nSequence = 1,2\nOpen_Ports = tcp/81\n`, '/etc/my knockd.conf').config

test.each<[string, Partial<Seen>, readonly (readonly [RegExp, string])[]]>([
  ['all is well', {}, []],
  ['on trial', { trial: 'under way', same: false, listing: 'trial' }, []],
  ['no base ruleset', { confirmed: undefined, listing: 'absent' }, []],
  ['a trial that nobody ended', { trial: 'over', listing: 'trial' }, [[/nobody took it back/, RESTORE]]],
  ['a trial that nobody knows of', { listing: 'trial' }, [[/left behind/, RESTORE]]],
  ['the same, and nothing confirmed', { listing: 'trial', confirmed: undefined }, [[/left behind/, REMOVE]]],
  ['flushed', { listing: 'absent' }, [[/not in force: everything is let in$/, RESTORE]]],
  ['emptied', { listing: 'empty' }, [[/not in force/, RESTORE]]],
  ['flushed, and a door was added', { listing: 'absent', config: other }, [[/would refuse tcp\/81/, APPLY]]],
  [
    'flushed by a start',
    { listing: 'absent', confirmed: { ...CONFIRMED, boot: 'b' } },
    [[/without --persist/, `${APPLY} --persist`]],
  ],
  ['edited', { same: false }, [[/changed since/, RESTORE]]],
  ['a door was added', { config: other }, [[/refuses tcp\/81/, APPLY]]],
  ['no guard', { guard: false }, [[/tcp\/22 is open to everybody/, "sudo knockd -d -c '/etc/my knockd.conf'"]]],
  ['a config that cannot be used', { config: undefined }, [[/cannot be used/, "postern check '/etc/my knockd.conf'"]]],
  [
    'a record that is not root alone',
    { confirmed: undefined, unreadable: 'x is not used\n  chmod x', same: false },
    [[/x is not used/, 'chmod x']],
  ],
  [
    'another one is loaded',
    { persisted: file('old') },
    [[/is not the base ruleset that was confirmed/, `${APPLY} --persist`]],
  ],
  ['the right one is loaded', { confirmed: { ...CONFIRMED, persist: 'now' }, persisted: file('now') }, []],
  ['it was to be loaded', { confirmed: { ...CONFIRMED, persist: 'now' } }, [[/and is not$/, `${APPLY} --persist`]]],
  [
    'loaded, and removed',
    { confirmed: undefined, listing: 'absent', persisted: file('x') },
    [[/no base ruleset is confirmed/, REMOVE]],
  ],
  [
    'a line without its file',
    { confirmed: undefined, listing: 'absent', dangling: [{ main: '/etc/nftables.conf', line: 'include "x"' }] },
    [[/no such file/, REMOVE]],
  ],
  [
    'the same, where rules that nobody confirmed refuse something',
    { confirmed: undefined, listing: 'rules', dangling: [{ main: '/etc/nftables.conf', line: 'include "x"' }] },
    [[/no such file/, 'sudo postern firewall apply --persist']],
  ],
])('%s', (_, more, expected) => {
  const found = problemsOf(seen(more))
  expect(found.map(({ command }) => command)).toEqual(expected.map(([, command]) => command))
  for (const [index, [message]] of expected.entries()) expect(found[index]!.message).toMatch(message)
})
