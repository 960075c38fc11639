// Goal: what programs read in JSON is what doc/schema says, neither more nor less: every event, and --json of every command.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { WHOLE, least } from '../../test/schema/events.ts'
import { SCHEMAS, faultsOf, propertiesOf, schema } from '../../test/schema/schema.ts'
import { WELL, WHOLE_STATUS } from '../../test/schema/status.ts'
import type { Command } from '../cli/command.ts'
import type { CommandGroup } from '../cli/group.ts'
import { HEALTH_STATES, HEALTH_SUBJECTS, REFUSALS } from '../control/message.ts'
import { statusForMember } from '../daemon/member.ts'
import type { LogEvent } from '../log/event.ts'
import { KINDS, entryOf } from '../log/format.ts'
import { jsonLine } from '../log/line.ts'
import { REMEDIES } from '../remedy/remedies.ts'
import { asJson as doctorJson } from './doctor/finding.ts'
import type { Finding } from './doctor/finding.ts'
import type { Standing } from './firewall/base/standing.ts'
import { POSTERN, postern } from './postern.ts'
import { CHECKS } from './rehearse/checks.ts'
import { asJson as rehearseJson } from './rehearse/report.ts'
import type { Report } from './rehearse/report.ts'
import { summaryJson } from './replay/summary.ts'
import type { Summary } from './replay/summary.ts'
import type { Observation } from '../twin/observation.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-schema-'))
afterAll(() => rmSync(folder, { recursive: true }))

const parsed = (text: string): unknown => JSON.parse(text) as unknown
const asJson = (value: unknown): unknown => parsed(JSON.stringify(value))
/** Returns the properties of a schema that no sample has. */
const unused = (name: string, used: ReadonlySet<string>): readonly string[] =>
  [...propertiesOf(name)].filter((each) => !used.has(each))

const LINES = (Object.values(WHOLE) as LogEvent[]).flatMap((event) =>
  [event, least(event)].flatMap((each) => {
    const entry = entryOf(each, Date.UTC(2026, 10, 22))
    const hosts = entry.source === undefined ? [undefined] : [undefined, 'host.example']
    return hosts.map((host) => parsed(jsonLine(entry, host)))
  }),
)

test('an event of each kind, whole and with the least, is in the schema of the log, and nothing else is', () => {
  expect(Object.keys(WHOLE).sort()).toEqual([...KINDS].sort())
  const used = new Set<string>()
  expect(LINES.flatMap((line) => faultsOf(line, 'log', used))).toEqual([])
  expect(unused('log', used)).toEqual([])
})

test('a line with a field too many, one too few, or a wrong one is not', () => {
  const [line] = LINES as [Record<string, unknown>]
  const { door: _, ...without } = line
  for (const wrong of [{ ...line, port: 7 }, without, { ...line, stage: '1' }, { ...line, event: 'other' }, [], null]) {
    expect(faultsOf(wrong, 'log')).not.toEqual([])
  }
})

test('events and replay have the lines of the log, and one of their own', () => {
  const missed = { time: '2026-11-22T10:00:00.000+01:00', level: 'warning', event: 'missed', events: 3 }
  const used = new Set<string>()
  for (const line of [...LINES, missed]) expect(faultsOf(line, 'events', used)).toEqual([])
  expect(unused('events', used)).toEqual([])
  const account = { source: '192.0.2.7', packets: 3 }
  const summary: Summary = {
    file: 'a.pcap',
    config: '/k',
    frames: 1,
    looked: 1,
    cut: 0,
    first: 1,
    last: 2,
    opened: 1,
    sources: [
      { ...account, stages: new Map([['ssh', 1]]), opened: new Map([['ssh', 1]]), reasons: new Map([['scan', 1]]) },
    ],
    incomplete: false,
    underWay: ['a'],
    open: [{ door: 'ssh', source: '192.0.2.7', until: 5 }],
    failure: 'is cut',
    whole: false,
  }
  const none = { ...summary, first: undefined, last: undefined, failure: undefined }
  for (const line of [...LINES, parsed(summaryJson(summary)), parsed(summaryJson(none))]) {
    expect(faultsOf(line, 'replay', used)).toEqual([])
  }
  expect(unused('replay', used)).toEqual([])
})

test('status', () => {
  const used = new Set<string>()
  const all = [WHOLE_STATUS, WELL, statusForMember(WHOLE_STATUS)]
  expect(all.flatMap((status) => faultsOf(asJson(status), 'status', used))).toEqual([])
  expect(unused('status', used)).toEqual([])
  const { health, totals } = (schema('status') as { properties: Record<string, { items?: Shape; properties?: Shape }> })
    .properties as { health: { items: Shape }; totals: object }
  expect(health.items.properties).toMatchObject({
    subject: { enum: [...HEALTH_SUBJECTS] },
    state: { enum: [...HEALTH_STATES] },
  })
  expect(totals).toBeDefined()
  const { refusals } = (schema('status')['$defs'] as { totals: Shape }).totals.properties
  expect(Object.keys((refusals as Shape).properties)).toEqual([...REFUSALS])
})

interface Shape {
  readonly properties: Record<string, unknown>
}

test('doctor', () => {
  const findings: readonly Finding[] = [
    { severity: 'fault', subject: 'clock', message: 'no', fix: REMEDIES.keepClock() },
    { severity: 'warning', subject: 'clock', message: 'no', fix: REMEDIES.keepClock() },
    { severity: 'note', subject: 'clock', message: 'no' },
  ]
  const used = new Set<string>()
  expect(faultsOf(parsed(doctorJson('/k', findings)), 'doctor', used)).toEqual([])
  expect(unused('doctor', used)).toEqual([])
})

test('rehearse', () => {
  const times = { cmdTimeoutMs: 10_000 }
  const observation = {
    door: 'ssh',
    family: 4,
    times,
    before: ['refused'],
    opened: [1.5],
    others: ['refused'],
    commands: [],
    left: [],
    lost: [],
    seen: true,
    meant: true,
  } as unknown as Observation
  const door = { name: 'ssh', line: 1, ports: 'tcp/22', observations: [observation], notes: ['note'] }
  const findings = [{ door: 'ssh', families: [4, 6], line: 1, column: 1, message: 'no', hint: 'do' }] as const
  const head = { file: '/k', interface: 'eth0', addresses: ['192.0.2.1'], copied: 'nft', notCopied: ['a'] }
  const report: Report = { ...head, doors: [door], findings, changed: 'line', broken: 'why' }
  const used = new Set<string>()
  for (const each of [report, { ...report, changed: undefined, broken: undefined }]) {
    expect(faultsOf(parsed(rehearseJson(each)), 'rehearse', used)).toEqual([])
  }
  expect(unused('rehearse', used)).toEqual([])
  const { doors } = schema('rehearse')['properties'] as {
    doors: { items: { properties: { tried: { items: Shape } } } }
  }
  const { checks } = doors.items.properties.tried.items.properties as { checks: Shape }
  expect(Object.keys(checks.properties)).toEqual(CHECKS.map(({ name }) => name))
})

test('firewall status', () => {
  const standing: Standing = {
    base: 'kept',
    since: '2026-11-22',
    trialLeftS: 3,
    guard: true,
    kernel: false,
    persisted: ['/etc/a'],
    others: [{ name: 'ip filter INPUT', policy: 'accept', rules: true }],
    problems: [{ message: 'no', command: REMEDIES.keepClock() }],
  }
  const used = new Set<string>()
  for (const each of [standing, { ...standing, since: undefined, trialLeftS: undefined }]) {
    expect(faultsOf(asJson(each), 'firewall-status', used)).toEqual([])
  }
  expect(unused('firewall-status', used)).toEqual([])
})

const door = (path: string): string => `[ssh]\nOne_Time_Sequences = ${path}\nOpen_Ports = tcp/22\n`
const run = async (...argv: readonly string[]): Promise<unknown> => {
  let out = ''
  await postern(argv, { out: (text) => (out += text), err: () => undefined })
  return parsed(out)
}

test('check and sequences, run', async () => {
  const list = join(folder, 'list')
  const [good, bad] = [join(folder, 'good.conf'), join(folder, 'bad.conf')]
  writeFileSync(list, '8101,8202,8303\n', { mode: 0o600 })
  writeFileSync(good, door(list), { mode: 0o600 })
  writeFileSync(bad, `${door(`${list}2`)}Sequense = 1\n`, { mode: 0o600 })
  const used = new Set<string>()
  for (const file of [good, bad]) expect(faultsOf(await run('check', '--json', file), 'check', used)).toEqual([])
  expect(unused('check', used).filter((each) => !each.includes('allowed'))).toEqual([])
  expect(faultsOf(await run('sequences', 'list', 'ssh', '--json', '-c', good), 'sequences-list')).toEqual([])
  const counted = new Set<string>()
  expect(faultsOf(await run('sequences', 'count', '--json', '-c', good), 'sequences-count', counted)).toEqual([])
  rmSync(list)
  expect(faultsOf(await run('sequences', 'count', '--json', '-c', good), 'sequences-count', counted)).toEqual([])
  expect(unused('sequences-count', counted)).toEqual([])
})

test('every command with --json has a schema', () => {
  const rowsOf = (group: CommandGroup): readonly Command[] =>
    group.commands.flatMap((row) => ('commands' in row ? rowsOf(row) : [row]))
  const names = rowsOf(POSTERN)
    .filter(({ options }) => 'json' in options)
    .flatMap(({ name }) => (name.endsWith('sequences') ? ['sequences-count', 'sequences-list'] : [name.slice(8)]))
  expect([...names.map((name) => name.replaceAll(' ', '-')), 'log'].sort()).toEqual([...SCHEMAS].sort())
})
