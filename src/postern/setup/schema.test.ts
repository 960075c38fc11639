// Goal: what `postern setup` prints with --json is what doc/schema says, at whatever end of a run.
import { expect, test } from 'vitest'
import { faultsOf, propertiesOf, schema } from '../../../test/schema/schema.ts'
import { ConfigTrialFile } from '../../base/config-trial.ts'
import { parseNetwork } from '../../packet/network.ts'
import { TCP } from '../../packet/packet.ts'
import { SECRETS } from './arguments.ts'
import type { SetupArguments } from './arguments.ts'
import type { Plan } from './choices.ts'
import { WORDS, endText, printReport } from './report.ts'
import type { Ended, State } from './report.ts'

const PLAN: Plan = {
  door: 'ssh',
  interfaces: ['eth0'],
  hidden: [{ protocol: TCP, first: 22, last: 22, host: undefined }],
  secret: 'sequence',
  knocks: [24817, 8097, 41553].map((port) => ({ protocol: TCP, port })),
  path: undefined,
  alwaysAllow: [parseNetwork('192.0.2.7')!],
  openForMs: 30_000,
  user: undefined,
}
const PLANS: readonly (readonly [Plan, Ended['secrets']])[] = [
  [PLAN, { made: [] }],
  [
    { ...PLAN, secret: 'totp', path: '/etc/postern/totp/ssh' },
    { made: [], uri: 'otpauth://totp/a?secret=GE' },
  ],
  [
    { ...PLAN, secret: 'spa', knocks: [], path: '/etc/postern/users.spa' },
    { made: [], serverKey: 'postern-server:x', userSecret: 'postern-user-secret:x' },
  ],
]

test('at every end, with every kind of secret', () => {
  const used = new Set<string>()
  const faults: string[] = []
  const look = (text: string): void => void faults.push(...faultsOf(JSON.parse(text), 'setup', used))
  const asked = { json: true, config: '/k', 'confirm-within': 60_000 } as SetupArguments
  for (const state of Object.keys(WORDS) as State[]) {
    for (const [plan, secrets] of PLANS) {
      for (const starter of ['systemd', 'sysv', 'none'] as const) {
        const present = { service: { starter } } as Ended['present']
        const ended = { asked, file: new ConfigTrialFile('/k'), present, plan, host: '192.0.2.1', state, secrets }
        printReport(ended, { out: look, err: () => undefined })
      }
    }
  }
  for (const state of ['confirmed', 'taken back'] as const) look(endText(state, '/k'))
  expect(faults).toEqual([])
  expect([...propertiesOf('setup')].filter((each) => !used.has(each))).toEqual([])
})

test('the states and secrets are those of the code', () => {
  const [whole] = schema('setup')['oneOf'] as [{ properties: Record<string, { enum?: readonly string[] }> }]
  expect(whole.properties['state']?.enum).toEqual(Object.keys(WORDS))
  expect(whole.properties['secret']?.enum).toEqual([...SECRETS])
})
