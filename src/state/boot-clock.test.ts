// Goal: the boot's id and clock are those of the system, and the daemon also works without them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Clocks, readBootId } from './boot-clock.ts'

test.runIf(process.platform === 'linux')('on Linux both are those of /proc', () => {
  expect(readBootId()).toBe(readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim())
  const before = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000
  const { boot, bootNow, wall } = new Clocks().now()
  const after = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1000
  expect(boot).toBe(readBootId())
  expect(bootNow).toBeGreaterThanOrEqual(Math.floor(before))
  expect(bootNow).toBeLessThanOrEqual(Math.ceil(after))
  expect(Math.abs(Date.now() - wall)).toBeLessThan(60_000)
})

test('no file, or one that holds no id, is no boot id', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-boot-'))
  try {
    expect(readBootId(join(folder, 'absent'))).toBeUndefined()
    writeFileSync(join(folder, 'id'), 'not an id\n')
    expect(readBootId(join(folder, 'id'))).toBeUndefined()
  } finally {
    rmSync(folder, { recursive: true })
  }
})
