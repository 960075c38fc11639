// Goal: printed commands are made in one place, and mean to a shell what they should.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { REMEDIES } from './remedies.ts'

const SRC = fileURLToPath(new URL('..', import.meta.url))
/** Where advice is printed. The table of commands (arguments.ts) has their names. */
const ADVISERS =
  /^(?:postern\/(?:doctor|rehearse|check|firewall\/base)\/|peer\/(?:key-files|daemon-access)|postern\/hidden|twin\/|base\/|file\/|lint\/|daemon\/base-keeping)/
/** A text that begins as a command that changes something does, by itself or behind a colon. */
const COMMAND =
  /['"`](?:[^'"`]*: )?(?:sudo )?(?:ip6?tables(?:-\w+)? -[AIDP]|nft (?:add|insert|delete|flush|-f)|ufw (?:allow|deny|delete|insert|prepend)|firewall-cmd --|systemctl \w+ \w|apt install|ch(?:mod|own) [\w$+-]|kill [\d$-]|sed -i|postern firewall (?:apply|remove|restore)(?!`| (?:writes|begins|takes))|knockd -d)/

test('nobody else makes commands to be typed', () => {
  const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter(
    (name) =>
      ADVISERS.test(name) && name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.endsWith('arguments.ts'),
  )
  expect(files.length).toBeGreaterThan(60)
  const found = files.flatMap((name) =>
    readFileSync(join(SRC, name), 'utf8')
      .split('\n')
      .filter((line) => COMMAND.test(line) && !/^\s*(?:\*|\/\/|\/\*\*)/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  )
  expect(found).toEqual([])
})

const folder = mkdtempSync(join(tmpdir(), 'postern-remedies-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = join(folder, "knockd's.conf")
const edited = (text: string, command: string): string => {
  writeFileSync(file, text)
  // Twice, as it may be typed again.
  for (let round = 0; round < 2; round++) execFileSync('sh', ['-c', command])
  return readFileSync(file, 'utf8')
}

test('a line is added below the heading of each door, once', () => {
  const text = '[options]\n[a.b]\nSequence = 1,2\n\t[ c d ]\nSequence = 3,4\n[a+b]\nSequence = 5,6\n'
  const additions = [
    { door: 'a.b', line: 'Open_Ports = tcp/22' },
    { door: 'c d', line: 'Open_Ports = tcp/22,tcp/80' },
  ]
  expect(edited(text, REMEDIES.hide(file, additions, undefined))).toBe(
    '[options]\n[a.b]\nOpen_Ports = tcp/22\nSequence = 1,2\n\t[ c d ]\nOpen_Ports = tcp/22,tcp/80\nSequence = 3,4\n[a+b]\nSequence = 5,6\n',
  )
  expect(REMEDIES.hide('/etc/knockd.conf', additions.slice(0, 1), 7)).toBe(
    String.raw`grep -qx 'Open_Ports = tcp/22' /etc/knockd.conf || sed -i --follow-symlinks -E -e '/^\s*\[\s*a\.b\s*]/a Open_Ports = tcp/22' /etc/knockd.conf && kill -HUP 7`,
  )
})

test.each(['a+b', 'web (80)', 'open|close', 'a{2}', 'w?', '^x$', "it's", 'a/b#c&d', 'a\\b', '$(touch x)', '[in]'])(
  'the door %s is found by its name, and no other',
  (door) => {
    const text = `[a]\nSequence = 1\n[aa]\nSequence = 2\n[${door}]\nSequence = 3\n`
    const line = 'Open_Ports = tcp/22'
    expect(edited(text, REMEDIES.hide(file, [{ door, line }], undefined))).toBe(
      text.replace(`[${door}]\n`, () => `[${door}]\n${line}\n`),
    )
  },
)

test('a path that replaces another one comes out as it is', () => {
  const [path, right] = ['/x/a&b#c', '/usr/bin/a&b#c']
  expect(edited(`Start_Command = ${path} 1\n`, REMEDIES.replaceProgram(file, path, right))).toBe(
    `Start_Command = ${right} 1\n`,
  )
})

test('names that others gave to chains are words of the command, and a file is no option', () => {
  const chain = '$(id)'
  const port = { protocol: 'tcp', port: 22 } as const
  for (const command of [
    REMEDIES.allowNft('inet filter', chain, port),
    REMEDIES.allowNftLocal('inet filter', chain, port),
    REMEDIES.allowNftForwarded('inet filter', chain, port),
    REMEDIES.answerNft('inet filter', chain, port),
    REMEDIES.establishedNft('inet filter', chain),
  ]) {
    expect(command).toMatch(/^nft insert rule inet filter '\$\(id\)' /)
  }
  expect(REMEDIES.answerIptables('iptables', chain, port)).toMatch(/^iptables -I '\$\(id\)' /)
  expect(REMEDIES.edit('-u.conf', 3)).toBe('"${EDITOR:-vi}" +3 ./-u.conf')
})

test('a published port is added where the container stands, once, and at no longer address', () => {
  const text = '[a]\nOpen_Ports = tcp/80@172.17.0.2\n[b]\nOpen_Ports = tcp/80@172.17.0.22, tcp/80@172.17.0.2, udp/5\n'
  expect(edited(text, REMEDIES.addPublished(file, 'tcp/80@172.17.0.2', 'tcp/80', undefined))).toBe(
    '[a]\nOpen_Ports = tcp/80@172.17.0.2,tcp/80\n[b]\nOpen_Ports = tcp/80@172.17.0.22, tcp/80@172.17.0.2,tcp/80, udp/5\n',
  )
})
