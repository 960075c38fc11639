// Goal: on a live machine each thing that bites is found, and is gone once the command that comes with it has run.
import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hidePort, nft } from './firewall.ts'
import { PROJECT, program, startKnockd, startRealKnockd } from './knockd.ts'
import { lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { scratch, writeConfig } from './scratch.ts'
import { serveTcp } from './service.ts'

interface Found {
  readonly subject: string
  readonly message: string
  readonly fix?: string
}

const config = (lines: string): string => `[options]
StateDir = ${scratch('state')}
Interface = eth0
[ssh]
Sequence = 9301,5401,7822
${lines}
`
const COMMANDS = `Start_Command = /usr/sbin/iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
Stop_Command = /usr/sbin/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT`

async function doctor(host: Host, file: string): Promise<readonly Found[]> {
  const argv = [process.execPath, program('postern'), 'doctor', '--json', '-c', file]
  const { stdout, stderr } = await host.run(argv, { mayFail: true })
  expect(stderr).toBe('')
  return (JSON.parse(stdout) as { findings: readonly Found[] }).findings
}

const about = (findings: readonly Found[], subject: string): readonly Found[] =>
  findings.filter((each) => each.subject === subject)

/**
 * What there must be found, once; then its fix is run on the host, and it must be gone.
 *
 * @param found what was found just before, where that is known
 * @returns what is found then
 */
async function fixed(host: Host, file: string, subject: string, found?: readonly Found[]): Promise<readonly Found[]> {
  const before = about(found ?? (await doctor(host, file)), subject)
  expect(before.map(({ message }) => message)).toHaveLength(1)
  await host.run(['sh', '-c', before[0]!.fix!])
  const after = await doctor(host, file)
  expect(about(after, subject)).toEqual([])
  return after
}

lab('doctor', () => {
  test('ports that are open without a knock, over IPv6 alone too; and sessions that would die', async () => {
    const { server } = await pair()
    await serveTcp(server, 22)
    const file = writeConfig(config(COMMANDS))
    await server.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'DROP'])
    const findings = await doctor(server, file)
    expect(about(findings, 'open over IPv4')).toEqual([])
    expect(about(findings, 'established').map(({ message }) => message)).toEqual([
      expect.stringMatching(/^iptables refuses .* a session dies when its door shuts$/),
    ])
    const [open] = about(await fixed(server, file, 'established', findings), 'open over IPv6')
    await server.run(['sh', '-c', open!.fix!])
    const daemon = server.start([process.execPath, program('knockd'), '-v', '-c', file])
    await daemon.line(/listening on/)
    expect(about(await doctor(server, file), 'open over IPv6')).toEqual([])
  })

  test('a door for a port at which nothing listens, and one that the own firewall keeps shut', async () => {
    const { server } = await pair()
    await serveTcp(server, 2222)
    await server.run(['iptables', '-P', 'INPUT', 'DROP'])
    const wrong = await doctor(server, writeConfig(config('Open_Ports = udp/22')))
    expect(about(wrong, 'service').map(({ message }) => message)).toEqual([
      expect.stringMatching(/no program listens at udp\/22, which it opens; programs listen at tcp\/2222$/),
    ])
    expect(about(wrong, 'shut over IPv4')[0]!.fix).toBe('iptables -A INPUT -p udp --dport 22 -j ACCEPT')
    expect(about(wrong, 'shut over IPv6')).toEqual([])
    const right = await doctor(server, writeConfig(config('Open_Ports = tcp/2222')))
    expect(about(right, 'service')).toEqual([])
  })

  test('a port that is redirected is tried where it is answered', async () => {
    const { server } = await pair()
    await serveTcp(server, 2222)
    await nft(
      server,
      'table inet n { chain p { type nat hook prerouting priority dstnat; tcp dport 8022 redirect to :2222; }; }',
    )
    const findings = await doctor(server, writeConfig(config('Open_Ports = tcp/8022')))
    for (const subject of ['service', 'shut over IPv4', 'shut over IPv6']) expect(about(findings, subject)).toEqual([])
  })

  test('a guarded port is hidden as soon as the daemon runs, which it then finds well', async () => {
    const { server } = await pair()
    await serveTcp(server, 22)
    const text = config('Open_Ports = tcp/22')
    const file = writeConfig(text)
    const before = await doctor(server, file)
    expect(about(before, 'knockd')).toHaveLength(1)
    expect(about(before, 'open over IPv4')[0]!.fix).toBe(`sudo knockd -d -c ${file}`)
    const daemon = await startKnockd({ host: server, config: text })
    const after = await doctor(server, daemon.file)
    for (const subject of ['knockd', 'another knockd', 'open over IPv4', 'open over IPv6', 'capture', 'library']) {
      expect(about(after, subject)).toEqual([])
    }
  })

  test('another knockd: the real one', async () => {
    const { server } = await pair()
    const text = config(COMMANDS)
    const daemon = await startKnockd({ host: server, config: text })
    const theirs = await startRealKnockd({ host: server, config: '[x]\nsequence = 1,2\ncommand = true\n' })
    const [found, ...more] = about(await doctor(server, daemon.file), 'another knockd')
    expect(more).toEqual([])
    expect(found!.message).toContain(`process ${theirs.pid} (\`/usr/sbin/knockd`)
    await server.run(['sh', '-c', found!.fix!])
    await theirs.ended
    expect(about(await doctor(server, daemon.file), 'another knockd')).toEqual([])
  })

  test('an interface that is down, and one without an address', async () => {
    const { server } = await pair()
    await hidePort(server, 22)
    const file = writeConfig(config(COMMANDS))
    expect(about(await doctor(server, file), 'interface')).toEqual([])
    await server.ip('link set eth0 down')
    await fixed(server, file, 'interface')
    await server.ip('addr flush dev eth0')
    expect(about(await doctor(server, file), 'interface')[0]!.message).toMatch(/eth0 has no address/)
    await server.ip('link set eth0 name wan0')
    expect(about(await doctor(server, file), 'interface')[0]!.message).toMatch(/eth0: no such interface.*wan0/)
  })

  test('a program on a knock port, a file that others can read, a program that is not there', async () => {
    const { server } = await pair()
    const file = writeConfig(config(COMMANDS.replaceAll('/usr/sbin/', '/nowhere/')))
    expect(about(await doctor(server, file), 'listening')).toEqual([])
    await serveTcp(server, 5401)
    expect(about(await doctor(server, file), 'listening')[0]!.message).toMatch(/knock 2 is at a tcp port/)
    chmodSync(file, 0o644)
    await fixed(server, file, 'program', await fixed(server, file, 'permissions'))
    expect(execFileSync('cat', [file], { encoding: 'utf8' })).toContain('/usr/sbin/iptables -I')
  })

  test('a daemon that runs from where somebody else can write', async () => {
    const { server } = await pair()
    const folder = scratch('theirs')
    for (const name of ['dist', 'package.json']) cpSync(join(PROJECT, name), join(folder, name), { recursive: true })
    symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
    const file = writeConfig(config(COMMANDS))
    await hidePort(server, 22)
    const daemon = server.start([process.execPath, join(folder, 'dist/bin/knockd.js'), '-v', '-c', file])
    await daemon.line(/listening on/)
    const before = new Set(about(await doctor(server, file), 'installation').map(({ message }) => message))
    chownSync(join(folder, 'dist'), 65_534, 65_534)
    const found = about(await doctor(server, file), 'installation').filter(({ message }) => !before.has(message))
    expect(found).toEqual([
      expect.objectContaining({
        message: `root runs what is at ${folder}/dist, and nobody can change it (mode 755)`,
        fix: expect.stringContaining(`--pack-destination /root ${folder} && npm install -g --ignore-scripts `),
      }),
    ])
    chownSync(join(folder, 'dist'), 0, 0)
    chmodSync(join(folder, 'dist/bin'), 0o777)
    const loose = about(await doctor(server, file), 'installation').filter(({ message }) => !before.has(message))
    expect(loose.map(({ fix }) => fix)).toEqual([`chmod go-w ${folder}/dist/bin`])
    await daemon.stop()
  })

  test('the rules are what they were, and a config that is no good changes nothing', async () => {
    const { server } = await pair()
    await hidePort(server, 22)
    const rules = async (): Promise<string> => (await server.run(['nft', '-s', 'list', 'ruleset'])).stdout
    const before = await rules()
    await doctor(server, writeConfig(config(COMMANDS)))
    const bad = writeConfig('[ssh]\nSequence = 1,99999\nOpen_Ports = tcp/22\n')
    const { code, stderr } = await server.run([process.execPath, program('postern'), 'doctor', '-c', bad], {
      mayFail: true,
    })
    expect([code, stderr]).toEqual([78, expect.stringMatching(/:2:14: error: /)])
    expect(await rules()).toBe(before)
  })
})
