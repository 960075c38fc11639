import { LATENCY_BOUNDS_S, REFUSALS } from '../../src/control/message.ts'
import type { Status, Totals } from '../../src/control/message.ts'

/** Everything that a status may have. */
type Whole<Of> = Of extends readonly (infer Item)[]
  ? readonly Whole<Item>[]
  : Of extends object
    ? { readonly [Field in keyof Of]-?: Whole<Exclude<Of[Field], undefined>> }
    : Of

const TOTALS: Whole<Totals> = {
  openings: { ssh: 3, '': 1 },
  commandFailures: { ssh: 1 },
  refusals: Object.fromEntries(REFUSALS.map((reason, index) => [reason, index])) as Whole<Totals>['refusals'],
  replays: 2,
  scans: 4,
  guesses: 1,
  knocks: 30,
  packets: { seen: 100, taken: 90, lost: 10 },
  latency: { counts: [...LATENCY_BOUNDS_S, Infinity].map((_, index) => index), sumS: 12.5 },
}

/** A status with all of its fields. The compiler asks for a new one. */
export const WHOLE_STATUS: Whole<Status> = {
  version: '1.2.3',
  pid: 7,
  program: '/usr/sbin/knockd',
  config: '/etc/knockd.conf',
  upMs: 3_600_000,
  interfaces: [
    {
      name: 'eth0',
      waiting: 'is down',
      received: 100,
      dropped: 10,
      heardMs: 1_500,
      deaf: { reason: 'its filter was changed', agoMs: 60_000, times: 2 },
    },
  ],
  guard: { fault: 'no', services: ['tcp/22'], hideWith: 'match', alwaysAllow: ['192.0.2.0/24'], hidden: 8 },
  exposed: [{ service: 'tcp/80', forMs: 5_000 }],
  doors: [
    {
      name: 'ssh',
      secret: 'one-time',
      waits: 'the next sequence of its list',
      left: 2,
      lowWater: 3,
      users: 2,
      opens: ['tcp/22'],
      commands: true,
      openForMs: 30_000,
      shut: 'ssh: stays shut',
    },
  ],
  openings: [
    {
      door: 'ssh',
      source: '192.0.2.7',
      user: 'alice',
      users: ['alice', 'carol'],
      claimedUser: 'bob',
      from: 'bastion',
      services: ['tcp/22'],
      forward: '198.51.100.7:22',
      leftMs: 20_000,
    },
  ],
  attempts: { count: 1, sources: 2, listed: [{ source: '192.0.2.8', doors: ['ssh'], stage: 1, leftMs: 100 }] },
  ignored: [{ source: '192.0.2.9', why: 'scan', doors: ['ssh'], leftMs: 50_000 }],
  journal: 'no space left on device',
  faults: { count: 1, last: 'boom', agoMs: 5 },
  state: '/var/lib/postern/knockd.conf-1.journal',
  totals: { since: Date.UTC(2026, 10, 1), all: TOTALS, start: TOTALS },
  clock: { synchronised: false, needed: true, now: Date.UTC(2026, 10, 22) },
  fleet: {
    name: 'home',
    host: 'web1',
    hosts: 3,
    users: 7,
    shut: 'no majority of etcd answers',
    problems: ['users are refused'],
  },
  health: [{ subject: 'capture', state: 'critical', message: 'eth0 is not captured: is down' }],
}

/** A status of a daemon that is well. */
export const WELL: Status = {
  ...WHOLE_STATUS,
  interfaces: [{ name: 'eth0', waiting: undefined, received: 100, dropped: 0, heardMs: 1_500 }],
  guard: { ...WHOLE_STATUS.guard, fault: undefined },
  doors: [{ ...WHOLE_STATUS.doors[0]!, left: 20, shut: undefined }],
  journal: undefined,
  faults: undefined,
  clock: { synchronised: true, needed: true, now: Date.UTC(2026, 10, 22) },
  fleet: { name: 'home', host: 'web1', hosts: 3, users: 7, problems: [] },
}
