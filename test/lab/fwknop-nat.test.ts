// Goal: what a key has sent on is what door, key and request all allow: nothing where the door does not say Forward_To,
// no other port of this machine by whatever address, and nobody else's connections.
import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FWKNOP_ARGS, HMAC, KEY, STANZA, fwknop, fwknopConfig, openings, secretFile } from './fwknop.ts'
import { knock, program } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link } from './net.ts'
import { postern } from './guarded.ts'
import { SharedDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { greeting, serveTcp } from './service.ts'

/** Another address of the client's, which stands for somebody else. */
const OTHER_4 = '192.0.2.99'
/** Another address of the server's. */
const SECOND_4 = '203.0.113.9'

const shared = new SharedDaemon(FWKNOP_ARGS)
let running: Process | undefined

const start = async (...words: Parameters<typeof fwknopConfig>): Promise<Knockd> => {
  const { daemon } = await shared.reload(fwknopConfig(...words))
  running = daemon.process
  return daemon
}

/** A server with a database at 3306 that nobody is to reach, and something at 22 and 8080. */
const scene = async (): Promise<{ readonly server: Host; readonly client: Host }> => {
  const { server, client } = await shared.network()
  await server.ip(`addr replace ${SECOND_4}/32 dev lo`)
  await client.ip(`addr replace ${OTHER_4}/24 dev eth0`)
  for (const [port, text] of [
    [22, 'ssh'],
    [8080, 'web'],
    [3306, 'database'],
  ] as const) {
    await serveTcp(server, port, text)
  }
  return { server, client }
}

/** What the client meets at 22 from its own address once the packet has been judged. */
const met = async (client: Host, from = CLIENT_4): Promise<string> => await greeting(client, SERVER_4, 22, from)

lab('NAT in packets of fwknop', () => {
  test('reaches no hidden port of this machine through keys alone', async () => {
    const { client } = await scene()
    const keys = secretFile('keys', `KEY_BASE64: ${KEY}\nHMAC_KEY_BASE64: ${HMAC}\n`)
    const config = `[options]\nGuard = tcp/3306\n[ssh]\nSPA = fwknop\nFwknop_Keys = ${keys}\nOpen_Ports = tcp/22\n`
    running = (await shared.reload(config)).daemon.process
    await fwknop(client, ['-A', 'tcp/22', '--nat-local', '-N', '127.0.0.1:3306'])
    expect(await running.line(/OPEN|Forward_To/)).toMatch(/Forward_To/)
    expect(await met(client)).toBe('')
    // Nor by another address, nor for somebody else.
    await start(`${STANZA}OPEN_PORTS tcp/22\n`, ['Open_Ports = tcp/22'])
    await fwknop(client, ['-A', 'tcp/22', '-N', `${SECOND_4}:3306`])
    expect(await running.line(/OPEN|Forward_To|OPEN_PORTS/)).toMatch(/Forward_To/)
    expect(await met(client)).toBe('')
    await fwknop(client, ['-a', OTHER_4, '-A', 'tcp/22', '--nat-local', '-N', `${SERVER_4}:3306`])
    expect(await running.line(/OPEN|Forward_To|OPEN_PORTS|its own source/)).not.toMatch(/OPEN/)
    expect(await met(client, OTHER_4)).toBe('')
    await fwknop(client, ['-A', 'tcp/22'])
    await until('ssh', async () => (await met(client)) === 'ssh')
  })

  test('reaches no other port at another address of this machine, also one that came later', async () => {
    const { server, client } = await scene()
    await start(`${STANZA}OPEN_PORTS tcp/22,tcp/8080\n`, [
      'Open_Ports = tcp/22',
      `Forward_To = tcp/8080, tcp/8080@198.51.100.7, tcp/8080@${SECOND_4}`,
    ])
    const refused = async (target: string, why: RegExp, nat = ['-N']): Promise<void> => {
      await fwknop(client, ['-A', 'tcp/22', ...nat, target])
      expect(await running!.line(/OPEN SESAME|forwarding target/), target).toMatch(why)
      expect(await met(client), target).toBe('')
    }
    await refused(`${SECOND_4}:3306`, /tcp\/3306 is not in OPEN_PORTS/)
    await start(STANZA, ['Open_Ports = tcp/22', `Forward_To = tcp/8080, tcp/8080@198.51.100.7, tcp/3306@${SECOND_4}`])
    // All of these are this machine, whatever the door lists by an address.
    await refused(`${SECOND_4}:3306`, /tcp\/3306 is not in Forward_To/)
    await refused('127.1.2.3:3306', /tcp\/3306 is not in Forward_To/)
    await refused('192.0.2.255:3306', /tcp\/3306 is not in Forward_To/)
    await refused('255.255.255.255:3306', /tcp\/3306 is not in Forward_To/)
    await refused('127.0.0.1:3306', /tcp\/3306 is not in Forward_To/, ['--nat-local', '-N'])
    await refused('198.51.100.7:3306', /tcp\/3306@198\.51\.100\.7 is not in Forward_To/)
    await server.address('lo', '198.51.100.7/32')
    await until('the address to be known', async () => {
      await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:3306'])
      return (await running!.line(/is not in Forward_To/)).includes('tcp/3306 is not')
    })
    await server.ip('addr del 198.51.100.7/32 dev lo')
  }, 120_000)

  test('sends nobody on but the sender', async () => {
    const { client } = await scene()
    await start(STANZA, ['Open_Ports = tcp/22', 'Forward_To = tcp/8080'])
    await fwknop(client, ['-a', OTHER_4, '-A', 'tcp/22', '--nat-local', '-N', `${SERVER_4}:8080`])
    expect(await running!.line(/OPEN SESAME|forwarded/)).toMatch(/only connections from its own source/)
    expect(await met(client, OTHER_4)).toBe('')
    await fwknop(client, ['-A', 'tcp/22', '--nat-local', '-N', `${SERVER_4}:8080`])
    await until('the own port', async () => (await met(client)) === 'web')
    expect(await met(client, OTHER_4)).toBe('')
  })

  test('is done where door, key and request agree; ends with the door’s line, and when the address becomes this one’s', async () => {
    const { server, client } = await scene()
    const behind = await Host.make('behind')
    await link(
      { host: server, device: 'eth1', addresses: ['198.51.100.1/24'] },
      { host: behind, addresses: ['198.51.100.7/24'] },
    )
    await behind.ip('route add default via 198.51.100.1')
    await server.sysctl('net.ipv4.ip_forward', 1)
    await serveTcp(behind, 2222, 'behind')
    await serveTcp(server, 2222, 'not behind')
    const door = ['Open_Ports = tcp/22', 'Widen = /24', 'Forward_To = tcp/2222@198.51.100.7']
    const daemon = await start(STANZA, door)
    await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:2222', '-f', '300'])
    await until('the host behind', async () => (await met(client)) === 'behind')
    expect(await openings(server, daemon)).toMatchObject([{ source: CLIENT_4, forward: '198.51.100.7:2222' }])
    expect((await postern(server, daemon, 'status')).stdout).toMatch(/tcp\/22, sent on to 198\.51\.100\.7:2222/)
    // Whom the door is widened for is neither sent on nor let in to the port in front.
    expect(await met(client, OTHER_4)).toBe('')
    // What is sent on for the client goes to this machine alone: what it sends through it stays as it is.
    await client.ip('route add 198.51.100.0/24 via 192.0.2.1')
    await serveTcp(behind, 22, 'behind, itself')
    expect(await greeting(client, '198.51.100.7', 22)).toBe('behind, itself')
    await server.address('eth1', '198.51.100.7/32')
    await until('the end of it', async () => (await openings(server, daemon)).length === 0)
    expect(await met(client)).toBe('')
    await server.ip('addr del 198.51.100.7/32 dev eth1')
    await until('the host behind again', async () => {
      await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:2222', '-f', '300'])
      return (await met(client)) === 'behind'
    })
    writeFileSync(daemon.file, readFileSync(daemon.file, 'utf8').replace(/Forward_To.*\n/, ''))
    running!.kill('SIGHUP')
    await until('the end by reload', async () => (await openings(server, daemon)).length === 0)
    expect(await met(client)).toBe('')
  }, 120_000)

  test('never reaches this machine by an address that was somebody else’s, not even before the daemon knows', async () => {
    const { server, client } = await scene()
    await server.sysctl('net.ipv4.ip_forward', 1)
    const daemon = await start(STANZA, ['Open_Ports = tcp/22', 'Forward_To = tcp/3306@198.51.100.7'])
    await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:3306'])
    await until('the opening', async () => (await openings(server, daemon)).length === 1)
    // A route makes it local without an address on any interface.
    await server.ip('route add local 198.51.100.0/24 dev lo')
    expect(await met(client)).toBe('')
    await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:3306', '-p', '5555'])
    expect(await met(client)).toBe('')
    await server.ip('route del local 198.51.100.0/24 dev lo')
  })

  test('works over IPv6, and not from one family to the other', async () => {
    const { client } = await scene()
    await start(STANZA, ['Open_Ports = tcp/22', 'Forward_To = tcp/8080, tcp/22@2001:db8:1::7'])
    const rc = secretFile(
      'fwknoprc',
      `[gate]\nSPA_SERVER ${SERVER_6}\nACCESS tcp/22\nKEY_BASE64 ${KEY}\nHMAC_KEY_BASE64 ${HMAC}\nUSE_HMAC Y\n`,
    )
    const ask = async (...words: readonly string[]): Promise<void> => {
      const { code, stderr } = await knock(client, ['--spa', 'fwknop', '--rc-file', rc, '-n', 'gate', ...words])
      expect([code, stderr]).toEqual([0, ''])
    }
    await ask('--nat-local', '-N', '127.0.0.1:8080')
    await running!.line(/OPEN SESAME/)
    await until('the own port', async () => (await greeting(client, SERVER_6, 22, CLIENT_6)) === 'web')
    await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:22'])
    expect(await running!.line(/OPEN SESAME|forwarding target/)).toMatch(/tcp\/22@198\.51\.100\.7 is not in Forward_To/)
  })

  test('FORCE_NAT too needs the door to say so, and check says what the config allows', async () => {
    const { server, client } = await scene()
    const access = `${STANZA}OPEN_PORTS tcp/22\nFORCE_NAT ${SERVER_4} 3306\n`
    let daemon = await start(access, ['Open_Ports = tcp/22'])
    await fwknop(client, ['-A', 'tcp/22'])
    expect(await running!.line(/OPEN SESAME|Forward_To/)).toMatch(/Forward_To/)
    expect(await met(client)).toBe('')
    // On that host: it depends on its addresses.
    const check = async (): Promise<string> =>
      (await server.run([process.execPath, program('postern'), 'check', daemon.file])).stdout
    const before = await check()
    expect(before).toMatch(/access\.conf:5:1: warning: .*FORCE_NAT.*\n +add `Forward_To = tcp\/3306` to the door/)
    expect(before).toMatch(/door fw, .*access\.conf:1: opens tcp\/22; forwards to nothing; runs nothing\n/)
    daemon = await start(access, ['Open_Ports = tcp/22', 'Forward_To = tcp/3306'])
    await fwknop(client, ['-A', 'tcp/22'])
    await until('the forced port', async () => (await met(client)) === 'database')
    const after = await check()
    expect(after).toMatch(/access\.conf:1: opens tcp\/22; forwards to tcp\/3306; runs nothing\n/)
    expect(after).not.toMatch(/FORCE_NAT/)
  })
})
