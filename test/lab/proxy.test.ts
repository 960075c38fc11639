// Goal: `ssh host` just works, and scp and rsync with it, where knockd guards tcp/22 and ~/.ssh/config has one line for
// postern proxy; whatever the secret is. Where it does not, ssh fails in time and it is said why. All of them are the real ones.
import { createHash, randomBytes } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { SLOW } from '../slow.ts'
import { KNOCKS, asked, looks, postern } from './guarded.ts'
import { program } from './knockd.ts'
import type { Knockd } from './knockd.ts'
import { CLIENT_4, IS_ROOT, SERVER_4, SERVER_6 } from './net.ts'
import type { Host } from './net.ts'
import { SharedDaemon } from './one-daemon.ts'
import { run, until } from './process.ts'
import type { Output, Process } from './process.ts'
import { scratch, writeConfig } from './scratch.ts'
import { canConnect, watchWire } from './service.ts'

const SSHD = '/usr/sbin/sshd'
/** Where sshd(8) empties itself into; the package's own service makes it. */
const SSHD_FOLDER = '/run/sshd'
const SEQUENCE = KNOCKS.join()
/** Seconds a door is open: enough for a connection, and soon over. */
const OPEN_S = 2
const PAYLOAD_BYTES = SLOW ? 20_000_000 : 4_000_000
/** What is sent with these flags is the first packet of a connection. */
const SYNS = 'tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn'
/** Milliseconds that starting ssh and Node takes on a busy machine. */
const START_LIMIT_MS = 5_000

/** The two ways differ in who copies bytes; the whole of it is tried in both by `SLOW=1`. */
const isBrief = (how: string): boolean => how === 'the connection is handed over' && !SLOW

/** What a command of keygen prints. */
const printed = async (...words: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await asked(['keygen', ...words])
  expect([code, stderr]).toEqual([0, ''])
  return stdout
}

// Debian's sshd starts by itself once it is installed, so that script/test asks for it only where CI is set.
describe.skipIf(!IS_ROOT || !existsSync(SSHD))('postern proxy', () => {
  let server: Host
  let client: Host
  let folder: string
  /** Of ssh_config(5). */
  let config: string
  let passingOn: string
  let handingOver: string
  const shared = new SharedDaemon()
  let daemon: Knockd | undefined
  /** The door that it has. */
  let guarded = ''
  let sshd: Process

  beforeAll(async () => {
    mkdirSync(SSHD_FOLDER, { recursive: true })
    folder = scratch('ssh')
    mkdirSync(join(folder, 'postern'), { recursive: true, mode: 0o700 })
    for (const name of ['host', 'user']) {
      await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(folder, name)])
    }
    ;({ server, client } = await shared.network())
    // The name's IPv6 address is the one the system prefers.
    client.etc(
      'hosts',
      `${SERVER_6} gate\n${SERVER_4} gate\n${SERVER_4} plain\n2001:db8::dead lame\n${SERVER_4} lame\n`,
    )
    const served = writeConfig(
      [
        'Port 22',
        'Port 2222',
        `HostKey ${join(folder, 'host')}`,
        `AuthorizedKeysFile ${join(folder, 'user.pub')}`,
        'StrictModes no',
        'UsePAM no',
        'PermitRootLogin prohibit-password',
        'PidFile none',
        'Subsystem sftp internal-sftp\n',
      ].join('\n'),
      'sshd_config',
    )
    sshd = server.start([SSHD, '-D', '-e', '-f', served])
    await sshd.line(/Server listening on :: port 2222/)
    const toSsh = (...proxy: readonly string[]): string =>
      writeConfig(
        [
          'Host *',
          ...proxy,
          '    User root',
          `    IdentityFile ${join(folder, 'user')}`,
          '    IdentitiesOnly yes',
          '    BatchMode yes',
          '    StrictHostKeyChecking no',
          '    UserKnownHostsFile /dev/null',
          '    LogLevel ERROR\n',
        ].join('\n'),
        'ssh_config',
      )
    const ours = `${process.execPath} ${program('postern')}`
    passingOn = toSsh(`    ProxyCommand ${ours} proxy %h %p`)
    handingOver = toSsh(`    ProxyCommand ${ours} proxy -F %h %p`, '    ProxyUseFdpass yes')
  })
  beforeEach(() => {
    config = passingOn
  })
  afterAll(async () => await daemon?.process.stop())

  /** Has a daemon guard the door, which is shut: the one of the test before, where that is the same. */
  const guard = async (door: string, name = 'ssh'): Promise<Knockd> => {
    const wanted = `[${name}]\nOpen_Ports = tcp/22\nOpen_For = ${OPEN_S}s\n${door}\n`
    if (daemon === undefined || guarded !== wanted) {
      guarded = wanted
      ;({ daemon } = await shared.reload(wanted))
    }
    await shut()
    return daemon
  }
  const hosts = (text: string): void => writeFileSync(join(folder, 'postern/config'), text, { mode: 0o600 })
  const on = async (argv: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Output> =>
    client.run(argv, { mayFail: true, env: { XDG_CONFIG_HOME: folder, ...env } })
  const ssh = async (...words: readonly string[]): Promise<Output> => on(['ssh', '-F', config, ...words])
  const works = async (host: string): Promise<void> => {
    expect(await ssh(host, 'echo', 'inside')).toEqual({ code: 0, signal: null, stdout: 'inside\n', stderr: '' })
  }
  const isShut = async (): Promise<void> =>
    until(
      'the door is shut',
      async () => !(await canConnect(client, SERVER_4, 22)) && !(await canConnect(client, SERVER_6, 22)),
    )
  /** Shuts the door, as waiting until it does so by itself takes long. */
  const shut = async (): Promise<void> => {
    await postern(server, daemon!, 'close', '--all')
    await isShut()
  }

  describe.each(['the stream is passed on', 'the connection is handed over'])('a sequence, %s', (how) => {
    const also: (name: string, run: () => Promise<void>) => void = isBrief(how) ? () => undefined : test
    beforeEach(async () => {
      if (how === 'the connection is handed over') config = handingOver
      await guard(`Sequence = ${SEQUENCE}`)
      hosts(`[gate]\nKnock = ${SEQUENCE}\n\n[192.0.2.*]\nKnock = ${SEQUENCE}\nDelay = 5ms\n`)
    })

    test('ssh', async () => {
      await works('gate')
    })

    also('a session outlives the opening; again after the door has shut, by an address', async () => {
      const goOn = join(folder, 'go-on')
      rmSync(goOn, { force: true })
      hosts(`[work*]\nHost = gate\nFamily = 4\nKnock = ${SEQUENCE}\n\n[192.0.2.*]\nKnock = ${SEQUENCE}\nDelay = 5ms\n`)
      // Host says where it is, Family over what.
      const script = `echo $SSH_CONNECTION; until [ -e ${goOn} ]; do sleep 0.1; done; echo still`
      daemon!.process.forget()
      const session = ssh('workshop', script)
      await daemon!.process.line(/ open for /)
      await isShut()
      writeFileSync(goOn, '')
      const { code, stdout, stderr } = await session
      expect([code, stdout.replace(/ .*/, ''), stderr]).toEqual([0, `${CLIENT_4}\nstill\n`, ''])
      await works(SERVER_4)
    })

    also('scp there and back, whole', async () => {
      const payload = join(folder, 'payload')
      writeFileSync(payload, randomBytes(PAYLOAD_BYTES))
      const [there, back] = [join(folder, 'there'), join(folder, 'back')]
      for (const [from, to] of [
        [payload, `gate:${there}`],
        [`gate:${there}`, back],
      ] as const) {
        const { code, stderr } = await on(['scp', '-q', '-F', config, from, to])
        expect([code, stderr]).toEqual([0, ''])
      }
      expect(digest(back)).toBe(digest(payload))
    })

    also('rsync of a folder', async () => {
      const [from, to] = [join(folder, 'from'), join(folder, 'to')]
      mkdirSync(from, { recursive: true })
      for (const name of ['one', 'two']) writeFileSync(join(from, name), randomBytes(100_000))
      const { code, stderr } = await on(['rsync', '-a', '-e', `ssh -F ${config}`, `${from}/`, `gate:${to}/`])
      expect([code, stderr]).toEqual([0, ''])
      for (const name of ['one', 'two']) expect(digest(join(to, name))).toBe(digest(join(from, name)))
    })

    also('a reader that ends early is no fault of ours', async () => {
      const { code, stdout, stderr } = await on(['sh', '-c', `ssh -F ${config} gate yes | head -n 1`])
      expect([code, stdout, stderr]).toEqual([0, 'y\n', ''])
    })

    also('a name whose IPv6 address nobody has: the other one is taken', async () => {
      hosts(`[lame]\nKnock = ${SEQUENCE}\n`)
      await works('lame')
    })
  })

  test('a connection is handed over to a socket alone', async () => {
    hosts('')
    const { stdout, stderr } = await on([
      'sh',
      '-c',
      `${process.execPath} ${program('postern')} proxy -F plain 2222 | cat`,
    ])
    expect([stdout, stderr]).toEqual([
      '',
      'postern: cannot pass the connection to standard output: ENOTSOCK\n' +
        '  set `ProxyUseFdpass yes` beside ProxyCommand, or leave -F out\n',
    ])
  })

  test('what goes wrong is said, and ssh fails in time', async () => {
    await guard(`Sequence = ${SEQUENCE}`)
    hosts('[gate]\nKnock = 7301,822,9404\nWait = 1s\n')
    const before = performance.now()
    const { code, stdout, stderr } = await ssh('gate', 'echo', 'inside')
    const tookMs = performance.now() - before
    expect([code, stdout]).toEqual([255, ''])
    expect(stderr).toMatch(
      /^postern: tcp gate:22 is not open 1s after the knock: it (refuses connections|does not answer)\n {2}the daemon's log there says whether it accepted the knock\n/,
    )
    expect(tookMs).toBeGreaterThan(1_000)
    expect(tookMs).toBeLessThan(1_000 + START_LIMIT_MS)
    hosts('[gate]\nKnok = 7301,822,9404\n')
    expect((await ssh('gate', 'true')).stderr).toMatch(
      /^postern: \S+\/config:2:1: error: unknown directive `Knok`\n +did you mean `Knock`\?\n/,
    )
  })

  test('a host without a section is connected to without a knock, and nothing is said', async () => {
    await guard(`Sequence = ${SEQUENCE}`)
    hosts(`[gate]\nKnock = ${SEQUENCE}\n`)
    const wire = await watchWire(server, SYNS)
    const { code, stdout, stderr } = await ssh('-p', '2222', 'plain', 'echo', 'inside')
    expect([code, stdout, stderr]).toEqual([0, 'inside\n', ''])
    await wire.stop()
    const ports = wire.lines.flatMap((line) => / > \S+\.(\d+): Flags/.exec(line)?.[1] ?? [])
    expect(ports).toEqual(['2222'])
    expect((await ssh('-p', '2223', 'plain', 'true')).stderr).toMatch(
      /^postern: cannot connect to tcp plain:2223: it refuses connections\n/,
    )
  })

  test('Try_First looks before it knocks, and knocks where that does not do', async () => {
    const opened = await guard(`Sequence = ${SEQUENCE}`)
    hosts(`[gate]\nKnock = 1111,2222,3333\nTry_First = yes\nFamily = 4\nWait = 1s\n`)
    expect((await postern(server, opened, 'open', 'ssh', '--for', '20s', '--source', CLIENT_4)).code).toBe(0)
    const wire = await watchWire(server, SYNS)
    await works('gate')
    await wire.stop()
    expect(wire.count(/ > \S+\.(1111|2222|3333): /)).toBe(0)
    await postern(server, opened, 'close', '--all')
    await looks(client, SERVER_4, 22, 'refused').catch(async () => looks(client, SERVER_4, 22, 'silent'))
    hosts(`[gate]\nKnock = ${SEQUENCE}\nTry_First = yes\n`)
    await works('gate')
  })

  test('a code behind a sequence, on one family; and the next code where one has been used', async () => {
    const secret = scratch('totp')
    const period = ['--period', '5', '--file', secret]
    await printed('totp', 'gate', '--no-qr', ...period)
    await guard(`TOTP_Secret_File = ${secret}\nSequence = ${SEQUENCE}`, 'gate')
    hosts(`[gate]\nTOTP_File = ${secret}\nKnock = ${SEQUENCE}\nWait = 1s\n`)
    // Some of these fall into the period of the one before, whose code was used, or near the end of one.
    for (let again = 0; again < (SLOW ? 3 : 2); again++) {
      const { code, stdout, stderr } = await ssh('gate', 'echo', 'inside')
      expect([code, stdout]).toEqual([0, 'inside\n'])
      expect(stderr).toMatch(/^(postern: waiting [0-9.]+ s for the next code\n)?$/)
      await shut()
    }
    await daemon!.process.line(/gate: .*open/i)
    hosts(`[gate]\nTOTP_File = ${secret}\nWait = 500ms\nRetry = 0\n`)
    // It remembers no code that was used, so it does not wait for the next one.
    const { stderr } = await on(['ssh', '-F', config, 'gate', 'true'], { XDG_STATE_HOME: scratch('state') })
    expect(stderr).toMatch(
      /^(postern: waiting [0-9.]+ s for the next code\n)?postern: tcp gate:22 is not open 500ms after the knock: /,
    )
  })

  test('the single packet, over either family', async () => {
    const [serverKey, userKey] = [scratch('server.key'), scratch('user.key')]
    const [, serverText] = /Server_Key = (\S+)/.exec(await printed('server', '--file', serverKey))!
    const [userLine] = /postern-user:.*/.exec(await printed('user', '--file', userKey, 'alice'))!
    const users = scratch('users')
    writeFileSync(users, `${userLine}\n`, { mode: 0o600 })
    await guard(`SPA = postern\nSPA_Users = ${users}\n[options]\nSPA_Key_File = ${serverKey}`)
    for (const address of [SERVER_4, SERVER_6]) {
      hosts(`[gate]\nHost = ${address}\nServer_Key = ${serverText}\nKey_File = ${userKey}\nDoor = ssh\n`)
      await works('gate')
      await shut()
    }
  })

  test('a published list, each sequence once', async () => {
    const published = scratch('www')
    mkdirSync(published)
    const identity = scratch('identity')
    execFileSync('age-keygen', ['-o', identity], { stdio: 'ignore' })
    const recipient = execFileSync('age-keygen', ['-y', identity], { encoding: 'utf8' }).trim()
    const lines = ['One_Time_Sequences = generate', `Publish_To = ${published}`, `Publish_For = ${recipient}`]
    await guard(lines.join('\n'))
    const list = join(published, 'ssh.age')
    await until('the first list', () => existsSync(list))
    hosts(`[gate]\nFrom = ${list}\nIdentity = ${identity}\n`)
    for (let time = 0; time < 2; time++) {
      const { ino } = statSync(list)
      await works('gate')
      await until('the next list', () => statSync(list).ino !== ino)
      await shut()
    }
  })
})

function digest(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
