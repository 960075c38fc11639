// Goal: the linter refuses an import of a room above, and every folder of src has its place.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ROOMS } from './rooms.mjs'

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

test('every room has its place, and every place its room', () => {
  const rooms = readdirSync(at('../../src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(rooms.map(({ name }) => name).sort()).toEqual([...ROOMS].sort())
})

test('imports of rooms above are refused, in whatever form', () => {
  const folder = mkdtempSync(join(tmpdir(), 'postern-rooms-'))
  const write = (path: string, text: string): void => {
    mkdirSync(join(folder, path, '..'), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  copyFileSync(at('rooms.mjs'), join(folder, 'rooms.mjs'))
  write('.oxlintrc.json', JSON.stringify({ jsPlugins: ['./rooms.mjs'], rules: { 'rooms/order': 'error' } }))
  write('src/gate/up.ts', "import '../door/door.ts'\nexport * from '../daemon/d.ts'\nvoid import('../bin/b.ts')\n")
  write(
    'src/gate/down.ts',
    "import './up.ts'\nimport '../packet/packet.ts'\nimport '../version.ts'\nimport 'node:fs'\n",
  )
  write('src/attic/new.ts', "import '../packet/packet.ts'\n")
  const { stdout } = spawnSync(at('../../node_modules/.bin/oxlint'), ['--format=unix'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const lines = stdout.split('\n').filter((line) => line.includes('rooms'))
  expect(lines.map((line) => line.replace(/^.*?src\//, '').replace(/ \[.*$/, '')).sort()).toEqual([
    'attic/new.ts:1:1: attic is not in the list of rooms',
    'gate/up.ts:1:1: gate imports door, which is above it',
    'gate/up.ts:2:1: gate imports daemon, which is above it',
    'gate/up.ts:3:6: gate imports bin, which is above it',
  ])
  rmSync(folder, { recursive: true })
})
