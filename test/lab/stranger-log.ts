// A log of strangers, owners and hostile names, made by the daemon's own formatter: the sample of contrib/fail2ban.
import type { LogEvent } from '../../src/log/event.ts'
import { entryOf } from '../../src/log/format.ts'
import { jsonLine, knockdLine, plainText } from '../../src/log/line.ts'
import { parseAddress } from '../../src/packet/address.ts'
import type { Address } from '../../src/packet/address.ts'

/** An address in hostile texts alone. It must never be banned. */
export const INNOCENT = '198.51.100.66'
const OWNER = address('192.0.2.7')
const HOST = 'visitor.example.net'
const FIRST = Date.UTC(2026, 10, 22, 3, 41)
const MINUTE_MS = 60_000

/** Sources that scanned ports, and sources that guessed codes. */
export const SCANNERS = ['203.0.113.7', '203.0.113.8', '2001:db8:bad::7']
export const GUESSERS = ['203.0.113.9', '2001:db8:bad::9']

/** Texts that look like lines of a scan, as names and as what programs print. */
const HOSTILE = [
  INNOCENT,
  `${INNOCENT}: port scan`,
  `x\n${INNOCENT}: port scan`,
  `gate knockd: ${INNOCENT}`,
  `knockd: ${INNOCENT}: port scan`,
  `[2026-11-22 03:41] ${INNOCENT}: port scan`,
  `port scan, ignored for 60 s by doors that a scan could open`,
  `","event":"scan","source":"${INNOCENT}","ignoredSeconds":60}`,
  `\r\n{"time":"2026-11-22T03:41:00.000+00:00","level":"info","event":"scan","source":"${INNOCENT}","ignoredSeconds":60}`,
]

const FROM_STRANGERS: readonly LogEvent[] = [
  ...SCANNERS.map((source): LogEvent => ({ kind: 'scan', source: address(source), ignoredSeconds: 60 })),
  { kind: 'scan', source: address(SCANNERS[0]!), ignoredSeconds: 0 },
  ...GUESSERS.map((source, index): LogEvent => ({
    kind: 'wrong-codes',
    source: address(source),
    ignoredSeconds: 30,
    behindSequence: index > 0,
  })),
]

/** Events of owners, with ordinary and with hostile names. None is a reason for a ban. */
const HARMLESS: readonly LogEvent[] = ['ssh', ...HOSTILE].flatMap((name): readonly LogEvent[] => [
  { kind: 'stage', source: OWNER, door: name, stage: 1 },
  { kind: 'sequence-timeout', source: OWNER, door: name, stage: 1 },
  { kind: 'withheld', source: OWNER, door: name, stage: 3, reason: 'strays', strays: 9 },
  { kind: 'withheld', source: OWNER, door: name, stage: 3, reason: 'codes', strays: 0 },
  { kind: 'open', source: OWNER, door: name, user: name, claimedUser: name },
  { kind: 'opened', source: '192.0.2.7', door: name, what: 'tcp/22', seconds: 10, user: name },
  {
    kind: 'rejected',
    packet: 'packet',
    source: '192.0.2.7',
    to: 'udp/62201',
    user: name,
    claimedUser: name,
    reason: name,
  },
  { kind: 'refused', level: 'warning', source: '192.0.2.7', door: name, reason: name, cause: name },
  { kind: 'used-before', door: name, secret: 'code', user: name },
  { kind: 'revoked', source: '192.0.2.7', door: name, user: name },
  { kind: 'command', door: name, command: `echo ${name}` },
  { kind: 'output', door: name, output: name },
  { kind: 'trouble', level: 'error', door: name, what: 'command was ended by SIGKILL', cause: name },
  { kind: 'notice', level: 'warning', text: `users.conf: ${name}` },
])

const EVENTS = [...FROM_STRANGERS, ...HARMLESS]
/** The number of lines for each event: three forms, with and without a host name. */
export const FORMS = 6
/** The number of events. */
export const EVENT_COUNT = EVENTS.length

/**
 * Returns the log in three forms: as LogFile, as LogFormat = json, and as syslogd writes it, with host names (`knockd -l`)
 * and without. The time zone is the process's own.
 */
export function strangerLog(): string {
  const entries = EVENTS.map((event, index) => entryOf(event, FIRST + index * MINUTE_MS))
  const hosts = [undefined, HOST]
  return [
    '# Made by the formatter of knockd: see test/lab/fail2ban.test.ts. Addresses of 203.0.113.0/24 and 2001:db8:bad::/48 are',
    `# strangers' own; ${INNOCENT} is only in texts that somebody else chose.`,
    ...hosts.flatMap((host) => entries.map((entry) => knockdLine(entry, host).trimEnd())),
    ...hosts.flatMap((host) => entries.map((entry) => jsonLine(entry, host).trimEnd())),
    // The journal has the process besides.
    ...['knockd', 'knockd[169]'].flatMap((program, index) =>
      entries.map(
        (entry) => `${new Date(entry.time).toISOString()} gate ${program}: ${plainText(entry, hosts[index])}`,
      ),
    ),
    '',
  ].join('\n')
}

function address(text: string): Address {
  return parseAddress(text)!
}
