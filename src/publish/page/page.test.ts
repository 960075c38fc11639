// Goal: the page is one file that runs only its own script, by its hash, whatever the names of door, host and list. It
// may connect to the list's server and the one host only. It reads lists as strictly as the daemon writes them.
import { valueOf } from '../../text/read.ts'
import { createHash } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyText } from '../../../test/any-text.ts'
import { parseSequence } from '../../config/sequence.ts'
import { listText } from '../text.ts'
import { isSame, parseList } from './browser/list.ts'
import { isBlocked } from '../blocked-ports.ts'
import { commandsFor } from './browser/commands.ts'
import { renderPage } from './list-page.ts'
import { PageError } from './terms.ts'

const ASSETS = { script: "'use strict';\nconst a = 1 < 2 && '&'\n", style: 'body { color: red }\n' }
const render = (terms: Partial<Parameters<typeof renderPage>[0]> = {}): string =>
  renderPage({ door: 'ssh', listFile: 'ssh.age', host: 'gate.example.org', ...terms }, ASSETS)
const policy = (page: string): string =>
  /http-equiv="Content-Security-Policy" content="([^"]*)"/
    .exec(page)![1]!
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')
const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

describe('the policy', () => {
  test('names the script and the style of the page, to the byte', () => {
    const page = render()
    const [, script] = /<script>([^]*?)<\/script>/.exec(page)!
    const [, style] = /<style>([^]*?)<\/style>/.exec(page)!
    expect([script, style]).toEqual([ASSETS.script, ASSETS.style])
    const directives = policy(page).split('; ')
    expect(directives).toEqual(
      expect.arrayContaining([
        "default-src 'none'",
        `script-src ${hash(ASSETS.script)}`,
        `style-src ${hash(ASSETS.style)}`,
        "connect-src 'self' http://gate.example.org:* https://gate.example.org:*",
        "base-uri 'none'",
        "form-action 'none'",
      ]),
    )
    expect(policy(page)).not.toMatch(/unsafe|\s\*(;|$)/)
  })

  test('allows connections to the list only, without a host or with one that it cannot name', () => {
    for (const host of [undefined, '2001:db8::1']) {
      expect(policy(render({ host }))).toMatch(/connect-src 'self';/)
    }
  })

  test.each(['a b', 'x;script-src *', 'x"', '*', 'http://x', '1.2.3', ''])('refuses a host: %s', (host) => {
    expect(() => render({ host })).toThrow(PageError)
  })

  test.each(['../x', 'a/b', '', '..'])('refuses a list: %s', (listFile) => {
    expect(() => render({ listFile })).toThrow(PageError)
  })
})

test('a door may have any name, which is shown as text', () => {
  fc.assert(
    fc.property(anyText({ maxLength: 127 }), (door) => {
      const page = render({ door })
      expect(page.split('<script').length).toBe(2)
      expect(page.split('<h1').length).toBe(2)
    }),
  )
  expect(render({ door: '<img src=x onerror=alert(1)>' })).not.toContain('<img')
  expect(render({ door: '"&<' })).toContain('&lt;')
})

test('nothing is loaded from a server', () => {
  expect(render({ host: undefined })).not.toMatch(/(src|href)="(https?:)?\/\//)
  // Only the one host's name is looked up in advance.
  const links = [...render().matchAll(/(?:src|href)="((?:https?:)?\/\/[^"]*)"/g)].map(([, url]) => url)
  expect(links).toEqual(['//gate.example.org'])
})

describe('lists', () => {
  const knocks = valueOf(parseSequence('7431,8020:udp,9123'))!

  test('are read as the daemon writes them', () => {
    const made = Date.UTC(2026, 10, 21, 8)
    const list = parseList(listText({ door: 'ssh', made, before: made + 1_000 }, [knocks, knocks.slice(0, 2)]))
    expect(list).toEqual({ door: 'ssh', made: new Date(made), left: 2, sequences: [knocks, knocks.slice(0, 2)] })
    expect(isSame(list.sequences[0], knocks)).toBe(true)
    expect(isSame(list.sequences[1], knocks)).toBe(false)
  })

  test.each(['', 'hello', '# Postern sequences, format 2\n1,2', '# Postern sequences, format 1\n1,x'])(
    '%j is refused',
    (text) => {
      expect(() => parseList(text)).toThrow()
    },
  )

  test('any text is read or refused', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseList(`# Postern sequences, format 1\n${text}`)
        } catch (error) {
          expect((error as Error).message).not.toBe('')
        }
      }),
    )
  })
})

test('the page lists what browsers refuse, and how to knock without one', () => {
  expect([6000, 6667, 10_080, 22, 7431, 443].map(isBlocked)).toEqual([true, true, true, true, false, false])
  const knocks = valueOf(parseSequence('7431,8020'))!
  expect(commandsFor('gate', knocks).map(({ program }) => program)).toEqual(['knock', 'nc', 'telnet'])
  const mixed = commandsFor('gate', valueOf(parseSequence('7431,8020:udp'))!)
  expect(mixed.map(({ program }) => program)).toEqual(['knock', 'nc'])
  expect(mixed[0]!.text).toBe('knock gate 7431 8020:udp')
  const kinds = commandsFor('gate', valueOf(parseSequence('7431,8020:udp/32,icmp/419'))!)
  expect(kinds.map(({ program, text }) => `${program}: ${text}`)).toEqual([
    'knock: knock gate 7431 8020:udp/32 icmp/419',
    'shell: nc -z -w 1 gate 7431; printf %32s | nc -u -w 1 gate 8020; ping -c 1 -s 419 gate',
  ])
})
