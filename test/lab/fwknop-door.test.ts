// Goal: whoever comes from fwknop keeps client, keys and access.conf: packets of the real fwknop open our doors, with every
// kind of key, and IPv6 too; what its stanza does not allow, or came before, does not.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FWKNOP_ARGS, HMAC, STANZA, fwknop, fwknopConfig, lines, openings } from './fwknop.ts'
import { knock } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, CLIENT_6, Host, SERVER_4, SERVER_6, lab, link } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import { until } from './process.ts'
import type { Process } from './process.ts'
import { scratch } from './scratch.ts'
import { greeting, probe, serveTcp } from './service.ts'
import { playing, recordedOf } from './recorded.ts'

/** How often a packet is played back at a time. */
const LOOPS = 1_000
const shared = new SharedDaemon(FWKNOP_ARGS)
let running: Process | undefined

const begin = async (config: string): Promise<Knockd> => {
  const { daemon } = await shared.reload(config)
  running = daemon.process
  return daemon
}
const start = async (...words: Parameters<typeof fwknopConfig>): Promise<Knockd> => await begin(fwknopConfig(...words))

const keyOf = (byte: number, length = 32): string => Buffer.alloc(length, byte).toString('base64')

const gpg = (home: string, words: readonly string[], input = ''): string =>
  execFileSync(
    'gpg',
    ['--homedir', home, '--batch', '--quiet', '--pinentry-mode', 'loopback', '--passphrase', '', ...words],
    {
      encoding: 'utf8',
      input,
      stdio: ['pipe', 'pipe', 'ignore'],
    },
  )

lab('the real fwknop client', () => {
  test('opens what its stanza has: all kinds of keys, one after the other', async () => {
    const { client } = await shared.network()
    const kinds = ['md5', 'sha1', 'sha256', 'sha384', 'sha512'].map((digest, index) => ({
      stanza: `SOURCE ANY\nKEY_BASE64 ${keyOf(20 + index)}\nHMAC_KEY_BASE64 ${keyOf(40 + index, 64)}\nHMAC_DIGEST_TYPE ${digest}\n`,
      words: [
        '--key-base64-rijndael',
        keyOf(20 + index),
        '--key-base64-hmac',
        keyOf(40 + index, 64),
        '--hmac-digest-type',
        digest,
      ],
    }))
    const plain = {
      stanza: `SOURCE 192.0.2.0/24\nKEY_BASE64 ${keyOf(60)}\nOPEN_PORTS tcp/22,udp/53\n`,
      words: ['--key-base64-rijndael', keyOf(60)],
    }
    const all = [...kinds, plain]
    const notes = scratch('notes')
    const daemon = await start(all.map(({ stanza }) => stanza).join(''), [
      `Start_Command = echo $POSTERN_CLAIMED_USER %IP% >> ${notes}`,
    ])
    for (const [index, { words }] of all.entries()) {
      await fwknop(client, ['-A', 'tcp/22', '--spoof-user', `user${index}`], words)
      expect(await daemon.process.line(/OPEN/)).toMatch(
        new RegExp(`^${CLIENT_4}: fw: OPEN SESAME \\(.*access\\.conf:[0-9]+, claims to be user${index}\\)$`),
      )
    }
    for (const digest of ['md5', 'sha1', 'sha256', 'sha384', 'sha512']) {
      await fwknop(client, ['-A', 'tcp/22', '-m', digest, '--spoof-user', digest], plain.words)
      expect(await daemon.process.line(/OPEN/)).toMatch(new RegExp(`claims to be ${digest}\\)$`))
    }
    await until('all notes', () => lines(notes).length === all.length + 5)
  }, 120_000)

  test('opens ports of the guard, for the time it says, and no others; without a socket', async () => {
    const { server, client } = await shared.network()
    const services = [await serveTcp(server, 22), await serveTcp(server, 80)]
    const daemon = await start(`${STANZA}OPEN_PORTS tcp/22\nFW_ACCESS_TIMEOUT 40\n`, ['Open_Ports = tcp/22, tcp/80'])
    expect((await server.run(['ss', '-Hlnup'])).stdout).toBe('')
    await fwknop(client, ['-A', 'tcp/22'])
    await until('ssh to be open', async () => (await probe(client, SERVER_4, 22)) === 'open')
    expect(await probe(client, SERVER_4, 80)).not.toBe('open')
    const [one] = await openings(server, daemon)
    expect(one).toMatchObject({ source: CLIENT_4, services: ['tcp/22'] })
    expect(one!.leftMs).toBeGreaterThan(30_000)
    expect(one!.leftMs).toBeLessThanOrEqual(40_000)
    await fwknop(client, ['-A', 'tcp/80'])
    await running!.line(/tcp\/80 is not in OPEN_PORTS/)
    // Another port of the UDP kind, and the client's own time.
    await fwknop(client, ['-A', 'tcp/22', '-f', '300', '-p', '5353'])
    await until('more time', async () => (await openings(server, daemon))[0]!.leftMs > 200_000)
    for (const service of services) await service.stop()
  })

  test('is refused: no source address, another user, expired, too old, another source', async () => {
    const { client } = await shared.network()
    const notes = scratch('notes')
    const note = `Start_Command = echo %IP% >> ${notes}`
    const strict = `${STANZA}REQUIRE_SOURCE_ADDRESS Y\nREQUIRE_USERNAME alice\n`
    await start(strict, [note])
    await fwknop(client, ['-A', 'tcp/22', '-s', '--spoof-user', 'alice'])
    await running!.line(/names no address, and the stanza has REQUIRE_SOURCE_ADDRESS/)
    await fwknop(client, ['-A', 'tcp/22', '--spoof-user', 'mallory'])
    await running!.line(/the user name `mallory` is not in REQUIRE_USERNAME/)
    await fwknop(client, ['-A', 'tcp/22', '--spoof-user', 'alice', '--time-offset-minus', '10M'])
    expect(await running!.line(/ s old/)).toMatch(/the packet is (599|60[0-9]) s old$/)
    await fwknop(client, ['-A', 'tcp/22', '--spoof-user', 'alice', '--time-offset-plus', '10M'])
    expect(await running!.line(/ahead of this clock/)).toMatch(/the packet is (59[0-9]|600) s ahead of this clock$/)
    expect(lines(notes)).toEqual([])
    await fwknop(client, ['-A', 'tcp/22', '--spoof-user', 'alice'])
    await until('the opening', () => lines(notes).length === 1)
    await start(`${STANZA}ACCESS_EXPIRE 01/31/2020\n`, [note])
    await fwknop(client, ['-A', 'tcp/22'])
    await running!.line(/the stanza has expired/)
    await start(STANZA.replace('ANY', '198.51.100.0/24'), [note])
    await fwknop(client, ['-A', 'tcp/22'])
    expect(lines(notes)).toHaveLength(1)
  }, 120_000)

  test('in terms of our own, with the keys that fwknop --key-gen prints', async () => {
    const { server, client } = await shared.network()
    const home = scratch('home')
    mkdirSync(home)
    const made = execFileSync('fwknop', ['--key-gen'], { encoding: 'utf8', env: { ...process.env, HOME: home } })
    const [, key] = /^KEY_BASE64: (\S+)$/m.exec(made)!
    const [, hmac] = /^HMAC_KEY_BASE64: (\S+)$/m.exec(made)!
    const file = scratch('keys')
    writeFileSync(file, made, { mode: 0o600 })
    const config = `[ssh]\nSPA = fwknop\nFwknop_Keys = ${file}\nOpen_Ports = tcp/22\nOpen_For = 20s\n`
    const daemon = await begin(config)
    await fwknop(
      client,
      ['-A', 'tcp/22', '-f', '9999'],
      ['--key-base64-rijndael', key!, '--key-base64-hmac', hmac!, '--use-hmac'],
    )
    await daemon.process.line(/OPEN/)
    await until('it to be listed', async () => (await openings(server, daemon)).length === 1)
    expect((await openings(server, daemon))[0]!.leftMs).toBeLessThanOrEqual(20_000)
    // Over IPv6 the real client sends nothing; ours does.
    const rc = scratch('fwknoprc')
    writeFileSync(
      rc,
      `[gate]\nSPA_SERVER ${SERVER_6}\nACCESS tcp/22\nKEY_BASE64 ${key}\nHMAC_KEY_BASE64 ${hmac}\nUSE_HMAC Y\n`,
      { mode: 0o600 },
    )
    const { code, stderr } = await knock(client, ['--spa', 'fwknop', '--rc-file', rc, '-n', 'gate'])
    expect([code, stderr]).toEqual([0, ''])
    await daemon.process.line(new RegExp(`${CLIENT_6}: ssh: OPEN SESAME`))
  })

  test(`played back ${LOOPS} times, at once, from elsewhere and after kill -9, opens nothing`, async () => {
    const { client } = await shared.network()
    const notes = scratch('notes')
    await start(STANZA, [`Start_Command = echo %IP% >> ${notes}`])
    const recorded = await recordedOf(client, 'udp', async () => {
      await fwknop(client, ['-A', 'tcp/22', '-s'])
      await until('the opening', () => lines(notes).length === 1)
    })
    const play = playing(client, recorded, LOOPS)
    await play()
    running!.kill('SIGKILL')
    await running!.ended
    running = await shared.again()
    await play()
    // Whoever floods with copies keeps others out for that second alone.
    await until('an honest packet', async () => {
      await fwknop(client, ['-A', 'tcp/22'])
      return lines(notes).length > 1
    })
    expect(new Set(lines(notes))).toEqual(new Set([CLIENT_4]))
  }, 120_000)

  test('commands only where that is enabled, and a cycle of commands in place of an opening', async () => {
    const { client } = await shared.network()
    const notes = scratch('notes')
    const daemon = await start(STANZA, ['Start_Command = true'])
    await fwknop(client, ['-C', `touch ${notes}.no`])
    await daemon.process.line(/the stanza does not have ENABLE_CMD_EXEC/)
    await start(`${STANZA}ENABLE_CMD_EXEC Y\nCMD_EXEC_USER nobody\n`, ['Start_Command = true'])
    execFileSync('sh', ['-c', `: > ${notes}; chmod 666 ${notes}; chmod 711 $(dirname ${notes})`])
    await fwknop(client, ['-C', `echo "$(id -un) $POSTERN_IP" >> ${notes}`])
    await until('the command', () => lines(notes).length === 1)
    expect(lines(notes)).toEqual([`nobody ${CLIENT_4}`])
    const script = scratch('script')
    writeFileSync(script, `#!/bin/sh\necho "$@" >> ${notes}\n`, { mode: 0o755 })
    const cycle = `CMD_CYCLE_OPEN ${script} open $SRC $PORT $PROTO\nCMD_CYCLE_CLOSE ${script} close $SRC\nCMD_CYCLE_TIMER 1\n`
    await start(`${STANZA}${cycle}`, ['Start_Command = true'])
    await fwknop(client, ['-A', 'tcp/22'])
    await until('the cycle', () => lines(notes).length === 3)
    expect(lines(notes).slice(1)).toEqual([`open ${CLIENT_4} 22 6`, `close ${CLIENT_4}`])
  }, 120_000)

  test('has connections sent on to a host behind, and to another port of this one', async () => {
    const { server, client } = await shared.network()
    const behind = await Host.make('behind')
    await link(
      { host: server, device: 'eth1', addresses: ['198.51.100.1/24'] },
      { host: behind, addresses: ['198.51.100.7/24'] },
    )
    await behind.ip(`route add default via 198.51.100.1`)
    await server.sysctl('net.ipv4.ip_forward', 1)
    await serveTcp(behind, 2222, 'behind')
    await serveTcp(server, 8080, 'here')
    await start(STANZA, ['Open_Ports = tcp/22, tcp/23', 'Forward_To = tcp/8080, tcp/2222@198.51.100.7'])
    await fwknop(client, ['-A', 'tcp/22', '-N', '198.51.100.7:2222'])
    await until('the host behind', async () => (await greeting(client, SERVER_4, 22)) === 'behind')
    await fwknop(client, ['-A', 'tcp/23', '--nat-local', '-N', `${SERVER_4}:8080`])
    await until('the port of this host', async () => (await greeting(client, SERVER_4, 23)) === 'here')
    // Somebody else is sent nowhere.
    await client.address('eth0', '192.0.2.99/24')
    expect(await greeting(client, SERVER_4, 22, '192.0.2.99')).toBe('')
  }, 120_000)

  test('signed and encrypted by GnuPG: by a key that counts', async () => {
    const { client } = await shared.network()
    const [serverHome, clientHome] = [scratch('server-gpg'), scratch('client-gpg')]
    for (const home of [serverHome, clientHome]) mkdirSync(home, { mode: 0o700 })
    const make = (home: string, name: string): string => {
      gpg(home, ['--quick-generate-key', name, 'rsa2048', 'sign,encr', 'never'])
      return /^fpr:+([0-9A-F]{40}):/m.exec(gpg(home, ['--with-colons', '--fingerprint', name]))![1]!
    }
    const serverKey = make(serverHome, 'server@example.org')
    const clientKey = make(clientHome, 'client@example.org')
    gpg(serverHome, ['--import'], gpg(clientHome, ['--armor', '--export', clientKey]))
    gpg(clientHome, ['--import'], gpg(serverHome, ['--armor', '--export', serverKey]))
    gpg(clientHome, ['--yes', '--quick-lsign-key', serverKey])
    const stanza = (id: string): string =>
      `SOURCE ANY\nGPG_HOME_DIR ${serverHome}\nGPG_DECRYPT_ID ${serverKey.slice(-8)}\nGPG_ALLOW_NO_PW Y\nGPG_REQUIRE_SIG Y\nGPG_REMOTE_ID ${id}\nHMAC_KEY_BASE64 ${HMAC}\n`
    const notes = scratch('notes')
    await start(stanza(clientKey.slice(-16)), [`Start_Command = echo %IP% >> ${notes}`])
    const words = [
      '--gpg-encryption',
      '--gpg-home-dir',
      clientHome,
      '--gpg-recipient-key',
      serverKey.slice(-16),
      '--gpg-signer-key',
      clientKey.slice(-16),
      '--gpg-no-signing-pw',
      '--key-base64-hmac',
      HMAC,
      '--use-hmac',
    ]
    await fwknop(client, ['-A', 'tcp/22'], words)
    await until('the opening', () => lines(notes).length === 1)
    const json = scratch('log.json')
    const explained = `LogFile = ${json}\nLogFormat = json`
    await start(stanza('0123456789ABCDEF'), [`Start_Command = echo %IP% >> ${notes}`], explained)
    await fwknop(client, ['-A', 'tcp/22'], words)
    await until('the refusal', () => readFileSync(json, 'utf8').includes('its signature is not by an accepted key'))
    expect(lines(notes)).toHaveLength(1)
    for (const home of [serverHome, clientHome]) execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'])
  }, 120_000)
})
