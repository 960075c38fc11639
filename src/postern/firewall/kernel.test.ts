// Goal: `postern firewall kernel` prints rules or says why not, and --persist never destroys what somebody else wrote.
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { Root } from '../../../test/postern/root.ts'
import { runCommand } from '../../cli/command.ts'
import { runGroup } from '../../cli/group.ts'
import { FIREWALL, KERNEL } from './arguments.ts'
import type { KernelArguments } from './arguments.ts'
import { kernel } from './kernel.ts'

const DOOR = '[ssh]\nSequence = 7301,822,41552\nOpen_Ports = tcp/22\n'
const MAIN = '#!/usr/sbin/nft -f\n\nflush ruleset\n'
const root = Root.forEach()
let conf = ''

beforeEach(() => {
  conf = root.real('knockd.conf')
  writeFileSync(conf, DOOR)
  chmodSync(conf, 0o600)
})

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

async function run(...args: readonly string[]): Promise<Ran> {
  let out = ''
  let err = ''
  const output = { out: (text: string) => void (out += text), err: (text: string) => void (err += text) }
  const code = await runCommand(KERNEL, ['-c', conf, ...args], output, (asked: KernelArguments) =>
    kernel(asked, output, root.path),
  )
  return { code, out, err }
}

test('prints one ruleset, or two in parts', async () => {
  const nft = await run()
  expect(nft).toMatchObject({ code: 0, err: '' })
  expect(nft.out).toMatch(/^#!\/usr\/sbin\/nft -f\n# Printed by/)
  const four = await run('--format', 'iptables', '--family', '4')
  const six = await run('--format', 'iptables', '--family', '6')
  const both = await run('--format', 'iptables')
  expect(four.out).not.toBe(six.out)
  for (const { out } of [four, six]) expect(both.out).toContain(out)
})

test('doors are refused by name and line, and others done when they are named', async () => {
  writeFileSync(conf, `${DOOR}[web]\nSequence = 47901,20582,31\nCommand = true\n`)
  const all = await run()
  expect(all).toMatchObject({ code: 78, out: '' })
  expect(all.err).toBe(`${conf}:4:1: error: door \`web\` opens by a command, and the kernel cannot run commands
    add for example \`Open_Ports = tcp/22\`, or leave the door to knockd
  the kernel can do other doors: name each with --door NAME
`)
  expect(await run('--door', 'ssh')).toMatchObject({ code: 0, err: '' })
})

test('a config that cannot be used', async () => {
  writeFileSync(conf, '[ssh]\nSequence = 7301,0\nOpen_Ports = tcp/22\n')
  expect(await run()).toMatchObject({ code: 78, out: '' })
})

test.each([
  [['--format', 'ufw'], /--format is nft or iptables/],
  [['--family', '4'], /both families/],
  [['--format', 'iptables', '--family', '5'], /--family is 4 or 6/],
  [['--allow', '80'], /--allow: `80` is not a port\n {2}write `tcp\/80`/],
  [['--allow', 'tcp/80@192.0.2.1'], /ports of this host/],
  [['--door', 'nobody'], /has no door `nobody`/],
  [['--replace'], /belong to --persist/],
  [['--frobnicate'], /unknown option '--frobnicate'/],
])('%s is a mistake of usage', async (args, message) => {
  const ran = await run(...args)
  expect(ran).toMatchObject({ code: 2, out: '' })
  expect(ran.err).toMatch(message)
})

test('firewall itself', async () => {
  let text = ''
  const output = { out: (more: string) => void (text += more), err: (more: string) => void (text += more) }
  expect(await runGroup(FIREWALL, ['--help'], output)).toBe(0)
  expect(text).toContain('kernel')
  expect(await runGroup(FIREWALL, [], output)).toBe(2)
  expect(await runGroup(FIREWALL, ['frobnicate'], output)).toBe(2)
  expect(await runGroup(FIREWALL, ['kernel', '--help'], output)).toBe(0)
  expect(text).toContain('usage: postern firewall kernel')
})

test('nft: a file of our own, and one line in the file of the machine, whose old text is kept', async () => {
  root.put('/etc/nftables.conf', MAIN)
  const dry = await run('--persist', '--dry-run')
  expect(dry).toMatchObject({ code: 0, out: '' })
  expect(dry.err).toContain('\n+include "/etc/postern-kernel.nft"\n')
  expect(readdirSync(root.real('etc'))).toEqual(['nftables.conf'])
  const done = await run('--persist')
  expect(done.code).toBe(0)
  expect(root.read('/etc/postern-kernel.nft')).toBe((await run()).out)
  expect(root.mode('/etc/postern-kernel.nft')).toBe(0o600)
  expect(root.read('/etc/nftables.conf')).toBe(`${MAIN}\ninclude "/etc/postern-kernel.nft"\n`)
  expect(root.read('/etc/nftables.conf.before-postern.1')).toBe(MAIN)
  expect(root.mode('/etc/nftables.conf')).toBe(0o644)
  expect((await run('--persist')).err).toBe('postern: /etc/postern-kernel.nft: already up to date\n')
  await run('--persist', '--allow', 'tcp/80')
  expect(readdirSync(root.real('etc')).toSorted()).toEqual([
    'nftables.conf',
    'nftables.conf.before-postern.1',
    'postern-kernel.nft',
    'postern-kernel.nft.before-postern.1',
  ])
})

test('nft: into the folder whose files the machine includes', async () => {
  const main = `${MAIN}include "/etc/nftables.d/*.nft"\n`
  root.put('/etc/nftables.conf', main)
  mkdirSync(root.real('/etc/nftables.d'))
  expect((await run('--persist')).code).toBe(0)
  expect(root.read('/etc/nftables.d/postern-kernel.nft')).toBe((await run()).out)
  expect(root.read('/etc/nftables.conf')).toBe(main)
})

test('iptables: rules of somebody else stay, unless they are to be replaced, and then as a copy', async () => {
  const theirs = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -p tcp --dport 25 -j ACCEPT\nCOMMIT\n'
  root.put('/etc/iptables/rules.v4', theirs)
  const refused = await run('--persist', '--format', 'iptables')
  expect(refused.code).toBe(1)
  expect(refused.err).toContain('\n--A INPUT -p tcp --dport 25 -j ACCEPT\n')
  expect(refused.err).toContain('nothing is written: /etc/iptables/rules.v4 holds rules that Postern did not write')
  expect(readdirSync(root.real('/etc/iptables'))).toEqual(['rules.v4'])
  expect((await run('--persist', '--format', 'iptables', '--replace')).code).toBe(0)
  expect(root.read('/etc/iptables/rules.v4.before-postern.1')).toBe(theirs)
  for (const family of ['4', '6']) {
    expect(root.read(`/etc/iptables/rules.v${family}`)).toBe(
      (await run('--format', 'iptables', '--family', family)).out,
    )
    expect(root.mode(`/etc/iptables/rules.v${family}`)).toBe(0o600)
  }
  expect((await run('--persist', '--format', 'iptables', '--allow', 'tcp/80')).code).toBe(0)
})

test('places that are not clear', async () => {
  expect(await run('--persist')).toMatchObject({ code: 1, out: '' })
  expect((await run('--persist', '--format', 'iptables')).err).toContain('apt install iptables-persistent')
  root.put('/etc/nftables.conf', MAIN)
  root.put('/etc/sysconfig/nftables.conf', MAIN)
  expect((await run('--persist')).err).toMatch(/both exist\n/)
  root.put('/etc/sysconfig/iptables', '')
  root.put('/etc/iptables/rules.v4', '')
  expect((await run('--persist', '--format', 'iptables')).err).toMatch(/are both places for rules\n/)
})

test('a link is not followed', async () => {
  root.put('/etc/elsewhere', '')
  mkdirSync(root.real('/etc/iptables'))
  symlinkSync('../elsewhere', root.real('/etc/iptables/rules.v4'))
  expect(await run('--persist', '--format', 'iptables')).toMatchObject({ code: 1 })
  expect(root.read('/etc/elsewhere')).toBe('')
})

test('says how to have them loaded, where nothing does yet', async () => {
  root.put('/etc/nftables.conf', MAIN)
  mkdirSync(root.real('/etc/systemd/system/sysinit.target.wants'), { recursive: true })
  expect((await run('--persist')).err).toContain('systemctl enable nftables\n')
  root.put('/etc/systemd/system/sysinit.target.wants/nftables.service', '')
  expect((await run('--persist', '--allow', 'tcp/80')).err).not.toContain('systemctl enable')
})
