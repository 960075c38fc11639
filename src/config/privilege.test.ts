// Goal: a config tells which directive keeps the daemon root, with its line, and no other directive does.
import { expect, test } from 'vitest'
import { checkConfig } from '../lint/lint.ts'
import { formatFault } from '../text/fault.ts'
import { rootNeed } from './privilege.ts'
import type { RootNeed } from './privilege.ts'
import { readConfig } from './read.ts'

const needOf = (text: string): RootNeed | undefined => {
  const { config, faults } = readConfig(text, 'k')
  if (config === undefined) throw new Error(faults.map((fault) => formatFault('k', fault)).join('\n'))
  return rootNeed(config)
}

const USER = '[options]\nUser = _postern\n'
const GUARD = '[ssh]\nSequence = 1,2,3\nOpen_Ports = tcp/22\n'
const COMMAND = '[wake]\nSequence = 4,5,6\nStart_Command = wake %IP%\n'

test.each([
  ['ports', USER + GUARD],
  ['commands', USER + COMMAND],
  ['hooks', `${USER}Start_Hook = a\nStop_Hook = b\n${GUARD}`],
  ['commands of events', `${USER}On_Event = open: a\n${GUARD}`],
  ['no', `${USER}Start_Hook = a\nHooks_As_Root = no\n${COMMAND}Commands_As_Root = no\n`],
  ['nothing to run', `${USER}Hooks_As_Root = yes\n${GUARD}Commands_As_Root = yes\n`],
])('%s need no root', (_, text) => {
  expect(needOf(text)).toBeUndefined()
})

test.each([
  [`${USER}Hooks_As_Root = yes\nStop_Hook = b\n${GUARD}`, { line: 3, why: 'Hooks_As_Root is set for its hooks' }],
  [`${USER}Hooks_As_Root = yes\nOn_Event = open: b\n${GUARD}`, { line: 3, why: 'Hooks_As_Root is set for its hooks' }],
  [`${USER}${GUARD}${COMMAND}Commands_As_Root = yes\n`, { line: 9, why: 'Commands_As_Root is set for door wake' }],
  [
    `${USER}[fw]\nSPA = fwknop\nAccess_File = /etc/access.conf\nCommands_As_Root = yes\nOpen_Ports = tcp/22\n`,
    { line: 6, why: 'Commands_As_Root is set for door fw' },
  ],
])('%j does', (text, need) => {
  expect(needOf(text)).toEqual(need)
})

const told = (lines: string, options = USER): readonly string[] =>
  checkConfig(`${options}[a]\nSequence = 47301,58822,36103\nOpen_Ports = tcp/22\n${lines}\n`, 'k').faults.map(
    ({ line, column, message }) => `${line}:${column} ${message}`,
  )

test('programs that need root are named in commands that run as the User, and in no others', () => {
  const words = '6:17 `sudo` needs root, and this command runs as _postern'
  expect(told('Start_Command = sudo nft add element ip t s { %IP% }')).toContain(words)
  expect(told('Start_Command = nft x; /usr/sbin/ufw allow from %IP%').join('\n')).toContain(
    '6:24 `/usr/sbin/ufw` needs root',
  )
  for (const [lines, options] of [
    ['Start_Command = sudo x\nCommands_As_Root = yes', USER],
    ['Start_Command = sudo x', ''],
    ['Start_Command = nft add element ip t s { %IP% }', USER],
  ] as const) {
    expect(told(lines, options).join('\n')).not.toMatch(/needs root/)
  }
})

test('root is no User', () => {
  const { config, faults } = readConfig(`[options]\nUser = root\n${GUARD}`, 'k')
  expect(config).toBeUndefined()
  expect(faults).toMatchObject([
    { line: 2, column: 8, message: '`root` needs no directive', hint: 'take the line out' },
  ])
})
