// Goal: an operator opens and closes doors of a running daemon by hand and sees how it is doing; nobody else does.
import { writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { socketPath } from '../../src/control/socket.ts'
import type { Status } from '../../src/control/message.ts'
import { connected } from './base-rules.ts'
import { program, startKnockd, withStateDir } from './knockd.ts'
import { CLIENT_4, CLIENT_6, SERVER_4, SERVER_6, lab, pair } from './net.ts'
import type { Host } from './net.ts'
import { until } from './process.ts'
import type { Output } from './process.ts'
import { scratch } from './scratch.ts'
import { probe, sendKnocks, serveTcp } from './service.ts'
import { asTyped } from './ssh-session.ts'

const CONFIG = (notes: string): string => `[options]
Always_Allow = 203.0.113.0/24
[ssh]
Sequence = 4021,811,3010
Open_Ports = tcp/22
Open_For = 30s
[file]
Sequence = 4021,812,3010
Start_Command = echo open %IP% >> ${notes}
Stop_Command = echo close %IP% >> ${notes}
Cmd_Timeout = 600
`

async function postern(host: Host, file: string, ...args: readonly string[]): Promise<Output> {
  return host.run([process.execPath, program('postern'), ...args, '-c', file], { mayFail: true })
}

lab('by hand', () => {
  test('open, status, close', async () => {
    const { server, client } = await pair()
    await serveTcp(server, 22)
    const daemon = await startKnockd({ host: server, config: CONFIG(scratch('notes')) })
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    expect((await postern(server, daemon.file, 'open', 'ssh', '--for', '10m', '--source', CLIENT_4)).stdout).toBe(
      `ssh is open to ${CLIENT_4} for 600 s\n`,
    )
    expect(await probe(client, SERVER_4, 22)).toBe('open')
    expect(await probe(client, SERVER_6, 22)).toBe('refused')
    // As sudo has it: only a process above knows of the ssh connection.
    const withoutIt = ['/bin/sh', '-c', 'env -u SSH_CONNECTION "$@"; exit $?', 'sh']
    const opening = [...withoutIt, process.execPath, program('postern'), 'open', 'ssh', '-c', daemon.file]
    const bySudo = async (connection: string): Promise<Output> =>
      server.run(asTyped(connection, opening), { mayFail: true })
    expect((await bySudo(await connected(client, 22))).stdout).toMatch(new RegExp(`^ssh is open to ${CLIENT_4} `))
    const stale = await bySudo(`${CLIENT_4} 9 ${SERVER_4} 22`)
    expect([stale.code, stale.stdout, stale.stderr]).toEqual([
      1,
      '',
      `postern: SSH_CONNECTION names ${CLIENT_4}, but that connection has ended\n  postern open ssh --source ADDRESS\n`,
    ])
    await postern(server, daemon.file, 'open', 'ssh', '--source', CLIENT_6)
    expect(await probe(client, SERVER_6, 22)).toBe('open')
    await postern(server, daemon.file, 'open', 'file', '--source', CLIENT_4)
    await daemon.process.line(/running command: echo open/)
    await sendKnocks(client, SERVER_4, ['4021'])
    await daemon.process.line(/Stage 1/)

    const told = JSON.parse((await postern(server, daemon.file, 'status', '--json')).stdout) as Status
    expect(told.openings.map(({ door, source, services }) => [door, source, services])).toEqual([
      ['ssh', CLIENT_4, ['tcp/22']],
      ['ssh', CLIENT_6, ['tcp/22']],
      ['file', CLIENT_4, []],
    ])
    expect(told.openings[0]!.leftMs).toBeGreaterThan(500_000)
    expect(told.attempts).toMatchObject({ count: 1, listed: [{ source: CLIENT_4, doors: ['ssh', 'file'], stage: 1 }] })
    expect(told.guard).toMatchObject({ services: ['tcp/22'], hideWith: 'match', alwaysAllow: ['203.0.113.0/24'] })
    expect(told.guard!.hidden).toBeGreaterThan(0)
    expect(told.interfaces[0]).toMatchObject({ name: 'eth0', dropped: 0 })
    expect(told.interfaces[0]!.received).toBeGreaterThan(0)
    const text = (await postern(server, daemon.file, 'status')).stdout
    expect(text).toMatch(/^ {2}ssh +sequence +tcp\/22 +30s$/m)
    expect(text).toMatch(new RegExp(`^ {2}ssh +${CLIENT_4} +tcp/22 +(10m|9m [0-9]+s)`, 'm'))

    expect((await postern(server, daemon.file, 'close', '--source', CLIENT_4)).stdout).toBe('2 closed\n')
    await daemon.process.line(/running command: echo close/)
    expect(await probe(client, SERVER_4, 22)).toBe('refused')
    expect(await probe(client, SERVER_6, 22)).toBe('open')
    expect((await postern(server, daemon.file, 'close', '--all')).stdout).toBe('1 closed\n')
    expect(await probe(client, SERVER_6, 22)).toBe('refused')
  })

  test('what cannot be is said', async () => {
    const { server } = await pair()
    const daemon = await startKnockd({ host: server, config: CONFIG(scratch('notes')) })
    const said = async (...args: readonly string[]): Promise<string> => {
      const { code, stderr } = await postern(server, daemon.file, ...args)
      return `${code} ${stderr.split('\n')[0]}`
    }
    expect(await said('open', 'shh', '--source', CLIENT_4)).toBe('1 postern: there is no door shh')
    expect(await said('open', 'ssh', '--source', 'home')).toBe('1 postern: home is not an address')
    expect(await said('open', 'ssh', '--source', CLIENT_4, '--for', 'ever')).toBe(
      '2 postern: --for: ever is not a time',
    )
    expect(await said('close')).toBe('2 postern: missing DOOR, --source or --all')
    await daemon.process.stop()
    expect(await said('status')).toBe(`1 postern: knockd is not running with ${daemon.file}`)
  })

  test('only root may ask, unless a group is named', async () => {
    const { server } = await pair()
    const config = CONFIG(scratch('notes'))
    const daemon = await startKnockd({ host: server, config })
    const connect = `require('node:net').connect(process.argv[1], () => { console.log('in'); process.exit() })
      .on('error', (error) => console.log(error.code))`
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', process.execPath, '-e', connect]
    const asked = async (): Promise<string> =>
      (await server.run([...nobody, socketPath(daemon.file, ['eth0'])])).stdout.trim()
    expect(await asked()).toBe('EACCES')
    writeFileSync(
      daemon.file,
      withStateDir(config.replace('[options]', '[options]\nControl_Group = nogroup'), daemon.stateDir),
    )
    daemon.process.kill('SIGHUP')
    await until('the group is let in', async () => (await asked()) === 'in')
    writeFileSync(daemon.file, withStateDir(config, daemon.stateDir))
    daemon.process.kill('SIGHUP')
    await until('the group is kept out', async () => (await asked()) === 'EACCES')
  })
})
