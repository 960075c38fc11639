// Goal: imports run one way: each room imports only the rooms below it. The linter refuses circles of files.
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const SRC = fileURLToPath(new URL('.', import.meta.url))
/** The rooms from the bottom to the top. */
const ROOMS = (
  'text packet limit native totp remedy config firewall gate spa lint file log host state control capture publish base door secret peer ' +
  'cli client daemon operator bin'
).split(' ')

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .map((name) => name.replaceAll('\\', '/'))
  .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && name.includes('/'))

test('every room has its place', () => {
  expect(new Set(files.map((name) => name.split('/')[0]))).toEqual(new Set(ROOMS))
})

test.each(ROOMS)('%s imports only rooms below it', (room) => {
  const allowed = new Set(ROOMS.slice(0, ROOMS.indexOf(room) + 1)).add('version.ts')
  const wrong = files
    .filter((name) => name.startsWith(`${room}/`))
    .flatMap((name) =>
      [...readFileSync(SRC + name, 'utf8').matchAll(/(?:from|import\() ?'(\.{1,2}\/[^']+)'/g)].map(([, path = '']) => ({
        name,
        to: new URL(path, `file:///${name}`).pathname.split('/')[1]!,
      })),
    )
    .filter(({ to }) => !allowed.has(to))
  expect(wrong).toEqual([])
})

test("a peer's wire and files know nothing of its authenticator", () => {
  const wrong = files.filter(
    (name) => /^peer\/\w+\/[^/]+$/.test(name) && readFileSync(SRC + name, 'utf8').includes("'./authenticator/"),
  )
  expect(wrong).toEqual([])
})
