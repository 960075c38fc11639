// Goal: every help of every program is found from the program's own, says how the command is used, and fits a terminal of 80
// columns; words that are mistyped, and the ways other programs have of asking for help or the version, are understood.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { helpOf } from '../cli/help.ts'
import { client } from '../client/client.ts'
import { KNOCKD } from '../daemon/arguments.ts'
import { knockd } from '../daemon/knockd.ts'
import { VERSION } from '../version.ts'
import { postern } from './postern.ts'

const COLUMNS_MAX = 80

interface Result {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(program: typeof postern, words: string): Promise<Result> {
  let [out, err] = ['', '']
  const argv = words.split(' ').filter((word) => word !== '')
  const code = await program(argv, { out: (text) => (out += text), err: (text) => (err += text) })
  return { code, out, err }
}

/** Commands that a help lists: lower-case words at the beginning of its indented lines, in front of any text or example. */
function commandsIn(help: string): readonly string[] {
  if (!/^usage: .* COMMAND \[ARGUMENT\]\.\.\.$/m.test(help)) return []
  const [listed = ''] = help.split(/\n(?=examples:|A firewall)/)
  return [...listed.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name = '']) => name).filter((name) => name !== 'help')
}

async function helpsOf(path: string): Promise<ReadonlyMap<string, string>> {
  const { code, out, err } = await run(postern, `${path} --help`)
  expect([path, code, err]).toEqual([path, 0, ''])
  const helps = new Map([[`postern${path}`, out]])
  for (const name of commandsIn(out)) {
    for (const [below, help] of await helpsOf(`${path} ${name}`)) helps.set(below, help)
  }
  return helps
}

const HELPS = new Map([
  ...(await helpsOf('')),
  ['knock', (await run(client, '--help')).out],
  ['knock --spa', (await run(client, '--spa --help')).out],
  ['knockd', helpOf(KNOCKD)],
])

test('all commands are found', () => {
  expect([...HELPS.keys()]).toEqual(
    expect.arrayContaining([
      'postern',
      'postern check',
      'postern firewall apply',
      'postern keygen totp',
      'postern proxy',
    ]),
  )
  expect(HELPS.size).toBe(47)
})

test.each([...HELPS])('%s --help', (name, help) => {
  expect(help.split('\n').filter((line) => line.length > COLUMNS_MAX)).toEqual([])
  expect(help).toMatch(new RegExp(`^usage: ${name}\\b`))
  expect(help).toMatch(/^ {2}-h, --help +show this help/m)
  expect(help).toMatch(/\n$/)
  expect(help).not.toMatch(/[^ -~\n]/)
})

test.each(['', 'check', 'firewall', 'firewall apply', 'keygen totp', 'sequences', 'proxy'])(
  'postern help %s is that of --help',
  async (words) => {
    expect(await run(postern, `help ${words}`)).toEqual(await run(postern, `${words} --help`))
  },
)

test.each(['--version', '-V', 'check --version', 'firewall apply -V', 'proxy --version'])(
  'postern %s',
  async (words) => {
    expect(await run(postern, words)).toEqual({ code: 0, out: `postern ${VERSION}\n`, err: '' })
  },
)

test.each([
  ['chek', 'postern: no such command\n  did you mean: postern check\n'],
  ['stauts', 'postern: no such command\n  did you mean: postern status\n'],
  ['firewall aply', 'postern firewall: no such command\n  did you mean: postern firewall apply\n'],
  ['keygen usr', 'postern keygen: no such command\n  did you mean: postern keygen user\n'],
  ['help chek', 'postern: no such command\n  did you mean: postern check\n'],
  ['toString', 'postern: no such command\n  postern --help lists them\n'],
  ['', 'postern: missing command\n  postern --help lists them\n'],
  ['firewall', 'postern firewall: missing command\n  postern firewall --help lists them\n'],
  ['sequences', 'postern: missing action: make, count, list or rotate\n  postern sequences --help\n'],
  ['sequences mke', 'postern: no such action\n  did you mean: postern sequences make\n  postern sequences --help\n'],
  ['open', expect.stringMatching(/^postern: missing DOOR\nusage: postern open /)],
])('postern %s', async (words, err) => {
  expect(await run(postern, words)).toEqual({ code: 2, out: '', err })
})

/** The files that a program loads before a command runs: all that are imported, but for types alone. */
function loaded(file: string, seen = new Set<string>()): ReadonlySet<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  const text = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
  for (const [, path = ''] of text.matchAll(/^import (?!type\b)(?:[^;']* from )?'(\.{1,2}\/[^']+)'/gm)) {
    loaded(new URL(path, `file:///${file}`).pathname.slice(1), seen)
  }
  return seen
}

test.each([
  ['postern/postern.ts', /^(?:postern|client)\/(?!.*(?:postern|arguments|allowed|as-root)\.ts)/],
  [
    'client/client.ts',
    /^client\/(?!.*(?:client|arguments|request|port|places|knock-source|services|list-address)\.ts)/,
  ],
  ['daemon/knockd.ts', /^daemon\/(?!(?:knockd|arguments|background)\.ts)/],
])('%s loads the table, and no code that runs a command', (file, code) => {
  const files = [...loaded(file)]
  expect(files).toEqual(expect.arrayContaining(['cli/command.ts', 'text/nearest.ts']))
  expect(files.filter((each) => code.test(each))).toEqual([])
  expect(files.filter((each) => /^(?:host|door|file(?!\/platform)|state|capture|publish|base)\//.test(each))).toEqual(
    [],
  )
  expect(files.filter((each) => /^native\/(?!close-on-exec|spawn|native-code)/.test(each))).toEqual([])
})

test('knockd --help prints it', async () => {
  const codes: number[] = []
  await knockd(['--help'], (code) => codes.push(code))
  expect(codes).toEqual([0])
})
