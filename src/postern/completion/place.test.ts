// Goal: every row of the table is completed: a new command, option, word or value has completion too.
import { expect, test } from 'vitest'
import { command } from '../../cli/command.ts'
import type { Command } from '../../cli/command.ts'
import type { CommandGroup } from '../../cli/group.ts'
import { HELP } from '../../cli/option.ts'
import { KNOCK } from '../../client/arguments.ts'
import { KNOCK_SPA } from '../../client/spa/arguments.ts'
import { KNOCKD } from '../../daemon/arguments.ts'
import { POSTERN } from '../postern.ts'
import { bashScript } from './bash.ts'
import { fishScript } from './fish.ts'
import { placesOf, sourceFlags } from './place.ts'
import type { Place } from './place.ts'
import { placesIn, slugOf } from './programs.ts'
import { zshScript } from './zsh.ts'

const rowsOf = (group: CommandGroup): readonly Command[] =>
  group.commands.flatMap((row) => ('commands' in row ? rowsOf(row) : [row]))
const ROWS = [...rowsOf(POSTERN), KNOCK, KNOCK_SPA, KNOCKD]
const PLACES = placesIn(POSTERN)
const named = (name: string): Place | undefined => PLACES.find((place) => place.name === name)

test.each(ROWS.map((row) => [row.name, row] as const))(
  '%s has a place with all of its options',
  (name, { options, operands }) => {
    const all = 'help' in options ? options : { ...options, help: HELP }
    const flags = Object.entries(all).map(([long, { short }]) =>
      (short === undefined ? [] : [`-${short}`]).concat(`--${long}`),
    )
    const place = named(name)
    expect(place?.options.map((option) => option.flags)).toEqual(flags)
    expect(place?.operands).toEqual(operands?.kinds ?? [])
    const [, ...words] = name.split(' ')
    // Each word of its name leads on, from the program.
    if (words[0]?.startsWith('--') !== true) {
      const before = name.split(' ').slice(0, -1).join(' ')
      if (before !== '') expect(named(before)?.words.map(({ word }) => word)).toContain(words.at(-1))
    }
  },
)

/** The values that can be completed, by their placeholders. Every other value is a number, a time or a text. */
const COMPLETED = /^(?:\w*\|[\w|]*|FILE|FOLDER|HOST|DOOR|CAPTURE|ADDRESS)$/

test.each(ROWS.map((row) => [row.name, row] as const))(
  '%s: what can be completed has a kind',
  (_, { options, operands }) => {
    const without = Object.entries(options).filter(
      // The server's own addresses are those of another machine.
      ([name, { value, kind }]) => kind === undefined && COMPLETED.test(value ?? '') && name !== 'own',
    )
    expect(without.map(([name]) => name)).toEqual([])
    const first = /^\[?(\w+)/.exec(operands?.text ?? '')?.[1]
    if (first !== undefined && COMPLETED.test(first)) expect(operands?.kinds?.length).toBeGreaterThan(0)
  },
)

const ROW = command({
  name: 'postern try',
  summary: "it's new: [all] of it",
  about: '',
  options: {
    config: { short: 'c', value: 'FILE', kind: 'config' },
    interface: { short: 'i', value: 'NAME', kind: 'interface', many: true },
    source: { value: 'NAME', kind: 'interface' },
    form: { value: 'a|b', kind: ['a', 'b'], help: "it's a form" },
  },
  operands: { text: '', kinds: ['door'], words: { make: ['file'], 'list-all': ['door', 'user'] } },
  exits: {},
  read: () => undefined,
  run: async () => () => 0,
})
const TRY: CommandGroup = { name: 'postern', commands: [{ name: 'postern all', commands: [ROW] }] }

test('a new row is completed in every shell, without another line for it', () => {
  const places = placesOf([TRY])
  expect(places.map(({ name }) => name)).toEqual([
    'postern',
    'postern all',
    'postern try',
    'postern try make',
    'postern try list-all',
    'postern help',
    'postern help all',
  ])
  expect(places[4]?.operands).toEqual(['door', 'user'])
  expect(sourceFlags(places[2]!)).toEqual(['-c', '--config', '-i', '--interface'])
  for (const script of [bashScript, zshScript, fishScript]) {
    const text = script(places)
    for (const word of ['form', 'source', 'list-all', 'make', 'interface']) expect(text).toContain(word)
  }
})

test('words of the table need no quotes in a shell, and functions have names of their own', () => {
  const words = PLACES.flatMap(({ words: choices, options, operands }) => [
    ...choices.map(({ word }) => word),
    ...options.flatMap(({ flags, kind }) => [...flags, ...(typeof kind === 'object' ? kind : [])]),
    ...operands.flatMap((kind) => (typeof kind === 'object' ? kind : [])),
  ])
  expect(words.filter((word) => !/^[\w.-]+$/.test(word))).toEqual([])
  const texts = PLACES.flatMap(({ words: choices, options }) => [...choices, ...options].map(({ text }) => text))
  expect(texts.filter((text) => /[^ -~]/.test(text))).toEqual([])
  const slugs = PLACES.map(({ name }) => slugOf(name))
  expect(slugs).toEqual([...new Set(slugs)])
})
