// Goal: the manuals have the synopses, options, defaults and exit codes of the table of commands, and no others; and an example of
// every command.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { PAGES, examplesIn, itemsIn, page, plain as unquoted, section } from '../../test/documents/manual.ts'
import { pathOf } from '../../test/documents/markdown.ts'
import type { Command } from '../cli/command.ts'
import { OUTPUT_LOST, USAGE } from '../cli/exit-code.ts'
import type { CommandGroup } from '../cli/group.ts'
import { synopsisOf } from '../cli/help.ts'
import { HELP, VERSION_FLAG } from '../cli/option.ts'
import type { Options } from '../cli/option.ts'
import { KNOCK, OPTIONS, PUBLISHED_RETRY_DEFAULT } from '../client/arguments.ts'
import { KNOCK_SPA, SPA_OPTIONS } from '../client/spa/arguments.ts'
import { KNOCKD } from '../daemon/arguments.ts'
import { POSTERN } from './postern.ts'

const rowsOf = (group: CommandGroup): readonly Command[] =>
  group.commands.flatMap((row) => ('commands' in row ? rowsOf(row) : [row]))
const ROWS = rowsOf(POSTERN)
const NAMES = ROWS.map((row) => row.name.replace('postern ', ''))

/** The synopses of a command with all its options. Forms that shorten the options are for the help. */
const synopsesOf = (row: Command): readonly string[] =>
  row.forms === undefined || row.forms.some((form) => /\[options?\]/i.test(form))
    ? [synopsisOf(row).join(' ')]
    : row.forms

/** A synopsis in roff: flags in bold, placeholders in italics. */
const roff = (synopsis: string): string =>
  synopsis
    .replaceAll(/(?<!\[-)\b[A-Z]+\b/g, String.raw`\fI$&\fR`)
    .replaceAll(/^[a-z -]+[a-z](?= |$)|(?<=[[ ])--?[\w-]+/g, String.raw`\fB$&\fR`)
    .replaceAll('-', String.raw`\-`)
/** The placeholders of postern(8) and knockd(8) are in small letters. */
const small = (synopsis: string): string => synopsis.replaceAll(/(?<=\\fI)[A-Z]+/g, (word) => word.toLowerCase())

test.each([
  [
    'postern.8',
    [
      ...ROWS.flatMap((row) => synopsesOf(row).map((synopsis) => small(roff(`${row.name} ${synopsis}`.trim())))),
      String.raw`\fBpostern\fR [\fB\-V\fR|\fB\-h\fR]`,
    ],
  ],
  ['knockd.8', [small(roff(`knockd ${synopsisOf(KNOCKD).join(' ')}`))]],
  ['knock.1', KNOCK.forms!.map((form) => roff(`knock ${form}`))],
] as const)('the synopsis of %s is that of the table', (name, lines) => {
  expect(section(page(name), 'SYNOPSIS').trim()).toBe(lines.join('\n.br\n'))
})

/** The options in the headings of a text, as in `json` or `config -c`. */
const optionsIn = (text: string): readonly string[] =>
  [...text.matchAll(/^\.TP\n(\.[BIR]+ .*)$/gm)]
    .flatMap(([, heading = '']) => Array.from(plain(heading).matchAll(/(?:(-\w) *, *)?--([a-z\d-]+)/g)))
    .map(([, short = '', name = '']) => `${name} ${short}`.trim())
    .sort()
const optionsOf = (options: Options): readonly string[] =>
  Object.entries(options)
    .map(([name, { short }]) => (short === undefined ? name : `${name} -${short}`))
    .sort()
const plain = (heading: string): string => unquoted(heading).replaceAll('"', '')

/** Returns the text of each command in postern(8), under the words after `postern`; the rest is under no words. */
function textsOf(description: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>()
  let [depth, name] = [0, '']
  const lines = description.split('\n')
  for (const [index, line] of lines.entries()) {
    if (line === '.RS') depth++
    if (line === '.RE') depth--
    if (depth === 0 && lines[index - 1] === '.TP') {
      const words = `${plain(line).replace('postern ', '').trim()} `
      name = NAMES.find((each) => words.startsWith(`${each} `)) ?? ''
    }
    texts.set(name, `${texts.get(name) ?? ''}${line}\n`)
  }
  return texts
}
const TEXTS = textsOf(section(page('postern.8'), 'DESCRIPTION'))

/** The text of a command in postern(8), with the options that it shares with others. */
function textOf(name: string): string {
  const talks = ['status', 'watch', 'events', 'open', 'close', 'forgive', 'accept-loss'].includes(name)
  // The text of no command has the options of all commands that talk to the daemon.
  return `${TEXTS.get(name) ?? ''}${talks ? (TEXTS.get('') ?? '') : ''}`
}

/** Returns the options whose default a text does not say. */
function withoutDefault(options: Options, text: string): readonly string[] {
  const items = itemsIn(text)
  return Object.entries(options).flatMap(([name, { default: value = '', help = '' }]) => {
    if (value === '' && !/\bdefault: /i.test(help)) return []
    const said = items.filter(({ heading }) => new RegExp(`--${name}(?![\\w-])`).test(heading))
    return said.some((item) => /\bdefault: /i.test(item.text) && item.text.includes(value)) ? [] : [name]
  })
}

test.each(ROWS.map((row, index) => [NAMES[index]!, row] as const))(
  'postern(8) has the options of %s, with their defaults',
  (name, row) => {
    expect(optionsIn(textOf(name))).toEqual(optionsOf(row.options))
    expect(withoutDefault(row.options, textOf(name))).toEqual([])
  },
)

test('knockd(8) and knock(1) have the defaults of their options', () => {
  expect(withoutDefault(KNOCKD.options, page('knockd.8'))).toEqual([])
  expect(withoutDefault({ ...SPA_OPTIONS, ...OPTIONS }, page('knock.1'))).toEqual([])
  const items = new Map(itemsIn(page('knock.1')).map(({ heading, text }) => [/--[\w-]+/.exec(heading)?.[0], text]))
  expect(items.get('--delay')).toContain('Default: 0.')
  expect(items.get('--retry')).toContain(`Default: 0, and ${PUBLISHED_RETRY_DEFAULT} with`)
})

test('postern(8) has the exit codes of every command, as its help has them', () => {
  const status = section(page('postern.8'), 'EXIT STATUS')
  expect(itemsIn(status)).toEqual(
    ROWS.map(({ exits }, index) => ({
      heading: NAMES[index],
      text: Object.entries(exits)
        .map(([code, meaning]) => `${code} ${meaning}`)
        .join(', '),
    })),
  )
  expect(status).toContain(`exits with ${USAGE} for an invalid command line`)
  expect(status).toContain(`exits with ${OUTPUT_LOST} in place of 0`)
})

test.each([
  ['knockd.8', KNOCKD, []],
  ['knock.1', KNOCK, [OUTPUT_LOST]],
] as const)('%s has all exit codes', (name, { exits }, others) => {
  const listed = itemsIn(section(page(name), 'EXIT STATUS')).map(({ heading }) => heading)
  expect(listed).toEqual([...Object.keys(exits), USAGE, ...others].map(String).sort((a, b) => Number(a) - Number(b)))
})

test.each(PAGES)('%s has its sections, and no fault that man(1) warns of', (name) => {
  for (const title of [...(name.endsWith('.5') ? [] : ['EXIT STATUS']), 'FILES', 'EXAMPLES']) {
    expect(section(page(name), title), title).not.toBe('')
  }
  if (!existsSync('/usr/bin/groff')) return
  const argv = ['-man', '-Tutf8', '-ww', '-z', pathOf(`man/${name}`)]
  const { status, stderr } = spawnSync('groff', argv, { encoding: 'utf8' })
  expect([status, stderr]).toEqual([0, ''])
})

test('postern(8) has an example of every command', () => {
  const examples = examplesIn(section(page('postern.8'), 'EXAMPLES')).join('\n')
  expect(ROWS.map(({ name }) => name).filter((name) => !examples.includes(name))).toEqual([])
})

test('postern(8), knockd(8) and knock(1) have the options of the programs', () => {
  const both = { version: VERSION_FLAG, help: HELP }
  expect(optionsIn(section(page('postern.8'), 'OPTIONS'))).toEqual(optionsOf(both))
  expect(optionsIn(section(page('knockd.8'), 'OPTIONS'))).toEqual(optionsOf(KNOCKD.options))
  const manual = page('knock.1')
  const knock = optionsOf({ ...SPA_OPTIONS, ...OPTIONS })
  expect(knock).toEqual(expect.arrayContaining([...optionsIn(manual)]))
  expect(knock.filter((name) => !plain(manual).includes(`--${name.replace(/ .*/, '')}`))).toEqual([])
})

test('no command has a short name twice', () => {
  for (const { options } of [...ROWS, KNOCKD, KNOCK, KNOCK_SPA]) {
    const shorts = Object.values({ help: HELP, ...options } as Options).flatMap(({ short }) => short ?? [])
    expect(shorts).toEqual([...new Set(shorts)])
  }
})
