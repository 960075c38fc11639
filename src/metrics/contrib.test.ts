// Goal: the alert rules and the dashboard name only existing metrics and labels. If promtool is installed, it accepts
// the rules and finds that they fire when they should.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { WHOLE_STATUS } from '../../test/schema/status.ts'
import { HEALTH_SUBJECTS } from '../control/message.ts'
import { familiesOf } from './families.ts'

const contrib = (path: string): string => fileURLToPath(new URL(`../../contrib/${path}`, import.meta.url))
const RULES = readFileSync(contrib('prometheus/postern.rules.yml'), 'utf8')
const RULE_TESTS = readFileSync(contrib('prometheus/postern.test.yml'), 'utf8')
const DASHBOARD = readFileSync(contrib('grafana/postern.json'), 'utf8')

const NAMES = new Set(
  familiesOf(WHOLE_STATUS).flatMap(({ name, samples }) => samples.map(({ suffix = '' }) => `${name}${suffix}`)),
)

test.each([
  ['the rules', RULES],
  ['their tests', RULE_TESTS],
  ['the dashboard', DASHBOARD],
])('%s name metrics that there are', (_, text) => {
  const named = [...text.matchAll(/\bpostern_[a-z_]+/g)].map(([name]) => name)
  expect(named.length).toBeGreaterThan(10)
  expect(named.filter((name) => !NAMES.has(name))).toEqual([])
  const subjects = [...text.matchAll(/subject=\\?"([a-z]+)/g)].map(([, subject]) => subject)
  expect(subjects.filter((subject) => !(HEALTH_SUBJECTS as readonly string[]).includes(subject!))).toEqual([])
})

test('the dashboard shows every total, and its panels do not overlap', () => {
  const { panels } = JSON.parse(DASHBOARD) as {
    panels: readonly {
      id: number
      gridPos: Record<'x' | 'y' | 'w' | 'h', number>
      targets: readonly { expr: string }[]
    }[]
  }
  const shown = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join('\n')
  expect([...NAMES].filter((name) => name.endsWith('_total') && !shown.includes(name))).toEqual([])
  const taken = new Set<string>()
  for (const { gridPos } of panels) {
    expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
        expect(taken.has(`${x} ${y}`)).toBe(false)
        taken.add(`${x} ${y}`)
      }
    }
  }
})

test('every alert has a test that it fires, and says what to do', () => {
  const alerts = [...RULES.matchAll(/- alert: (\w+)/g)].map(([, name]) => name!)
  expect(alerts).toEqual(
    expect.arrayContaining([
      'PosternCaptureDeaf',
      'PosternGuardMissing',
      'PosternListLow',
      'PosternCommandFailing',
      'PosternClockWrong',
    ]),
  )
  const fires = new Set([...RULE_TESTS.matchAll(/alertname: (\w+)\n\s+exp_alerts:/g)].map(([, name]) => name!))
  expect(alerts.filter((name) => !fires.has(name))).toEqual([])
  expect(RULES.match(/description: /g)).toHaveLength(alerts.length)
})

const promtool = spawnSync('promtool', ['--version']).error === undefined
test.skipIf(!promtool).each([
  ['check', 'postern.rules.yml'],
  ['test', 'postern.test.yml'],
])('promtool %s rules', (what, file) => {
  const { status, stdout, stderr } = spawnSync('promtool', [what, 'rules', file], {
    cwd: contrib('prometheus'),
    encoding: 'utf8',
  })
  expect([status, status === 0 ? '' : stdout + stderr]).toEqual([0, ''])
})
