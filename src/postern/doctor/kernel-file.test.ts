// Goal: doctor finds a file of `postern firewall kernel --persist` that does not fit the config, says why, and prints
// the correct command.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { readConfig } from '../../config/read.ts'
import { runCommand } from '../../cli/command.ts'
import { KERNEL } from '../firewall/arguments.ts'
import type { KernelArguments } from '../firewall/arguments.ts'
import { kernel } from '../firewall/kernel.ts'
import type { Finding } from './finding.ts'
import { judgeKernelFiles } from './kernel-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'postern-kernel-file-'))
afterAll(() => rmSync(folder, { recursive: true }))

const MAIN = '#!/usr/sbin/nft -f\n\nflush ruleset\n'
const NFT = '/etc/postern-kernel.nft'
const SSH = '[ssh]\nSequence = 7301,822,41552\nOpen_Ports = tcp/22\n'
const WEB = '[web door]\nSequence = 7301,823,9000\nOpen_Ports = tcp/8080\n'
const RUN = '[wake]\nSequence = 5101,823,9000\nStart_Command = /bin/true\n'
const TOTP_LIKE = `${SSH}Extend_While_Connected = yes\n`
let root = ''
let file = ''

beforeEach(() => {
  root = mkdtempSync(join(folder, 'root-'))
  file = join(root, 'knockd.conf')
})

const put = (path: string, text: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
const read = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Writes the file of a config for the next boot. */
async function persisted(text: string, ...args: readonly string[]): Promise<void> {
  if (!args.includes('iptables') && !existsSync(join(root, '/etc/nftables.conf'))) put('/etc/nftables.conf', MAIN)
  if (args.includes('iptables')) put('/etc/iptables/rules.v4', '')
  writeFileSync(file, text, { mode: 0o600 })
  const output = { out: () => undefined, err: () => undefined }
  const code = await runCommand(KERNEL, ['-c', file, ...args, '--persist'], output, (asked: KernelArguments) =>
    kernel(asked, output, root),
  )
  expect(code).toBe(0)
}

function judged(text: string): readonly Finding[] {
  return judgeKernelFiles(readConfig(text, file).config!, root)
}

/** Returns the reason of the only finding about the rules, and its command without program and config. */
function said(text: string): { readonly why: string; readonly command: string | undefined } {
  const findings = judged(text)
  expect(findings.map(({ severity, subject }) => [severity, subject])).toEqual([['warning', 'kernel ruleset']])
  const [{ message, fix } = { message: '', fix: undefined }] = findings
  const [, why = ''] = message.split(`${NFT} is loaded when the machine starts, and does not fit the config: `)
  return { why, command: fix?.replace(`sudo postern firewall kernel -c ${file} `, '') }
}

test.each([
  ['all doors', SSH + WEB, []],
  ['one door', SSH + RUN, ['--door', 'ssh']],
  ['open ports', SSH, ['--allow', 'tcp/80,udp/60000-61000', '--allow', 'tcp/443']],
  ['iptables', SSH, ['--allow', 'tcp/80', '--format', 'iptables']],
  ['one family', SSH, ['--format', 'iptables', '--family', '6']],
  [
    'silent ports, sources, networks, no scan guard',
    `[options]\nHide_With = drop\nScan_Ports = 0\nAlways_Allow = 192.0.2.0/24\n${SSH}`,
    [],
  ],
])('a file that fits has no finding: %s', async (_, text, args) => {
  await persisted(text, ...args)
  expect(judged(text)).toEqual([])
})

test('a missing file has no finding, nor has one that nothing loads', async () => {
  expect(judged(SSH)).toEqual([])
  await persisted(SSH)
  put('/etc/nftables.conf', `${MAIN}# include "${NFT}"\n`)
  expect(judged(WEB)).toEqual([])
})

const ALLOWED = ['--allow', 'tcp/80,tcp/443']
const AGAIN = '--allow tcp/80,tcp/443 --persist'
test.each([
  ['other knocks', SSH.replace('822', '823'), 'door `ssh` has other knocks', AGAIN],
  ['other order', SSH.replace('7301,822', '822,7301'), 'door `ssh` has other knocks', AGAIN],
  ['other protocol', SSH.replace('822', '822:udp'), 'door `ssh` has other knocks', AGAIN],
  ['another port', SSH.replace('22\n', '2222\n'), 'door `ssh` opens tcp/2222, not tcp/22', AGAIN],
  [
    'other times',
    `${SSH}Open_For = 60s\nSeq_Timeout = 9\n`,
    'door `ssh` is open for 60 s, not 10 s; the knocks of door `ssh` take at most 9 s, not 25 s',
    AGAIN,
  ],
  ['another answer', `[options]\nHide_With = drop\n${SSH}`, 'Hide_With has changed', AGAIN],
  ['other scans', `[options]\nScan_Ports = 0\n${SSH}`, 'Scan_Ports or Scan_Ignore has changed', AGAIN],
  [
    'a network in the config only',
    `[options]\nAlways_Allow = 192.0.2.0/24\n${SSH}`,
    'its rules are not those that are printed for this config now',
    AGAIN,
  ],
  ['one more door', SSH + WEB, 'it refuses tcp/8080, which door `web door` opens', AGAIN],
  [
    'one more door beside one by command',
    SSH + WEB + RUN,
    'it refuses tcp/8080, which door `web door` opens',
    "--allow tcp/80,tcp/443 --door ssh --door 'web door' --persist",
  ],
  [
    'another name',
    SSH.replace('ssh', '-x'),
    'door `ssh` is no longer in the config; it refuses tcp/22, which door `-x` opens',
    AGAIN,
  ],
  [
    'a name like an option',
    SSH.replace('ssh', '-x') + RUN,
    'door `ssh` is no longer in the config; it refuses tcp/22, which door `-x` opens',
    '--allow tcp/80,tcp/443 --door=-x --persist',
  ],
  [
    'an open port is to be hidden',
    SSH.replace('22\n', '22,tcp/443\n'),
    'it opens tcp/443 to everybody, but the config hides it; door `ssh` opens tcp/22, tcp/443, not tcp/22',
    '--allow tcp/80 --persist',
  ],
])('%s', async (_, text, why, command) => {
  await persisted(SSH, ...ALLOWED)
  expect(said(text)).toEqual({ why, command })
  await persisted(
    text,
    ...execFileSync('sh', ['-c', `printf '%s\\n' ${command.replace('--persist', '')}`], { encoding: 'utf8' })
      .trim()
      .split('\n'),
  )
  expect(judged(text)).toEqual([])
})

test('a door with a command fits, and so does one for an open port', async () => {
  await persisted(SSH, '--allow', 'tcp/8080')
  expect(judged(SSH + RUN + WEB)).toEqual([])
})

test('for a door that the kernel cannot do, the base ruleset is applied first, and then the file is removed', async () => {
  await persisted(SSH, ...ALLOWED)
  const { why, command } = said(TOTP_LIKE)
  expect(why).toMatch(
    /^door `ssh` has Extend_While_Connected, .*; the base ruleset can take its place, as knockd opens/,
  )
  expect(command).toBe(
    `sudo postern firewall apply -c ${file} --allow tcp/80,tcp/443 --persist && sudo systemctl enable nftables && ` +
      String.raw`sudo sed -i --follow-symlinks -E '/^\s*include\s+"\/etc\/postern-kernel\.nft"/d' /etc/nftables.conf && ` +
      `sudo mv ${NFT} ${NFT}.off`,
  )
  const line = command!
    .split(' && ')[2]!
    .replace('sudo ', '')
    .replace('/etc/nftables.conf', join(root, '/etc/nftables.conf'))
  execFileSync('sh', ['-c', line])
  expect(read('/etc/nftables.conf')).toBe(`${MAIN}\n`)
})

test('without any door left, the file is removed from an included folder', async () => {
  put('/etc/nft.d/mine.nft', '')
  put('/etc/nftables.conf', `${MAIN}include "/etc/nft.d/*.nft"\n`)
  await persisted(SSH)
  const [found] = judged(RUN)
  expect(found!.message).toMatch(
    /^\/etc\/nft\.d\/postern-kernel\.nft is loaded .*: door `ssh` is no longer in the config; /,
  )
  expect(found!.fix).toMatch(
    /--persist && sudo systemctl enable nftables && sudo mv \/etc\/nft\.d\/postern-kernel\.nft \S+\.off$/,
  )
})

test('with iptables each family has its file and command; both are removed together', async () => {
  await persisted(SSH, ...ALLOWED, '--format', 'iptables')
  expect(judged(SSH.replace('822', '823')).map(({ fix }) => fix)).toEqual(
    ['4', '6'].map(
      (family) =>
        `sudo postern firewall kernel -c ${file} --allow tcp/80,tcp/443 --format iptables --family ${family} --persist`,
    ),
  )
  for (const { fix } of judged(TOTP_LIKE)) {
    expect(fix).toMatch(/ --beside --persist && .* && sudo mv \S+v4 \S+v4\.off && sudo mv \S+v6 \S+v6\.off$/)
  }
})

test('a rule that somebody added is not lost without a warning', async () => {
  await persisted(SSH)
  put(NFT, read(NFT).replace('\t\tjump first\n', '\t\tjump first\n\t\ttcp dport 25 accept\n'))
  const { why, command } = said(SSH)
  expect(why).toMatch(
    /^its rules are not .*; it also accepts packets that a new one would not: see what would change first$/,
  )
  expect(command).toBe('--persist --dry-run')
})

test('a changed heading is reported, and so is the file of another config', async () => {
  await persisted(SSH, ...ALLOWED)
  const text = read(NFT)
  put(NFT, text.replace('tcp/80, tcp/443', 'tcp/80, smtp'))
  expect(judged(WEB)).toEqual([
    expect.objectContaining({ severity: 'note', message: expect.stringMatching(/^cannot tell/) }),
  ])
  const other = join(root, 'o.conf')
  put(NFT, text.replace(`\`${file}\``, `\`${other}\``))
  expect(judged(WEB)[0]!.message).toMatch(/does not fit/)
  writeFileSync(other, '')
  expect(judged(WEB)).toEqual([
    expect.objectContaining({ severity: 'note', message: expect.stringMatching(/another config/) }),
  ])
  put(NFT, text.replace(`\`${file}\``, '`knockd.conf`'))
  expect(judged(WEB)[0]!.message).toMatch(/does not fit/)
})

test('the text of a file that others can write or read is not repeated', async () => {
  await persisted(SSH)
  put(NFT, read(NFT).replace('door `ssh`', 'door `run this: rm -r /`'))
  for (const mode of [0o602, 0o644]) {
    chmodSync(join(root, NFT), mode)
    expect(judged(WEB)).toEqual([
      {
        severity: 'fault',
        subject: 'permissions',
        message: expect.stringMatching(/^\/etc\/postern-kernel\.nft holds secrets: others than its owner can/),
        fix: `chmod 600 ${join(root, NFT)}`,
      },
    ])
  }
})

test('control characters in a name of the file end no line and move no cursor', async () => {
  await persisted(SSH)
  put(NFT, read(NFT).replaceAll('`ssh`', '`a\u001B[2J\u202Eb`'))
  expect(judged(SSH)[0]!.message).toContain('door `a<U+001B>[2J<U+202E>b` is no longer in the config')
})

test.each([
  ['a named pipe', (path: string) => execFileSync('mkfifo', [path])],
  ['a link to itself', (path: string) => symlinkSync(path, path)],
  ['a folder', (path: string) => mkdirSync(path)],
  ['a device', (path: string) => symlinkSync('/dev/zero', path)],
  [
    'a huge file',
    (path: string) => {
      writeFileSync(path, '')
      truncateSync(path, 2 ** 40)
    },
  ],
  ['a file of zeros', (path: string) => writeFileSync(path, Buffer.alloc(1_000_000))],
])('%s in place of a file has no finding', async (_, make) => {
  await persisted(SSH)
  for (const path of [NFT, '/etc/nftables.conf', '/etc/iptables/rules.v4']) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    rmSync(join(root, path), { force: true })
    make(join(root, path))
    expect(judged(WEB)).toEqual([])
  }
})

test('rules of somebody else are left alone, for any file mode', () => {
  put('/etc/iptables/rules.v4', '*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n')
  chmodSync(join(root, '/etc/iptables/rules.v4'), 0o666)
  expect(judged(SSH)).toEqual([])
})
