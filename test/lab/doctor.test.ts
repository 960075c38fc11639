// Goal: on a live machine each thing that bites is found, and is gone once the command that comes with it has run.
import { chmodSync, chownSync, cpSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hidePort, nft } from './firewall.ts'
import { PROJECT, program, startRealKnockd } from './knockd.ts'
import { lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { scratch, writeConfig } from './scratch.ts'
import { serveTcp } from './service.ts'

interface Found {
  readonly subject: string
  readonly message: string
  readonly fix?: string
}

/** A door for a port that is open over IPv6; for ports that the daemon hides, one of them sent on; and for one that nobody serves. */
const CONFIG = (stateDir: string): string => `[options]
StateDir = ${stateDir}
Interface = eth0, down0, bare0, gone0
[ssh]
Sequence = 9301,5401,7822
Start_Command = /nowhere/iptables -I INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
Stop_Command = /nowhere/iptables -D INPUT -s %IP% -p tcp --dport 22 -j ACCEPT
[hidden]
Sequence = 9302,5402,7823
Open_Ports = tcp/2222
[redirected]
Sequence = 9303,5403,7824
Open_Ports = tcp/8022
[unserved]
Sequence = 9304,5404,7825
Open_Ports = udp/22
`
const REDIRECTED =
  'table inet n { chain p { type nat hook prerouting priority dstnat; tcp dport 8022 redirect to :2222; }; }'

async function doctor(host: Host, file: string): Promise<readonly Found[]> {
  const argv = [process.execPath, program('postern'), 'doctor', '--json', '-c', file]
  const { stdout, stderr } = await host.run(argv, { mayFail: true })
  expect(stderr).toBe('')
  return (JSON.parse(stdout) as { findings: readonly Found[] }).findings
}

const rulesOf = async (host: Host): Promise<string> => (await host.run(['nft', '-s', 'list', 'ruleset'])).stdout

const about = (findings: readonly Found[], subject: string): readonly Found[] =>
  findings.filter((each) => each.subject === subject)

/** Copies this installation to where others could be given it. */
function copied(): string {
  const folder = scratch('theirs')
  for (const name of ['dist', 'package.json']) cpSync(join(PROJECT, name), join(folder, name), { recursive: true })
  symlinkSync(join(PROJECT, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

lab('doctor', { concurrent: true }, () => {
  test('finds everything that is wrong, and nothing of it once the commands were typed and the daemon runs', async () => {
    const { server } = await pair()
    for (const port of [22, 2222, 5401]) await serveTcp(server, port)
    await server.run(['iptables', '-A', 'INPUT', '-p', 'tcp', '--dport', '22', '-j', 'DROP'])
    await nft(server, REDIRECTED)
    await server.ip('link add bare0 type veth peer name down0')
    await server.ip('link set bare0 up')
    await server.sysctl('net.ipv6.conf.bare0.disable_ipv6', 1)
    const theirs = await startRealKnockd({ host: server, config: '[x]\nsequence = 1,2\ncommand = true\n' })
    const file = writeConfig(CONFIG(scratch('state')))
    chmodSync(file, 0o644)
    const rules = await rulesOf(server)

    const found = await doctor(server, file)
    expect(await rulesOf(server)).toBe(rules)
    const fixOf = (subject: string, message: RegExp): string => {
      const fitting = about(found, subject).filter((each) => message.test(each.message))
      expect(fitting, `${subject}: ${message} among ${JSON.stringify(found)}`).toHaveLength(1)
      return fitting[0]!.fix ?? ''
    }
    const fixes = [
      fixOf('established', /^iptables refuses .* a session dies when its door shuts$/),
      fixOf('open over IPv6', /^tcp\/22 is open to everybody /),
      fixOf('program', /\/nowhere\/iptables/),
      fixOf('permissions', /knockd\.conf/),
      fixOf('interface', /^down0 is down/),
      fixOf('another knockd', new RegExp(`process ${theirs.pid} \\(\`/usr/sbin/knockd`)),
    ]
    expect(about(found, 'open over IPv4').map(({ message, fix }) => [message.split(' ')[0], fix])).toEqual(
      ['tcp/2222', 'tcp/8022', 'udp/22'].map((port) => [port, `sudo knockd -d -c ${file}`]),
    )
    expect(about(found, 'knockd')).toHaveLength(1)
    fixOf('interface', /^bare0 has no address/)
    fixOf('interface', /^gone0: no such interface.*bare0/)
    fixOf('service', /no program listens at udp\/22, which it opens; programs listen at tcp\/22, tcp\/2222/)
    fixOf('listening', /knock 2 is at a tcp port/)
    expect([about(found, 'service'), about(found, 'listening')].map(({ length }) => length)).toEqual([1, 1])

    for (const fix of fixes) await server.run(['sh', '-c', fix])
    await theirs.ended
    const folder = copied()
    const daemon = server.start([process.execPath, join(folder, 'dist/bin/knockd.js'), '-v', '-c', file])
    await daemon.line(/listening on/)
    // The daemon runs from where somebody else can write.
    chownSync(join(folder, 'dist/bin'), 65_534, 65_534)
    const after = await doctor(server, file)
    const gone = [
      'established',
      'open over IPv4',
      'open over IPv6',
      'program',
      'permissions',
      'knockd',
      'another knockd',
    ]
    for (const subject of [...gone, 'capture', 'library']) expect(about(after, subject)).toEqual([])
    expect(about(after, 'interface').map(({ message }) => message.split(/[: ]/)[0])).not.toContain('eth0')
    expect(after.map(({ message }) => message).join('\n')).not.toMatch(/down0 is down/)

    expect(about(after, 'installation').filter(({ message }) => message.includes(folder))).toEqual([
      expect.objectContaining({
        message: `root runs what is at ${folder}/dist/bin, and nobody can change it (mode 755)`,
        fix: expect.stringContaining(`--pack-destination /root ${folder} && npm install -g --ignore-scripts `),
      }),
    ])
    await daemon.stop()
  })

  test('a config that is no good changes nothing', async () => {
    const { server } = await pair()
    await hidePort(server, 22)
    const before = await rulesOf(server)
    const bad = writeConfig('[ssh]\nSequence = 1,99999\nOpen_Ports = tcp/22\n')
    const { code, stderr } = await server.run([process.execPath, program('postern'), 'doctor', '-c', bad], {
      mayFail: true,
    })
    expect([code, stderr]).toEqual([78, expect.stringMatching(/:2:14: error: /)])
    expect(await rulesOf(server)).toBe(before)
  })
})
