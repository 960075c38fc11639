// Goal: a file that cannot be used is named once, with the reason, and its door opens to nobody in the replay.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { Gate } from '../../gate/gate.ts'
import { Lists } from './lists.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-lists-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test.each([
  ['Users', undefined, 'no such file'],
  ['TOTP_Secret_File', '# none\n', 'contains no secret'],
  ['One_Time_Sequences', undefined, 'no such file'],
])('%s', (directive, text, why) => {
  const path = join(folder, 'file')
  if (text !== undefined) writeFileSync(path, text, { mode: 0o600 })
  const { config } = readConfig(`[d]\n${directive} = ${path}\nOpen_Ports = tcp/22\n`, 'k')
  const said: string[] = []
  const gate = new Gate({ scanPorts: 0, scanIgnoreMs: 0, seed: [1, 2] })
  const lists = new Lists(config!, gate, (line) => said.push(line))
  expect(said.map((line) => line.split('\n')[0])).toEqual([`d: opens to nobody: ${path}: ${why}`])
  expect([...lists.sequences()]).toEqual([])
})
