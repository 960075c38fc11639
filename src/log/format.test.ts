// Goal: every kind of event has the line and the JSON that other programs expect, so that every change of them is
// noticed.
import { expect, test } from 'vitest'
import type { Effect, Opened } from '../gate/effect.ts'
import { ICMP, TCP, UDP } from '../packet/packet.ts'
import { eventsOf } from './effects.ts'
import type { LogEvent } from './event.ts'
import { KINDS, entryOf, textOf } from './format.ts'
import { jsonLine } from './line.ts'

const SOURCE = { family: 4, a: 0xc0000207 | 0, b: 0, c: 0, d: 0 } as const
const AT = { source: SOURCE, door: 'ssh' }
const OF = { source: '192.0.2.7', door: 'ssh' }

const EVENTS: readonly LogEvent[] = [
  { kind: 'stage', ...AT, stage: 1 },
  { kind: 'sequence-timeout', ...AT, stage: 2 },
  { kind: 'scan', source: SOURCE, ignoredSeconds: 60 },
  { kind: 'scan', source: SOURCE, ignoredSeconds: 0 },
  { kind: 'wrong-codes', source: SOURCE, ignoredSeconds: 30, behindSequence: true },
  { kind: 'wrong-codes', source: SOURCE, ignoredSeconds: 30, behindSequence: false },
  { kind: 'withheld', ...AT, stage: 3, reason: 'strays', strays: 9 },
  { kind: 'withheld', ...AT, stage: 3, reason: 'codes', strays: 0 },
  { kind: 'explanation', source: SOURCE, knock: '7:tcp', reason: 'flags' },
  { kind: 'explanation', source: SOURCE, stage: 1, knock: '7:tcp', door: 'ssh', reason: 'wrong knock' },
  { kind: 'open', ...AT },
  { kind: 'open', ...AT, user: 'alice', claimedUser: 'bob' },
  { kind: 'opened', ...OF, what: 'tcp/22', seconds: 10, user: 'alice' },
  { kind: 'closed', ...OF, what: 'tcp/22' },
  { kind: 'extended', ...OF, seconds: 10, user: 'alice' },
  { kind: 'extended', ...OF, seconds: 15, connected: true },
  { kind: 'refused', level: 'error', ...OF, reason: 'too many doors are open' },
  { kind: 'refused', level: 'warning', ...OF, cause: 'the journal is full' },
  {
    kind: 'refused',
    level: 'error',
    door: 'ssh',
    user: 'alice',
    reason: 'cannot mark its code as used',
    cause: 'ENOSPC',
  },
  { kind: 'used-before', door: 'ssh', secret: 'code', user: 'alice' },
  { kind: 'used-before', door: 'ssh', secret: 'sequence' },
  {
    kind: 'rejected',
    packet: 'packet',
    ...OF,
    to: 'udp/62201',
    user: 'access.conf:1',
    claimedUser: 'bob',
    reason: 'the stanza has expired',
  },
  {
    kind: 'rejected',
    packet: 'single packet',
    source: '192.0.2.7',
    to: 'udp/62201',
    user: 'alice',
    reason: 'no door opens these ports',
  },
  { kind: 'list', door: 'ssh', left: 0, usedAgain: false },
  { kind: 'list', door: 'ssh', left: 0, usedAgain: false, cause: '/list: no such file' },
  { kind: 'list', door: 'ssh', left: 3, usedAgain: true },
  { kind: 'list', door: 'ssh', left: 1, usedAgain: false },
  { kind: 'list', door: 'ssh', left: 2, usedAgain: false },
  { kind: 'trouble', level: 'error', ...OF, what: 'is not kept open', cause: 'no\nhint' },
  { kind: 'trouble', level: 'error', door: 'ssh', what: 'command was ended by SIGKILL' },
  { kind: 'skipped', ...OF, reason: 'cooldown' },
  { kind: 'skipped', ...OF, reason: 'in place' },
  { kind: 'revoked', ...OF, user: 'alice' },
  { kind: 'revoked', door: 'ssh' },
  { kind: 'by-hand', action: 'opened', ...OF, by: '1000' },
  { kind: 'by-hand', action: 'closed' },
  { kind: 'by-hand', action: 'forgiven', source: '192.0.2.7' },
  { kind: 'command', door: 'ssh', command: 'true' },
  { kind: 'command-timeout', ...OF },
  { kind: 'status', door: 'ssh', status: 1 },
  { kind: 'output', door: 'ssh', output: 'hello' },
  { kind: 'would-run', ...OF, command: 'true' },
  { kind: 'would-be', ...OF, message: 'tcp/22 would be closed' },
  { kind: 'starting', interfaces: ['eth0', 'wg0'] },
  { kind: 'shutting-down' },
  { kind: 're-reading', file: '/etc/knockd.conf' },
  { kind: 're-opening', file: '/var/log/knockd.log' },
  { kind: 'left-out', lines: 7 },
  { kind: 'notice', level: 'warning', text: 'eth0: is down\nhint' },
]

/** The line of each event, and its JSON without the time. */
const LINES = String.raw`
192.0.2.7: ssh: Stage 1
  {"level":"notice","event":"stage","source":"192.0.2.7","door":"ssh","stage":1}
192.0.2.7: ssh: sequence timeout (stage 2)
  {"level":"notice","event":"sequence-timeout","source":"192.0.2.7","door":"ssh","stage":2}
192.0.2.7: port scan, ignored for 60 s by doors that a scan could open
  {"level":"info","event":"scan","source":"192.0.2.7","ignoredSeconds":60}
192.0.2.7: port scan
  {"level":"info","event":"scan","source":"192.0.2.7","ignoredSeconds":0}
192.0.2.7: wrong codes, ignored for 30 s by doors with a Sequence before their codes
  {"level":"info","event":"wrong-codes","source":"192.0.2.7","ignoredSeconds":30,"behindSequence":true}
192.0.2.7: wrong codes, ignored for 30 s by doors with codes alone
  {"level":"info","event":"wrong-codes","source":"192.0.2.7","ignoredSeconds":30,"behindSequence":false}
192.0.2.7: ssh: stays shut, 9 other ports touched between its knocks
  {"level":"info","event":"withheld","source":"192.0.2.7","door":"ssh","stage":3,"reason":"strays","strays":9}
192.0.2.7: ssh: stays shut, too many wrong codes
  {"level":"info","event":"withheld","source":"192.0.2.7","door":"ssh","stage":3,"reason":"codes","strays":0}
192.0.2.7: flags (knock 7:tcp)
  {"level":"debug","event":"explanation","source":"192.0.2.7","knock":"7:tcp","reason":"flags"}
192.0.2.7: ssh: wrong knock (stage 1, knock 7:tcp)
  {"level":"debug","event":"explanation","source":"192.0.2.7","stage":1,"knock":"7:tcp","door":"ssh","reason":"wrong knock"}
192.0.2.7: ssh: OPEN SESAME
  {"level":"notice","event":"open","source":"192.0.2.7","door":"ssh"}
192.0.2.7: ssh: OPEN SESAME (alice, claims to be bob)
  {"level":"notice","event":"open","source":"192.0.2.7","door":"ssh","user":"alice","claimedUser":"bob"}
192.0.2.7: ssh: tcp/22 open for 10 s
  {"level":"info","event":"notice","source":"192.0.2.7","kind":"opened","door":"ssh","what":"tcp/22","seconds":10,"user":"alice","message":"192.0.2.7: ssh: tcp/22 open for 10 s"}
192.0.2.7: ssh: tcp/22 closed
  {"level":"info","event":"notice","source":"192.0.2.7","kind":"closed","door":"ssh","what":"tcp/22","message":"192.0.2.7: ssh: tcp/22 closed"}
192.0.2.7: ssh: is open already, and stays so for another 10 s
  {"level":"info","event":"notice","source":"192.0.2.7","kind":"extended","door":"ssh","seconds":10,"user":"alice","message":"192.0.2.7: ssh: is open already, and stays so for another 10 s"}
192.0.2.7: ssh: stays open, its source is connected
  {"level":"debug","event":"notice","source":"192.0.2.7","kind":"extended","door":"ssh","seconds":15,"connected":true,"message":"192.0.2.7: ssh: stays open, its source is connected"}
192.0.2.7: ssh: stays shut, too many doors are open
  {"level":"error","event":"notice","source":"192.0.2.7","kind":"refused","door":"ssh","reason":"too many doors are open","message":"192.0.2.7: ssh: stays shut, too many doors are open"}
192.0.2.7: ssh: stays shut: the journal is full
  {"level":"warning","event":"notice","source":"192.0.2.7","kind":"refused","door":"ssh","cause":"the journal is full","message":"192.0.2.7: ssh: stays shut: the journal is full"}
ssh: stays shut, cannot mark its code as used: ENOSPC
  {"level":"error","event":"notice","kind":"refused","door":"ssh","user":"alice","reason":"cannot mark its code as used","cause":"ENOSPC","message":"ssh: stays shut, cannot mark its code as used: ENOSPC"}
ssh: this code was used before, alice's
  {"level":"warning","event":"notice","kind":"used-before","door":"ssh","secret":"code","user":"alice","message":"ssh: this code was used before, alice's"}
ssh: this sequence was used before
  {"level":"warning","event":"notice","kind":"used-before","door":"ssh","secret":"sequence","message":"ssh: this sequence was used before"}
packet of access.conf:1, which claims to be bob, from 192.0.2.7 to udp/62201: ssh: the stanza has expired
  {"level":"notice","event":"notice","source":"192.0.2.7","kind":"rejected","packet":"packet","door":"ssh","to":"udp/62201","user":"access.conf:1","claimedUser":"bob","reason":"the stanza has expired","message":"packet of access.conf:1, which claims to be bob, from 192.0.2.7 to udp/62201: ssh: the stanza has expired"}
single packet of alice, from 192.0.2.7 to udp/62201: no door opens these ports
  {"level":"notice","event":"notice","source":"192.0.2.7","kind":"rejected","packet":"single packet","to":"udp/62201","user":"alice","reason":"no door opens these ports","message":"single packet of alice, from 192.0.2.7 to udp/62201: no door opens these ports"}
ssh: disabled, no sequence is left
  {"level":"warning","event":"notice","kind":"list","door":"ssh","left":0,"usedAgain":false,"message":"ssh: disabled, no sequence is left"}
ssh: disabled, no sequence is left: /list: no such file
  {"level":"warning","event":"notice","kind":"list","door":"ssh","left":0,"usedAgain":false,"cause":"/list: no such file","message":"ssh: disabled, no sequence is left: /list: no such file"}
ssh: the list contains sequences that were used already: they open nothing
  {"level":"warning","event":"notice","kind":"list","door":"ssh","left":3,"usedAgain":true,"message":"ssh: the list contains sequences that were used already: they open nothing"}
ssh: only one sequence is left; postern sequences make writes a new list
  {"level":"warning","event":"notice","kind":"list","door":"ssh","left":1,"usedAgain":false,"message":"ssh: only one sequence is left; postern sequences make writes a new list"}
ssh: only 2 sequences are left; postern sequences make writes a new list
  {"level":"warning","event":"notice","kind":"list","door":"ssh","left":2,"usedAgain":false,"message":"ssh: only 2 sequences are left; postern sequences make writes a new list"}
192.0.2.7: ssh: is not kept open: no; hint
  {"level":"error","event":"notice","source":"192.0.2.7","kind":"trouble","door":"ssh","what":"is not kept open","cause":"no\nhint","message":"192.0.2.7: ssh: is not kept open: no; hint"}
ssh: command was ended by SIGKILL
  {"level":"error","event":"notice","kind":"trouble","door":"ssh","what":"command was ended by SIGKILL","message":"ssh: command was ended by SIGKILL"}
192.0.2.7: ssh: cools down
  {"level":"debug","event":"notice","source":"192.0.2.7","kind":"skipped","door":"ssh","reason":"cooldown","message":"192.0.2.7: ssh: cools down"}
192.0.2.7: ssh: its rule is in place already
  {"level":"info","event":"notice","source":"192.0.2.7","kind":"skipped","door":"ssh","reason":"in place","message":"192.0.2.7: ssh: its rule is in place already"}
192.0.2.7: ssh: access of alice revoked
  {"level":"notice","event":"notice","source":"192.0.2.7","kind":"revoked","door":"ssh","user":"alice","message":"192.0.2.7: ssh: access of alice revoked"}
ssh: access revoked
  {"level":"notice","event":"notice","kind":"revoked","door":"ssh","message":"ssh: access revoked"}
192.0.2.7: ssh: opened by hand, by user 1000
  {"level":"notice","event":"notice","source":"192.0.2.7","kind":"by-hand","action":"opened","door":"ssh","by":"1000","message":"192.0.2.7: ssh: opened by hand, by user 1000"}
everybody: every door: closed by hand
  {"level":"notice","event":"notice","kind":"by-hand","action":"closed","message":"everybody: every door: closed by hand"}
192.0.2.7: forgiven by hand
  {"level":"notice","event":"notice","source":"192.0.2.7","kind":"by-hand","action":"forgiven","message":"192.0.2.7: forgiven by hand"}
ssh: running command: true
  {"level":"notice","event":"command","door":"ssh","command":"true"}
192.0.2.7: ssh: command timeout
  {"level":"notice","event":"command-timeout","source":"192.0.2.7","door":"ssh"}
ssh: command returned non-zero status code (1)
  {"level":"notice","event":"status","door":"ssh","status":1}
ssh: command printed: hello
  {"level":"info","event":"output","door":"ssh","output":"hello"}
192.0.2.7: ssh: would run: true
  {"level":"notice","event":"would-run","source":"192.0.2.7","door":"ssh","command":"true"}
192.0.2.7: ssh: tcp/22 would be closed
  {"level":"notice","event":"notice","source":"192.0.2.7","door":"ssh","message":"tcp/22 would be closed"}
starting up, listening on eth0, wg0
  {"level":"notice","event":"starting","interfaces":["eth0","wg0"]}
shutting down
  {"level":"notice","event":"shutting-down"}
re-reading config file: /etc/knockd.conf
  {"level":"notice","event":"re-reading","file":"/etc/knockd.conf"}
re-opening log file: /var/log/knockd.log
  {"level":"notice","event":"re-opening","file":"/var/log/knockd.log"}
7 lines left out (too many knocks)
  {"level":"notice","event":"left-out","lines":7}
eth0: is down; hint
  {"level":"warning","event":"notice","message":"eth0: is down; hint"}
`

test('every event has its line and its JSON', () => {
  const lines = EVENTS.map((event) => {
    const { time: _, ...fields } = JSON.parse(jsonLine(entryOf(event, 0), undefined)) as Record<string, unknown>
    return `${textOf(event)}\n  ${JSON.stringify(fields)}\n`
  })
  expect(lines.join('')).toBe(LINES.slice(1))
  expect(new Set(EVENTS.map(({ kind }) => kind))).toEqual(new Set(KINDS))
})

const EFFECTS: readonly (readonly [Exclude<Effect, Opened>, lines: readonly string[]])[] = [
  [{ kind: 'stage', source: SOURCE, doors: ['a', 'b'], stage: 1 }, ['a: Stage 1', 'b: Stage 1']],
  [
    { kind: 'timeout', source: SOURCE, doors: ['a', 'b'], stage: 2 },
    ['a: sequence timeout (stage 2)', 'b: sequence timeout (stage 2)'],
  ],
  [
    { kind: 'broken', source: SOURCE, doors: ['a'], stage: 1, knock: { protocol: UDP, port: 7 } },
    ['a: wrong knock (stage 1, knock 7:udp)'],
  ],
  [{ kind: 'scan', source: SOURCE, stage: 0, ignoredMs: 0 }, ['port scan']],
  [
    { kind: 'scan', source: SOURCE, stage: 2, ignoredMs: 60_400 },
    ['port scan, ignored for 60 s by doors that a scan could open', 'scan (stage 2)'],
  ],
  [
    { kind: 'guesses', source: SOURCE, behind: false, ignoredMs: 30_000 },
    ['wrong codes, ignored for 30 s by doors with codes alone'],
  ],
  [
    { kind: 'withheld', source: SOURCE, door: 'a', stage: 3, why: 'codes', strays: 0 },
    ['a: stays shut, too many wrong codes'],
  ],
  [
    { kind: 'broken', source: SOURCE, doors: ['a'], stage: 1, knock: { protocol: ICMP, port: 0, size: 99 } },
    ['a: wrong knock (stage 1, knock icmp/99)'],
  ],
  [
    { kind: 'ignored', source: SOURCE, knock: { protocol: UDP, port: 7, size: 32 }, reason: 'no part of a sequence' },
    ['no part of a sequence (knock 7:udp/32)'],
  ],
  [{ kind: 'ignored', source: SOURCE, knock: { protocol: TCP, port: 7 }, reason: 'flags' }, ['flags (knock 7:tcp)']],
]

test.each(EFFECTS)('the effect %j', (effect, lines) => {
  expect(eventsOf(effect).map(textOf)).toEqual(lines.map((line) => `192.0.2.7: ${line}`))
})
