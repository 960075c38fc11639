import type { LogEvent } from '../../src/log/event.ts'
import type { Address } from '../../src/packet/address.ts'

/** An event with all of its fields, also those that it may lack. */
type Whole<Of> = { readonly [Field in keyof Of]-?: Exclude<Of[Field], undefined> }
type Samples = {
  readonly [Kind in LogEvent['kind']]: Whole<Extract<LogEvent, { kind: Kind }>>
}

const source: Address = { family: 4, a: 0xc0000207 | 0, b: 0, c: 0, d: 0 }
const at = { source: '192.0.2.7', door: 'ssh' } as const
const user = 'alice'

/** An event of each kind, whole. The compiler asks for a new kind, and for a new field of one. */
export const WHOLE: Samples = {
  stage: { kind: 'stage', source, door: 'ssh', stage: 1 },
  'sequence-timeout': { kind: 'sequence-timeout', source, door: 'ssh', stage: 1 },
  scan: { kind: 'scan', source, ignoredSeconds: 60 },
  'wrong-codes': { kind: 'wrong-codes', source, ignoredSeconds: 60, behindSequence: true },
  withheld: { kind: 'withheld', source, door: 'ssh', stage: 3, reason: 'strays', strays: 40 },
  explanation: {
    kind: 'explanation',
    source,
    door: 'ssh',
    stage: 1,
    knock: '7:tcp',
    reason: 'wrong knock',
    replay: true,
  },
  open: { kind: 'open', source, door: 'ssh', user, claimedUser: 'bob', tookMs: 1.5, from: 'bastion' },
  opened: { kind: 'opened', ...at, user, what: 'tcp/22', seconds: 30, from: 'bastion' },
  closed: { kind: 'closed', ...at, what: 'tcp/22' },
  extended: { kind: 'extended', ...at, user, seconds: 30, connected: true },
  refused: { kind: 'refused', level: 'error', ...at, user, reason: 'too many', cause: 'disk full' },
  'used-before': { kind: 'used-before', ...at, user, secret: 'code' },
  rejected: {
    kind: 'rejected',
    ...at,
    packet: 'packet',
    to: 'udp/62201',
    reason: 'too old',
    user,
    claimedUser: 'bob',
  },
  list: { kind: 'list', door: 'ssh', left: 2, usedAgain: false, cause: 'no such file' },
  trouble: { kind: 'trouble', level: 'error', ...at, what: 'is not closed', cause: 'no', about: 'command' },
  skipped: { kind: 'skipped', ...at, reason: 'cooldown' },
  revoked: { kind: 'revoked', ...at, user },
  'by-hand': { kind: 'by-hand', action: 'opened', ...at, by: '1000' },
  command: { kind: 'command', door: 'ssh', command: 'true' },
  status: { kind: 'status', door: 'ssh', status: 1 },
  output: { kind: 'output', door: 'ssh', output: 'no' },
  'command-timeout': { kind: 'command-timeout', ...at },
  'would-run': { kind: 'would-run', ...at, command: 'true' },
  'would-be': { kind: 'would-be', ...at, message: 'would open' },
  starting: { kind: 'starting', interfaces: ['eth0'] },
  'shutting-down': { kind: 'shutting-down' },
  're-reading': { kind: 're-reading', file: '/etc/knockd.conf' },
  're-opening': { kind: 're-opening', file: '/var/log/knockd.log' },
  'left-out': { kind: 'left-out', lines: 5 },
  notice: { kind: 'notice', level: 'warning', text: 'one\nhint' },
}

/** The fields that an event of a kind may lack. */
export const OPTIONAL: Readonly<Partial<Record<LogEvent['kind'], readonly string[]>>> = {
  explanation: ['door', 'stage', 'knock', 'replay'],
  open: ['user', 'claimedUser', 'tookMs', 'from'],
  opened: ['user', 'from'],
  extended: ['user', 'connected'],
  refused: ['source', 'user', 'reason', 'cause'],
  'used-before': ['source', 'user'],
  rejected: ['door', 'claimedUser'],
  list: ['cause'],
  trouble: ['source', 'cause', 'about'],
  revoked: ['source', 'user'],
  'by-hand': ['source', 'door', 'by'],
}

/** Returns an event without the fields that it may lack. */
export function least(event: LogEvent): LogEvent {
  const optional = OPTIONAL[event.kind] ?? []
  return Object.fromEntries(Object.entries(event).filter(([name]) => !optional.includes(name))) as unknown as LogEvent
}
