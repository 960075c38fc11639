// Goal: a door that cannot be rehearsed is refused before anything is created, with the exit code that says why.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { runCommand } from '../../cli/command.ts'
import { REHEARSE } from './arguments.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-rehearse-'))
afterAll(() => rmSync(folder, { recursive: true }))
afterEach(() => vi.restoreAllMocks())

const file = (name: string, text: string): string => {
  const path = join(folder, name)
  writeFileSync(path, text, { mode: 0o600 })
  return path
}
const good = file('good.conf', '[ssh]\nSequence = 4021,811,3010\nCommand = /usr/local/sbin/open %IP%\n')

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  let out = ''
  let err = ''
  const code = await runCommand(REHEARSE, args, {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
  })
  return { code, out, err }
}

test('usage', async () => {
  for (const args of [
    ['--ful'],
    ['a', 'b'],
    ['-c', 'a', 'b'],
    ['--port', 'ssh=22'],
    ['--port', 'ssh=tcp/0'],
    ['--from', 'x'],
  ]) {
    const { code, out, err } = await run(...args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(
      /^postern: .*\n(?: {2}did you mean: --full\n)?usage: postern rehearse \[-c FILE\] \[OPTION\]\.\.\.\n$/,
    )
  }
  const { code, err } = await run('-c', good, '--door', 'other')
  expect([code, err]).toEqual([2, `postern: ${good} has no door other\n`])
})

test('help', async () => {
  const { code, out } = await run('--help')
  expect(code).toBe(0)
  expect(out).toContain('sudo postern rehearse')
})

test('a config that cannot be used', async () => {
  const bad = file('bad.conf', '[ssh]\nSequence = 4021,x\nCommand = true\n')
  const { code, out, err } = await run('-c', bad)
  expect([code, out]).toEqual([78, ''])
  expect(err).toContain(`${bad}:2:`)
})

test('without root', async () => {
  vi.spyOn(process, 'geteuid').mockReturnValue(1000)
  const { code, out, err } = await run('-c', good)
  expect([code, out]).toEqual([1, ''])
  expect(err).toBe('postern: only root can rehearse a config: that makes network namespaces\n  sudo postern rehearse\n')
})
