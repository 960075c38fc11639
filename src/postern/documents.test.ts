// Goal: everything that README, doc and the manuals refer to exists: links, anchors, pages, pictures and commands. The
// config on the first page is usable.
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandOf, commandsIn, isOurs, readLine } from '../../test/documents/command-lines.ts'
import { PAGES, examplesIn, page, plain } from '../../test/documents/manual.ts'
import {
  DOCUMENTS,
  anchorsOf,
  blocksOf,
  document,
  pathOf,
  readmeConfig,
  readmeKnock,
  spansOf,
  targetsOf,
} from '../../test/documents/markdown.ts'
import { checkConfig } from '../lint/lint.ts'
import { CHECKS } from './rehearse/checks.ts'
import { POSTERN } from './postern.ts'

/** The largest picture in bytes: packages have them all. */
const PICTURE_MAX_BYTES = 150_000
const README = document('README.md')

describe.each(DOCUMENTS)('%s', (name) => {
  const text = document(name)

  test('every link leads to a file and to a heading in it', () => {
    for (const target of targetsOf(text)) {
      const [file = '', anchor] = target.split('#')
      const path = file === '' ? name : join(dirname(name), file)
      expect(existsSync(pathOf(path)), target).toBe(true)
      if (anchor !== undefined) expect(anchorsOf(document(path)), target).toContain(anchor)
    }
  })

  test('every manual page that it names is there', () => {
    for (const [, of = '', number = ''] of text.matchAll(/\b((?:knockd?|postern)(?:\.conf(?:ig)?)?)\(([1-8])\)/g)) {
      // knockd 0.8 has its own page, in another section.
      if (`${of}.${number}` !== 'knockd.1') expect(PAGES).toContain(`${of}.${number}`)
    }
  })
})

describe.each([...DOCUMENTS.filter((name) => !/DESIGN|CHANGELOG/.test(name)), ...PAGES])('commands in %s', (name) => {
  const isPage = PAGES.includes(name)
  const text = isPage ? page(name) : document(name)
  const lines = isPage ? examplesIn(text) : blocksOf(text).flatMap((block) => block.split('\n'))

  test('can be typed as they are', () => {
    const typed = commandsIn(lines).filter(isOurs)
    for (const words of typed) expect(() => readLine(words), words.join(' ')).not.toThrow()
  })

  test('that are only named are in the table', () => {
    const named = isPage ? [...plain(text).matchAll(/^postern [a-z][^\n]*$/gm)].map(([line]) => line) : spansOf(text)
    for (const words of commandsIn(named)) {
      const [program, first = ''] = words
      if (program !== 'postern' || !/^[a-z-]+$/.test(first) || ['help', 'spa'].includes(first)) continue
      const isGroup = POSTERN.commands.some((row) => 'commands' in row && row.name === `postern ${first}`)
      if (!isGroup) expect(commandOf(words), words.join(' ')).toBeDefined()
    }
  })
})

describe.each(PAGES)('%s', (name) => {
  test('refers to pages of Postern that are there, and to none twice', () => {
    const text = page(name)
    const words = plain(text).replaceAll('"', '')
    for (const [, of = '', number = ''] of words.matchAll(/\b((?:knockd?|postern)(?:\.conf(?:ig)?)?) ?\(([1-8])\)/g)) {
      expect(PAGES).toContain(`${of}.${number}`)
    }
    const [, also = ''] = /^\.SH SEE ALSO\n([^]*)$/m.exec(text)!
    const listed = [...plain(also).matchAll(/^(\S+) \(\d\)/gm)].map(([, each]) => each)
    expect(listed).toEqual([...new Set(listed)])
    expect(listed).not.toContain(name.replace(/\.\d$/, ''))
  })
})

describe('the first page', () => {
  test('leads to every document in doc', () => {
    const targets = targetsOf(README).map((target) => target.replace(/#.*$/, ''))
    for (const name of DOCUMENTS.filter((each) => each.startsWith('doc/'))) expect(targets).toContain(name)
  })

  test('has a config of five lines, whose only fault is that it is published', () => {
    const text = readmeConfig()
    expect(text.trimEnd().split('\n')).toHaveLength(5)
    const { config, faults } = checkConfig(text, 'README.md')
    expect(config?.doors.map(({ name }) => name)).toEqual(['ssh'])
    expect(faults.map(({ severity, message }) => `${severity}: ${message}`)).toEqual([
      'warning: this sequence is published in manuals or guides: it is the first one to be tried',
    ])
  })

  test('knocks as its config has it', () => {
    const [, sequence = ''] = /Sequence *= (\S+)/.exec(readmeConfig())!
    expect(readmeKnock('192.0.2.1').slice(-4)).toEqual(sequence.split(','))
  })

  test('has the commands for developers first in their part', () => {
    const [, part = ''] = README.split('## For developers\n')
    expect(part.split('\n').slice(1, 3)).toEqual([
      expect.stringMatching(/^ {4}sudo script\/demo /),
      expect.stringMatching(/^ {4}sudo script\/test /),
    ])
  })
})

const svgOf = (name: string): string => document(`doc/pictures/${name}`)

/** Returns the lines of a picture of a terminal. */
const textOf = (name: string): string =>
  [...svgOf(name).matchAll(/<text[^>]*>(.*?)<\/text>/g)]
    .map(([, line = '']) => line.replaceAll(/<[^>]+>/g, ''))
    .join('\n')

// `sudo script/pictures` makes them anew.
describe('pictures', () => {
  const names = readdirSync(pathOf('doc/pictures'))

  test('all of them are on the first page, described, and small', () => {
    const shown = targetsOf(README).filter((target) => target.startsWith('doc/pictures/'))
    expect([...new Set(shown)].sort()).toEqual(names.map((name) => `doc/pictures/${name}`).sort())
    for (const name of names) expect(statSync(pathOf(`doc/pictures/${name}`)).size).toBeLessThan(PICTURE_MAX_BYTES)
    const described = [...README.matchAll(/!\[([^\]]*)\]|<img[^>]* alt="([^"]*)"/g)].map(([, alt, html]) => alt ?? html)
    expect(described.map((alt) => alt!.length > 40)).toEqual([true, true, true])
  })

  test.each(names.filter((name) => name.endsWith('.svg')))('%s is text, light and dark, and loads nothing', (name) => {
    const svg = svgOf(name)
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" [^>]*role="img"/)
    expect(svg).toContain('@media (prefers-color-scheme: dark)')
    expect(svg.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/<script|<image|https?:|url\(|@import/)
  })

  test('the demo is that of script/demo', () => {
    const [, sequence = ''] = /^readonly SEQUENCE=\((.*)\)$/m.exec(readFileSync(pathOf('script/demo'), 'utf8'))!
    expect(textOf('demo.svg')).toContain(`knock -v 192.0.2.1 ${sequence}`)
    expect(textOf('demo.svg')).toMatch(/demo +every step was what it should be$/)
  })

  test('the rehearsal has the rows of its table', () => {
    const labels = CHECKS.map(({ label }) => label)
    const rows = [...textOf('rehearsal.svg').matchAll(/^ {2}(\S.*?)(?:, \d+ s)? {2,}yes/gm)].map(([, label]) => label)
    expect(rows.length).toBeGreaterThan(5)
    expect(labels).toEqual(expect.arrayContaining(rows))
    expect(textOf('rehearsal.svg')).not.toMatch(/\bNO\b/)
  })
})

test('nothing of the project refers to a document that is not there', () => {
  const known = new Set([...DOCUMENTS, ...readdirSync(pathOf('doc/pictures')).map((name) => `doc/pictures/${name}`)])
  for (const name of [...DOCUMENTS, ...PAGES.map((each) => `man/${each}`)]) {
    const text = readFileSync(pathOf(name), 'utf8').replaceAll('\\-', '-')
    for (const [path] of text.matchAll(/\bdoc\/[a-z-]+(?:\/[a-z-]+)?\.(?:md|svg|png)\b/g)) {
      expect(known, `${relative('.', name)}: ${path}`).toContain(path)
    }
  }
})
