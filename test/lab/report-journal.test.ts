// Goal: of a real journal, a report has the lines of the service and of root, with their fields, and no line that another user forged.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { LogReader } from '../../src/log/read-log.ts'
import { Intake } from '../../src/postern/report/input/intake.ts'
import { readJournal } from '../../src/postern/report/input/journal.ts'
import { Tally } from '../../src/postern/report/tally.ts'
import { SLOW } from '../slow.ts'
import { Booted, stopMachines } from './booted.ts'
import { PROJECT } from './knockd.ts'
import { IS_ROOT } from './net.ts'
import { scratch } from './scratch.ts'

/** What journalctl printed in such a machine. `UPDATE=1 SLOW=1` records it again. */
const RECORDED = join(PROJECT, 'test/fixtures/report/journal.json')
const ENTRIES = 5

/** Lines of the service, of root, and of somebody who uses the name. */
const SCRIPT = String.raw`set -e
systemd-run --quiet --wait --unit=knockd.service --uid=nobody logger -t knockd '192.0.2.7: ssh: OPEN SESAME (alice)'
logger -t knockd '203.0.113.7: port scan, ignored for 60 s by doors that a scan could open'
printf '192.0.2.7: caf\377: OPEN SESAME' | logger -t knockd
printf 'MESSAGE=192.0.2.7: ssh: OPEN SESAME (y: OPEN SESAME (z)\nSYSLOG_IDENTIFIER=knockd\nPOSTERN_EVENT=open\nPOSTERN_DOOR=ssh\nPOSTERN_SOURCE=192.0.2.7\nPOSTERN_USER=y: OPEN SESAME (z\n' | logger --journald
logger -t knockd '192.0.2.9: ssh: sequence timeout (stage 2)'
runuser -u nobody -- logger -t knockd '198.51.100.66: ssh: OPEN SESAME (mallory)'
logger -t other '198.51.100.66: ssh: OPEN SESAME (mallory)'
journalctl --sync`

async function tallied(
  program: string,
): Promise<{ readonly tally: Tally; readonly lines: number; readonly problem: string | undefined }> {
  const tally = new Tally(-Infinity)
  const { lines, problem } = await readJournal(0, new Intake(new LogReader(undefined, Date.now()), tally), program)
  return { tally, lines, problem }
}

function script(text: string): string {
  const path = scratch('journalctl')
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o700 })
  return path
}

function check({ tally, lines, problem }: Awaited<ReturnType<typeof tallied>>): void {
  expect([lines, problem]).toEqual([ENTRIES, undefined])
  const { openings, scans, failures } = tally
  expect(openings.kept.map(({ door, user }) => [door, user])).toEqual([
    ['ssh', 'alice'],
    ['caf\uFFFD', undefined],
    ['ssh', 'y: OPEN SESAME (z'],
  ])
  expect([scans.total, failures.total]).toEqual([1, 1])
}

test('a recorded journal', async () => {
  expect(existsSync(RECORDED)).toBe(true)
  check(await tallied(script(`cat '${RECORDED}'`)))
})

describe.skipIf(!IS_ROOT || !SLOW)('a journal', () => {
  afterAll(stopMachines)

  test('of a booted machine', { timeout: 600_000 }, async () => {
    const asked = scratch('asked')
    await tallied(script(`for word; do printf "'%s' " "$word"; done > ${asked}`))
    const machine = await Booted.make({ suite: 'bookworm', init: 'systemd', packages: [] })
    await machine.run(SCRIPT)
    const { stdout } = await machine.run(`journalctl ${readFileSync(asked, 'utf8')}`)
    expect(stdout).not.toContain('mallory')
    const file = scratch('journal.json')
    writeFileSync(file, stdout)
    if (process.env['UPDATE'] === '1') {
      mkdirSync(dirname(RECORDED), { recursive: true })
      writeFileSync(RECORDED, stdout)
    }
    check(await tallied(script(`cat '${file}'`)))
  })
})
